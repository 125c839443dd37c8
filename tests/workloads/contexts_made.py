"""A server that makes contexts when it is asked, on its only thread: contexts_made.py PORT

GET /WAY/COUNT makes so many in one of the ways below. Those that are dropped at once come out of the interpreter's list of free ones,
those that are kept are allocated.
"""
import asyncio
import contextvars
import http.server
import sys
import threading

loop = asyncio.new_event_loop()
own = contextvars.copy_context()


async def nothing():
    pass


async def tasks(count):
    # `gather` would make one more for each of its callbacks.
    for task in [loop.create_task(nothing()) for _ in range(count)]:
        while not task.done():
            await asyncio.sleep(0)


def thread():
    # Its first context, and the copy.
    contextvars.copy_context()


def threads(count):
    for _ in range(count // 2):
        one = threading.Thread(target=thread)
        one.start()
        one.join()


def repeated(make, is_kept):
    def many(count):
        kept = []
        for _ in range(count):
            made = make()
            if is_kept:
                kept.append(made)

    return many


WAYS = {
    "tasks": lambda count: loop.run_until_complete(tasks(count)),
    "callbacks": repeated(lambda: loop.call_soon(int), False),
    "threads": threads,
}
for name, make in {"copy_context": contextvars.copy_context, "copy": own.copy, "Context": contextvars.Context}.items():
    WAYS[name] = repeated(make, False)
    WAYS[name + "_kept"] = repeated(make, True)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        _, way, count = self.path.split("/")
        WAYS[way](int(count))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
