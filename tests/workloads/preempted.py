"""A client and its server in one process: preempted.py TOKEN FAMILY SLEEP_MS

The token is in the path, forty times, and in the body, of every request. Waits for a line on its standard input, then
sends requests until that ends; prints how many were answered.
"""
import os
import socket
import sys
import threading
import time

# Of the time, one part in so many is spent on requests.
SHARE = 40
token, family, sleep = sys.argv[1], sys.argv[2], float(sys.argv[3]) / 1000
if family == "unix":
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"\0preempted-{os.getpid()}")
else:
    listener = socket.create_server(("127.0.0.1", 0))
listener.listen(1)
body = token.encode() * 1500
stop = threading.Event()


def serve():
    connection, _ = listener.accept()
    seen = b""
    while data := connection.recv(65536):
        seen += data
        while (head := seen.find(b"\r\n\r\n")) >= 0 and len(seen) >= head + 4 + len(body):
            seen = seen[head + 4 + len(body):]
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def ask():
    client = socket.socket(listener.family)
    client.connect(listener.getsockname())
    head = b"POST /%s/%d HTTP/1.1\r\nHost: preempted\r\nContent-Length: %d\r\n\r\n"
    count = 0
    while not stop.is_set():
        begun = time.monotonic()
        client.sendall(head % (token.encode() * 40, count, len(body)) + body)
        client.recv(4096)
        count += 1
        if sleep:
            # An emulated processor is slow: whoever goes before all others must leave them most of it.
            time.sleep(max(sleep, SHARE * (time.monotonic() - begun)))
    print(count, flush=True)


sys.stdin.readline()
threading.Thread(target=serve, daemon=True).start()
asking = threading.Thread(target=ask)
asking.start()
sys.stdin.read()
stop.set()
asking.join()
