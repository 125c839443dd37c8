"""HTTP over other ways to open a stream: transports.py serve|ask KIND ADDRESS PORT.

plain        TCP
multipath    MPTCP (Go listens so)
sendto       TCP Fast Open, by sendto(MSG_FASTOPEN)
connect      TCP Fast Open, by TCP_FASTOPEN_CONNECT
nonblocking  the same, without waiting for the handshake

A client makes two connections with two requests each.
"""

import select
import socket
import sys
import threading

IPPROTO_MPTCP = 262
TCP_FASTOPEN_CONNECT = 30
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def stream(kind):
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP if kind == "multipath" else 0)


def serve(kind, address, port):
    listener = stream(kind)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if kind not in ("plain", "multipath"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)
    listener.bind((address, port))
    listener.listen(16)
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=answer, args=(sock,)).start()


def answer(sock):
    while sock.recv(65536):
        sock.sendall(ANSWER)
    sock.close()


def request(name):
    return f"GET {name} HTTP/1.1\r\nHost: transports\r\n\r\n".encode()


def first(sock, kind, where, data):
    """Connects and sends the first request."""
    if kind in ("plain", "multipath"):
        sock.connect(where)
        sock.sendall(data)
    elif kind == "sendto":
        assert sock.sendto(data, socket.MSG_FASTOPEN, where) == len(data)
    else:
        sock.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)
        if kind == "nonblocking":
            sock.setblocking(False)
        sock.connect(where)
        assert sock.send(data) == len(data)


def receive(sock):
    select.select([sock], [], [], 10)
    assert sock.recv(65536) == ANSWER


def ask(kind, address, port):
    for connection in "ab":
        sock = stream(kind)
        first(sock, kind, (address, port), request(f"/{connection}/1"))
        receive(sock)
        sock.sendall(request(f"/{connection}/2"))
        receive(sock)
        sock.close()


mode, kind, address, port = sys.argv[1:]
(serve if mode == "serve" else ask)(kind, address, int(port))
