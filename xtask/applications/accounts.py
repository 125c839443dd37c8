"""An account's balance from PostgreSQL and its currency from Redis: FastAPI, for uvicorn."""
import contextlib
import os

import asyncpg
import fastapi
import redis.asyncio


@contextlib.asynccontextmanager
async def pools(app):
    port = int(os.environ["POSTGRES_PORT"])
    async with asyncpg.create_pool(host="127.0.0.1", port=port, user="postgres", database="postgres") as app.state.sql:
        async with redis.asyncio.Redis(port=int(os.environ["REDIS_PORT"]), decode_responses=True) as app.state.redis:
            yield


app = fastapi.FastAPI(lifespan=pools)


@app.get("/accounts/{number}")
async def account(number: int):
    balance = await app.state.sql.fetchval("SELECT abalance FROM pgbench_accounts WHERE aid = $1", number)
    return {"account": number, "balance": balance, "currency": await app.state.redis.get("currency")}
