"""A server and a client whose exchanges are the same in every run.

untouched.py server PORT: asyncio, each request in a task of its own; ends when it is told to.
untouched.py client PORT FILE: asks in a fixed order over two connections; what it received goes to the file.
"""
import asyncio
import socket
import sys

BODY = bytes(range(256)) * 300


async def answer(reader, writer, over):
    while head := await reader.readuntil(b"\r\n\r\n"):
        method, path, _ = head.split(b" ", 2)
        body = await reader.readexactly(len(BODY)) if method == b"POST" else b""
        text = b"%s %s: %d\n" % (method, path, sum(body)) + (BODY if path == b"/big" else b"")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text) + text)
        await writer.drain()
        if path == b"/last":
            writer.close()
            over.set()
            return
        if path == b"/close":
            writer.close()
            return


async def serve(port):
    over = asyncio.Event()

    async def handle(reader, writer):
        # A task, so that Python makes a context for it.
        await asyncio.create_task(answer(reader, writer, over))

    server = await asyncio.start_server(handle, "127.0.0.1", port, limit=1 << 20)
    print("ready", flush=True)
    await over.wait()
    server.close()


def ask(connection, request):
    connection.sendall(request)
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(1)
    length = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
    return head + connection.recv(length, socket.MSG_WAITALL)


def client(port, file):
    requests = [b"GET /%d HTTP/1.1\r\nHost: here\r\nUser-Agent: fixed\r\n\r\n" % number for number in range(20)]
    requests.append(b"POST /sum HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)
    requests.append(b"GET /big HTTP/1.1\r\nHost: here\r\n\r\n")
    with open(file, "wb") as received:
        for last in (b"/close", b"/last"):
            with socket.create_connection(("127.0.0.1", port)) as connection:
                for request in [*requests, b"GET %s HTTP/1.1\r\nHost: here\r\n\r\n" % last]:
                    received.write(ask(connection, request))


if sys.argv[1] == "server":
    asyncio.run(serve(int(sys.argv[2])))
else:
    client(int(sys.argv[2]), sys.argv[3])
