"""A shop for opentelemetry-instrument: for each order it asks a cache and another service, the latter once more with a client
that no SDK knows. The answer is the header that the first of them sent: sdk_shop.py PORT REDIS_PORT STOCK_PORT"""
import http.client
import sys

import redis
import requests
from flask import Flask

PORT, REDIS_PORT, STOCK_PORT = (int(word) for word in sys.argv[1:4])

app = Flask("shop")
cache = redis.Redis(port=REDIS_PORT)
stock = requests.Session()
stock.trust_env = False


@app.get("/orders/<int:number>")
def order(number):
    cache.get(f"order:{number}")
    traced = stock.get(f"http://127.0.0.1:{STOCK_PORT}/?traced={number}")
    plain = http.client.HTTPConnection("127.0.0.1", STOCK_PORT)
    plain.request("GET", f"/?plain={number}")
    plain.getresponse().read()
    plain.close()
    return traced.request.headers["traceparent"]


app.run("127.0.0.1", PORT, threaded=True)
