"""What a blocking server asks, by the plan of xtask/src/truth/plan.rs: `work(id, mode)` before the answer,
`stream(id)` within it, `late(id, mode)` after it.

Pools are smaller than the load. Each worker process has its own, and somebody in it asks on behalf of nobody.
"""
import concurrent.futures
import itertools
import os
import queue
import threading
import time

import psycopg
import redis
import urllib3

POOL = int(os.environ.get("POOL", "6"))
LEAF = f"http://127.0.0.1:{os.environ['LEAF_PORT']}/leaf/"
DSN = f"host=127.0.0.1 port={os.environ['POSTGRES_PORT']} user=postgres dbname=postgres"

connections = queue.LifoQueue()
for _ in range(POOL):
    connections.put(None)
cache = redis.Redis(
    connection_pool=redis.BlockingConnectionPool(port=int(os.environ["REDIS_PORT"]), max_connections=POOL, timeout=None)
)
http = urllib3.PoolManager(maxsize=POOL, block=True, retries=False)
workers = concurrent.futures.ThreadPoolExecutor(8)


def sql(name, sleep=0.002):
    connection = connections.get()
    try:
        connection = connection or psycopg.connect(DSN, autocommit=True)
        connection.execute(f'SELECT pg_sleep({sleep}) AS "{name}"').fetchall()
    finally:
        connections.put(connection)


def leaf(name):
    http.request("GET", LEAF + name)


def work(name, mode):
    if mode == "sequential":
        sql(name + "_s1")
        cache.get(name + "_s2")
        leaf(name + "_s3")
        sql(name + "_s4")
    elif mode == "fanout":
        calls = zip((sql, cache.get, leaf), ("_f1", "_f2", "_f3"))
        for done in [workers.submit(call, name + end) for call, end in calls]:
            done.result()
    elif mode == "timer":
        time.sleep(0.003)
        sql(name + "_t1")
        cache.get(name + "_t2")
        leaf(name + "_t3")


def stream(name):
    yield b"o"
    sql(name + "_c1")
    cache.get(name + "_c2")
    leaf(name + "_c3")
    yield b"k\n"


def late(name, mode):
    if mode == "late":
        time.sleep(0.002)
        sql(name + "_l1")
        cache.get(name + "_l2")
        leaf(name + "_l3")


def background():
    # No name twice in all workers.
    for number in itertools.count(os.getpid() % 40000 * 100000):
        time.sleep(0.005)
        try:
            if number % 3 == 0:
                sql(f"bg{number}", 0)
            elif number % 3 == 1:
                cache.get(f"bg{number}")
            else:
                leaf(f"bg{number}")
        except Exception as problem:  # whatever it is, nobody's work goes on
            print(problem, flush=True)


threading.Thread(target=background, daemon=True).start()
