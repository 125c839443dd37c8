"""A server with a thread for each connection, which asks Redis: contexts_threads.py PORT REDIS_PORT

GET /rN asks with the request's name, before and after a context of the thread's own was made, and in a copy of it; then two threads of
a pool do at once, in which a task hands on to another pool, too. A thread of its own asks for nobody, and has a pool do so.
"""
import concurrent.futures
import contextvars
import http.server
import sys
import threading
import time

import redis

cache = redis.Redis(port=int(sys.argv[2]))
pool = concurrent.futures.ThreadPoolExecutor(4)
others = concurrent.futures.ThreadPoolExecutor(2)
name = contextvars.ContextVar("name")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        cache.get(self.path[1:])
        name.set(self.path)
        cache.get(self.path[1:])
        contextvars.copy_context().run(cache.get, self.path[1:])
        tasks = [pool.submit(cache.get, self.path[1:]), pool.submit(self.hand_on)]
        concurrent.futures.wait(tasks)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def hand_on(self):
        others.submit(cache.get, self.path[1:]).result()

    def log_message(self, *_):
        pass


def poll():
    own = redis.Redis(port=int(sys.argv[2]))
    while True:
        time.sleep(0.003)
        own.get("nobody")
        pool.submit(own.get, "nobody").result()


threading.Thread(target=poll, daemon=True).start()
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
server.serve_forever()
