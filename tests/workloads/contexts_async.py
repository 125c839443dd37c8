"""FastAPI on one event loop, whose requests ask PostgreSQL, Redis and HTTP: contexts_async.py PORT DSN REDIS_PORT HTTP_PORT LOOP

GET /a/rN asks from coroutines, GET /s/rN from a thread of the pool, GET /f/rN asks where nobody listens, and fails. Each call carries the request's name. What is asked for
nobody is called `nobody`: a poller that began with the server. What is asked after the answer is called `rN`, too.
"""
import asyncio
import contextlib
import sys

import asyncpg
import fastapi
import httpx
import redis
import redis.asyncio
import uvicorn

port, dsn, redis_port, http_port, loop = sys.argv[1:]
pool = cache = web = None
plain = redis.Redis(port=int(redis_port))


async def poll():
    while True:
        await asyncio.sleep(0.003)
        await cache.get("nobody")
        await pool.fetchval('SELECT 1 AS "nobody"')


@contextlib.asynccontextmanager
async def life(_):
    global pool, cache, web
    pool = await asyncpg.create_pool(dsn, min_size=2, max_size=6)
    cache = redis.asyncio.Redis(port=int(redis_port), max_connections=100)
    web = httpx.AsyncClient(trust_env=False)
    task = asyncio.create_task(poll())
    yield
    task.cancel()


app = fastapi.FastAPI(lifespan=life)


async def later(name):
    await asyncio.sleep(0.002)
    await cache.get(name)


@app.get("/a/{name}")
async def coroutines(name: str, background: fastapi.BackgroundTasks):
    await pool.fetchval(f'SELECT 1 AS "{name}"')
    await asyncio.sleep(0.002)
    await asyncio.gather(cache.get(name), web.get(f"http://127.0.0.1:{http_port}/{name}"))
    await asyncio.to_thread(plain.get, name)
    background.add_task(later, name)
    return name


@app.get("/f/{name}")
async def failing(name: str, response: fastapi.Response):
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.get(f"http://127.0.0.1:1/{name}")
    except httpx.ConnectError:
        response.status_code = 503
    return name


@app.get("/s/{name}")
def thread(name: str):
    plain.get(name)
    return name


uvicorn.run(app, host="127.0.0.1", port=int(port), loop=loop, log_level="warning")
