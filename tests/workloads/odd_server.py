"""An HTTP server that does on request what servers do: odd_server.py PORT [peek|nonblocking|prefork|unix PATH]"""
import os
import select
import socket
import struct
import sys
import threading
import time

PEEK = "peek" in sys.argv
NONBLOCKING = "nonblocking" in sys.argv


class Peer:
    def __init__(self, sock):
        self.sock, self.buffer = sock, b""

    def more(self):
        if PEEK:
            # Twice, with different sizes: none of this is data that was taken.
            self.sock.recv(1, socket.MSG_PEEK)
            self.sock.recv(65536, socket.MSG_PEEK)
        if NONBLOCKING:
            self.sock.setblocking(False)
            while True:
                try:
                    data = self.sock.recv(65536)
                    break
                except BlockingIOError:
                    select.select([self.sock], [], [], 5)
        else:
            data = self.sock.recv(65536)
        if not data:
            raise EOFError
        self.buffer += data

    def until(self, mark):
        while mark not in self.buffer:
            self.more()
        head, _, self.buffer = self.buffer.partition(mark)
        return head

    def exactly(self, count):
        while len(self.buffer) < count:
            self.more()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def send(self, data):
        view = memoryview(data)
        while len(view):
            try:
                view = view[self.sock.send(view):]
            except BlockingIOError:
                select.select([], [self.sock], [], 5)


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def answer(peer):
    """One request and what its path asks for; whether the connection goes on."""
    line, *lines = peer.until(b"\r\n\r\n").split(b"\r\n")
    if line.startswith(b"PROXY "):
        line, *lines = lines
    method, target, version = line.split(b" ")
    headers = {k.lower(): v.strip() for k, _, v in (line.partition(b":") for line in lines)}
    path = target.partition(b"?")[0]
    if headers.get(b"expect") == b"100-continue":
        time.sleep(0.02)
        peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = peer.exactly(int(headers.get(b"content-length", 0)))
    if headers.get(b"transfer-encoding") == b"chunked":
        while size := int(peer.until(b"\r\n"), 16):
            body += peer.exactly(size)
            peer.exactly(2)
        peer.exactly(2)
    if method == b"CONNECT" or path == b"/upgrade":
        status = b"200 Connection established" if method == b"CONNECT" else b"101 Switching Protocols\r\nUpgrade: odd"
        peer.send(b"HTTP/1.1 " + status + b"\r\n\r\n")
        # What follows looks like HTTP, but is not.
        peer.exactly(len(b"GET /no HTTP/1.1\r\n\r\n"))
        peer.send(b"HTTP/1.1 500 no\r\nContent-Length: 0\r\n\r\n")
        return False
    if path == b"/chunks":
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(6):
            time.sleep(0.1)
            peer.send(chunk(b"0123456789"))
        peer.send(b"0\r\n\r\n")
    elif path == b"/reset":
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
        time.sleep(0.05)
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False
    elif path == b"/short":
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
        return False
    elif path == b"/silent":
        return False
    elif path == b"/until-close":
        peer.send(b"HTTP/1.0 200 OK\r\n\r\n")
        time.sleep(0.05)
        peer.send(b"until the end")
        return False
    elif path == b"/empty":
        peer.send(b"HTTP/1.1 204 No Content\r\n\r\n")
    elif path == b"/not-modified":
        peer.send(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n")
    elif path == b"/hints":
        peer.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        time.sleep(0.03)
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    elif path == b"/many":
        data = b"y" * 2_000_000
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data) + data)
    elif path == b"/slow":
        time.sleep(0.1)
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow")
    elif path == b"/hang":
        time.sleep(60)
    elif path.startswith(b"/status/"):
        peer.send(b"HTTP/1.1 %s Odd\r\nContent-Length: 0\r\n\r\n" % path[8:])
    elif path == b"/writev":
        parts = [b"HTTP/1", b".1 20", b"1 Cre", b"ated\r\nContent-", b"Length: 6\r\n\r", b"\nvec", b"tor"]
        peer.sock.sendmsg(parts)
    else:
        text = b"" if method == b"HEAD" else b"%d bytes" % len(body)
        length = b"8" if method == b"HEAD" else b"%d" % len(text)
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: " + length + b"\r\n\r\n" + text)
    return headers.get(b"connection") != b"close" and version == b"HTTP/1.1"


def serve(sock):
    peer = Peer(sock)
    try:
        while answer(peer):
            pass
    except (EOFError, ConnectionError):
        pass
    sock.close()


def accept(listener):
    while True:
        sock, _ = listener.accept()
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve, args=(sock,), daemon=True).start()


def main():
    listener = socket.socket(socket.AF_INET6)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.bind(("::", int(sys.argv[1])))
    if "unix" in sys.argv:
        path = sys.argv[sys.argv.index("unix") + 1]
        unix = socket.socket(socket.AF_UNIX)
        unix.bind(path)
        unix.listen()
        threading.Thread(target=accept, args=(unix,), daemon=True).start()
    if "prefork" in sys.argv:
        listener.listen(64)
        for _ in range(2):
            if os.fork() == 0:
                while True:
                    serve(listener.accept()[0])
        os.wait()
    listener.listen(64)
    accept(listener)


main()
