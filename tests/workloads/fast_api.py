"""A FastAPI application on uvicorn: fast_api.py PORT"""
import sys

import uvicorn
from fastapi import FastAPI

app = FastAPI()


@app.get("/orders/{number}")
async def order(number: int):
    return {"order": number}


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
