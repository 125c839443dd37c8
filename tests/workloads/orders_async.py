"""An HTTP server on one event loop, which asks PostgreSQL once a request: orders_async.py PORT DSN

GET /rN runs a statement that says so, after a pause in which other requests come: `… AS rN`.
"""
import asyncio
import sys

import psycopg


async def serve(reader, writer):
    while head := await reader.readline():
        while (await reader.readline()).strip():
            pass
        name = head.split()[1].decode().strip("/")
        if name:
            await asyncio.sleep(0.05)
            connection = await psycopg.AsyncConnection.connect(sys.argv[2], autocommit=True)
            await connection.execute(f"SELECT pg_sleep(0.02) AS {name}")
            await connection.close()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")
        await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


asyncio.run(main())
