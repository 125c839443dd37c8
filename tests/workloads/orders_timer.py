"""An HTTP server on one event loop that also works for nobody: orders_timer.py PORT DSN

Every 5 ms it runs `… AS nobody`. GET /rN runs a statement that says so, after a pause: `… AS rN`; when it is answered,
another one: `… AS late`.
"""
import asyncio
import sys

import psycopg


async def connect():
    return await psycopg.AsyncConnection.connect(sys.argv[2], autocommit=True)


async def poll():
    connection = await connect()
    while True:
        await asyncio.sleep(0.005)
        await connection.execute("SELECT pg_sleep(0) AS nobody")


async def serve(reader, writer):
    connection = await connect()
    while head := await reader.readline():
        while (await reader.readline()).strip():
            pass
        name = head.split()[1].decode().strip("/")
        if name:
            await asyncio.sleep(0.05)
            await connection.execute(f"SELECT pg_sleep(0) AS {name}")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")
        await writer.drain()
        if name:
            await asyncio.sleep(0.01)
            await connection.execute("SELECT pg_sleep(0) AS late")
    writer.close()


async def main():
    poller = asyncio.create_task(poll())
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()
    await poller


asyncio.run(main())
