"""Two processes with a listener each on one port (SO_REUSEPORT): reuse_port.py PORT. Each answers with its process id."""

import os
import signal
import socket
import sys


def serve(port):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    while True:
        connection, _ = listener.accept()
        with connection:
            while connection.recv(4096):
                body = str(os.getpid()).encode()
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


signal.signal(signal.SIGTERM, lambda *_: os.killpg(0, signal.SIGKILL))
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
serve(int(sys.argv[1]))
