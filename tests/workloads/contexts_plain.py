"""An HTTP server on asyncio without any library, which asks Redis: contexts_plain.py PORT REDIS_PORT

GET /rN asks with the request's name: from a task, from two at once, from a thread, and once after the answer. A poller asks for `nobody`.
"""
import asyncio
import contextvars
import functools
import socket
import sys

port, redis_port = int(sys.argv[1]), int(sys.argv[2])
# The loop itself holds none.
tasks = set()


def command(name):
    return f"*2\r\n$3\r\nGET\r\n${len(name)}\r\n{name}\r\n".encode()


class Redis:
    """A few connections, which requests take in turns."""

    def __init__(self):
        self.free = asyncio.Queue()

    async def open(self, count):
        for _ in range(count):
            self.free.put_nowait(await asyncio.open_connection("127.0.0.1", redis_port))

    async def get(self, name):
        reader, writer = await self.free.get()
        try:
            writer.write(command(name))
            await reader.readline()
        finally:
            self.free.put_nowait((reader, writer))


def plain(name):
    with socket.create_connection(("127.0.0.1", redis_port)) as connection:
        connection.sendall(command(name))
        connection.recv(100)


class Server(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.head = transport, b""

    def data_received(self, data):
        self.head += data
        while b"\r\n\r\n" in self.head:
            head, self.head = self.head.split(b"\r\n\r\n", 1)
            task = asyncio.get_running_loop().create_task(self.handle(head.split()[1].decode()[1:]))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async def handle(self, name):
        loop = asyncio.get_running_loop()
        await cache.get(name)
        await asyncio.gather(cache.get(name), cache.get(name))
        await loop.run_in_executor(None, functools.partial(contextvars.copy_context().run, plain, name))
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await asyncio.sleep(0.002)
        await cache.get(name)


async def poll():
    while True:
        await asyncio.sleep(0.003)
        await cache.get("nobody")


async def main():
    global cache
    cache = Redis()
    await cache.open(4)
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", port)
    poller = asyncio.ensure_future(poll())
    await asyncio.gather(poller, server.serve_forever())


asyncio.run(main())
