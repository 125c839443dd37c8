"""Requests over TLS by drivers of Python: tls_drivers.py DRIVER PORT AT_ONCE FROM TO

Each of FROM … TO is asked for once, by AT_ONCE threads or tasks; `+uvloop` behind the driver's name gives it that loop.
"""
import asyncio
import queue
import ssl
import sys
import threading
import warnings

driver, port, at_once, first, end = sys.argv[1], *map(int, sys.argv[2:])
driver, _, loop = driver.partition("+")
warnings.simplefilter("ignore")
postgres = f"host=127.0.0.1 port={port} user=postgres dbname=postgres sslmode=require gssencmode=disable"
trusting = ssl.create_default_context()
trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
if loop == "uvloop":
    import uvloop

    uvloop.install()


def url(number):
    return f"https://127.0.0.1:{port}/?n{number}"


def statement(number):
    return f'SELECT 1 AS "n{number}"'


def threads(make):
    wanted = queue.Queue()
    for number in range(first, end):
        wanted.put(number)

    def run():
        ask = make()
        while not wanted.empty():
            try:
                ask(wanted.get_nowait())
            except queue.Empty:
                pass

    all_of_them = [threading.Thread(target=run) for _ in range(at_once)]
    for thread in all_of_them:
        thread.start()
    for thread in all_of_them:
        thread.join()


async def tasks(ask):
    wanted = iter(range(first, end))

    async def run():
        for number in wanted:
            await ask(number)

    await asyncio.gather(*(run() for _ in range(at_once)))


def requests():
    import requests as library

    def make():
        session = library.Session()
        return lambda number: session.get(url(number), verify=False).content

    threads(make)


def curl_cffi():
    from curl_cffi import requests as library

    def make():
        session = library.Session(verify=False, impersonate="chrome")
        return lambda number: session.get(url(number)).content

    threads(make)


async def httpx():
    import httpx as library

    async with library.AsyncClient(http2=True, verify=False) as client:

        async def ask(number):
            (await client.get(url(number))).read()

        await tasks(ask)


async def aiohttp():
    import aiohttp as library

    connector = library.TCPConnector(ssl=False, limit=at_once)
    async with library.ClientSession(connector=connector) as session:

        async def ask(number):
            async with session.get(url(number)) as answer:
                await answer.read()

        await tasks(ask)


def psycopg():
    import psycopg as library

    def make():
        connection = library.connect(postgres, autocommit=True)
        return lambda number: connection.execute(statement(number)).fetchall()

    threads(make)


async def asyncpg():
    import asyncpg as library

    pool = await library.create_pool(
        host="127.0.0.1", port=port, user="postgres", database="postgres", ssl=trusting,
        min_size=1, max_size=at_once, statement_cache_size=0,
    )

    async def ask(number):
        await pool.fetch(statement(number))

    await tasks(ask)
    await pool.close()


def redis():
    import redis as library

    pool = library.ConnectionPool(
        connection_class=library.SSLConnection, host="127.0.0.1", port=port, ssl_cert_reqs=None, ssl_check_hostname=False,
    )
    threads(lambda: lambda number: library.Redis(connection_pool=pool).get(f"n{number}"))


async def redis_asyncio():
    import redis.asyncio as library

    client = library.Redis(host="127.0.0.1", port=port, ssl=True, ssl_cert_reqs=None, ssl_check_hostname=False)

    async def ask(number):
        await client.get(f"n{number}")

    await tasks(ask)
    await client.aclose()


run = globals()[driver]
if asyncio.iscoroutinefunction(run):
    asyncio.run(run())
else:
    run()
