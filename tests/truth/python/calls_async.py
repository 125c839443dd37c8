"""What an asynchronous server asks, by the plan of xtask/src/truth/plan.rs: `work(id, mode)` before the answer,
`stream(id)` within it, `late(id, mode)` after it.

DRIVER=psycopg asks PostgreSQL through psycopg instead of asyncpg. Pools are smaller than the load.
"""
import asyncio
import contextlib
import itertools
import os

import asyncpg
import httpx
import psycopg
import redis.asyncio

POOL = int(os.environ.get("POOL", "6"))
LEAF = f"http://127.0.0.1:{os.environ['LEAF_PORT']}/leaf/"
PORT = int(os.environ["POSTGRES_PORT"])


class Asyncpg:
    async def __aenter__(self):
        pool = asyncpg.create_pool(host="127.0.0.1", port=PORT, user="postgres", database="postgres", max_size=POOL, min_size=1)
        self.pool = await pool
        return self

    async def __aexit__(self, *_):
        self.pool.terminate()

    async def run(self, text):
        await self.pool.fetchval(text)


class Psycopg:
    async def __aenter__(self):
        self.pool = asyncio.LifoQueue()
        for _ in range(POOL):
            self.pool.put_nowait(None)
        return self

    async def __aexit__(self, *_):
        pass

    async def run(self, text):
        connection = await self.pool.get()
        try:
            # One whose request was cancelled is closed.
            if not connection or connection.closed:
                dsn = f"host=127.0.0.1 port={PORT} user=postgres dbname=postgres"
                connection = await psycopg.AsyncConnection.connect(dsn, autocommit=True)
            await connection.execute(text)
        finally:
            self.pool.put_nowait(connection)


class Calls:
    @contextlib.asynccontextmanager
    async def opened(self):
        database = Psycopg() if os.environ.get("DRIVER") == "psycopg" else Asyncpg()
        pool = redis.asyncio.BlockingConnectionPool(port=int(os.environ["REDIS_PORT"]), max_connections=POOL, timeout=None)
        limits = httpx.Limits(max_connections=POOL)
        async with database as self.database, httpx.AsyncClient(limits=limits, timeout=None) as self.http:
            self.cache = redis.asyncio.Redis(connection_pool=pool)
            nobodys = asyncio.create_task(self.background())
            yield
            nobodys.cancel()

    async def sql(self, name, sleep=0.002):
        await self.database.run(f'SELECT pg_sleep({sleep}) AS "{name}"')

    async def leaf(self, name):
        await self.http.get(LEAF + name)

    async def work(self, name, mode):
        if mode == "sequential":
            await self.sql(name + "_s1")
            await self.cache.get(name + "_s2")
            await self.leaf(name + "_s3")
            await self.sql(name + "_s4")
        elif mode == "fanout":
            await asyncio.gather(self.sql(name + "_f1"), self.cache.get(name + "_f2"), self.leaf(name + "_f3"))
        elif mode == "timer":
            await asyncio.sleep(0.003)
            await self.sql(name + "_t1")
            await self.cache.get(name + "_t2")
            await self.leaf(name + "_t3")

    async def stream(self, name):
        yield b"o"
        await self.sql(name + "_c1")
        await self.cache.get(name + "_c2")
        await self.leaf(name + "_c3")
        yield b"k\n"

    async def late(self, name, mode):
        if mode == "late":
            await asyncio.sleep(0.002)
            await self.sql(name + "_l1")
            await self.cache.get(name + "_l2")
            await self.leaf(name + "_l3")

    async def background(self):
        for number in itertools.count():
            await asyncio.sleep(0.005)
            try:
                if number % 3 == 0:
                    await self.sql(f"bg{number}", 0)
                elif number % 3 == 1:
                    await self.cache.get(f"bg{number}")
                else:
                    await self.leaf(f"bg{number}")
            except Exception as problem:  # whatever it is, nobody's work goes on
                print(problem, flush=True)
