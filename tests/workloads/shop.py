"""A shop that asks a database, a cache and another service for each order: shop.py PORT DSN REDIS_PORT STOCK_PORT"""
import asyncio
import sys
from contextlib import asynccontextmanager

import asyncpg
import httpx
import redis.asyncio
import uvicorn
from fastapi import FastAPI

PORT, DSN, REDIS_PORT, STOCK_PORT = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])


@asynccontextmanager
async def connections(app):
    known = dict(pair.split("=") for pair in DSN.split())
    database = {"host": known["host"], "port": known["port"], "user": known["user"], "database": known["dbname"]}
    app.database = await asyncpg.connect(**database, ssl=False)
    await app.database.execute("CREATE TABLE IF NOT EXISTS orders (id int PRIMARY KEY, note text)")
    await app.database.execute("INSERT INTO orders VALUES (1, 'gift wrap') ON CONFLICT DO NOTHING")
    app.cache = redis.asyncio.Redis(port=REDIS_PORT, single_connection_client=True)
    await app.cache.ping()
    app.stock = httpx.AsyncClient(base_url=f"http://127.0.0.1:{STOCK_PORT}", trust_env=False)
    yield


app = FastAPI(lifespan=connections)
one_at_a_time = asyncio.Lock()


@app.get("/orders/{number}")
async def order(number: int):
    async with one_at_a_time:
        known = await app.cache.get(f"order:{number}")
        note = await app.database.fetchval("SELECT note FROM orders WHERE id = $1", number)
    stock = await app.stock.get(f"/orders/{number}")
    return {"known": known is not None, "note": note, "stock": stock.json()}


uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="warning", loop="asyncio")
