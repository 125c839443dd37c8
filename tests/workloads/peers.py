"""Asks several servers over TLS in turns, from one event loop: peers.py httpx|aiohttp[+uvloop] PORTS AT_ONCE FROM TO

Each path names the server that it is meant for: /to-PORT/nN. Now and then a connection is closed behind an answer."""
import asyncio
import ssl
import sys
import warnings

library, ports, *numbers = sys.argv[1:]
ports, (at_once, first, end) = ports.split(","), map(int, numbers)
library, _, loop = library.partition("+")
warnings.simplefilter("ignore")
trusting = ssl.create_default_context()
trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
if loop:
    import uvloop

    uvloop.install()


def wanted():
    for number in range(first, end):
        port = ports[number % len(ports)]
        headers = {"Connection": "close"} if number % 41 == 0 else {}
        yield f"https://127.0.0.1:{port}/to-{port}/n{number}", headers


async def tasks(ask):
    requests = wanted()

    async def run():
        for url, headers in requests:
            await ask(url, headers)

    await asyncio.gather(*(run() for _ in range(at_once)))


async def httpx():
    import httpx as library

    async with library.AsyncClient(verify=trusting, limits=library.Limits(max_connections=at_once)) as client:

        async def ask(url, headers):
            (await client.get(url, headers=headers)).read()

        await tasks(ask)


async def aiohttp():
    import aiohttp as library

    connector = library.TCPConnector(ssl=trusting, limit=at_once)
    async with library.ClientSession(connector=connector) as session:

        async def ask(url, headers):
            async with session.get(url, headers=headers) as answer:
                await answer.read()

        await tasks(ask)


asyncio.run(globals()[library]())
