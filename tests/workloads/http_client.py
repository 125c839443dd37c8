"""HTTP as clients write it, byte by byte: http_client.py CASE PORT"""
import select
import socket
import struct
import sys
import time

from gate import gate


def connect(host="127.0.0.1"):
    sock = socket.create_connection((host, PORT))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


class Reader:
    def __init__(self, sock):
        self.sock, self.buffer = sock, b""

    def more(self):
        data = self.sock.recv(65536)
        if not data:
            raise SystemExit("the server closed")
        self.buffer += data

    def response(self, no_body=False):
        while b"\r\n\r\n" not in self.buffer:
            self.more()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        if head.split(b" ")[1] in (b"100", b"103"):
            return self.response(no_body)
        if b"Content-Length: " in head and not no_body:
            length = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
            while len(self.buffer) < length:
                self.more()
            self.buffer = self.buffer[length:]
        if b"chunked" in head:
            while not self.buffer.endswith(b"0\r\n\r\n"):
                self.more()
            self.buffer = b""
        return head


def request(path, method="GET", headers="", body=b""):
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\nHost: odd.test\r\n{length}{headers}\r\n".encode() + body


def exchange(sock, *args, **more):
    sock.sendall(request(*args, **more))
    return Reader(sock).response(no_body="HEAD" in args or args[0] == "/not-modified")


def pipelined_one_write():
    sock = connect()
    sock.sendall(request("/one") + request("/slow") + request("/three"))
    reader = Reader(sock)
    for _ in range(3):
        reader.response()


def pipelined_writes():
    sock = connect()
    for path in ("/slow?1", "/slow?2", "/slow?3"):
        sock.sendall(request(path))
        time.sleep(0.01)
    reader = Reader(sock)
    for _ in range(3):
        reader.response()


def split_line():
    sock = connect()
    for piece in (b"G", b"ET /spl", b"it/li", b"ne?a=1 HT", b"TP/1.1\r", b"\nHost: odd.te", b"st\r\n\r", b"\n"):
        sock.sendall(piece)
        time.sleep(0.02)
    Reader(sock).response()


def methods():
    sock = connect()
    for method in ("BREW", "PURGE", "M-SEARCH", "PROPFIND", "PATCH", "OPTIONS"):
        exchange(sock, "/pot", method)


def chunks():
    exchange(connect(), "/chunks")


def idle():
    """The first request is over long before the next one begins."""
    sock = connect()
    exchange(sock, "/first")
    time.sleep(0.4)
    exchange(sock, "/second")
    time.sleep(0.2)


def bodies():
    sock = connect()
    exchange(sock, "/head", "HEAD")
    exchange(sock, "/empty")
    exchange(sock, "/not-modified")
    exchange(sock, "/hints")
    exchange(sock, "/post", "POST", body=b"z" * 5000)
    chunked = b"".join(b"%x\r\n%s\r\n" % (n, b"c" * n) for n in (1, 700, 3000)) + b"0\r\n\r\n"
    sock.sendall(request("/chunked", "PUT", "Transfer-Encoding: chunked\r\n") + chunked)
    Reader(sock).response()


def expect():
    sock = connect()
    sock.sendall(request("/expect", "POST", "Content-Length: 10\r\nExpect: 100-continue\r\n"))
    assert b"100 Continue" in sock.recv(4096)
    time.sleep(0.05)
    sock.sendall(b"0123456789")
    Reader(sock).response()


def leave():
    for first in (request("/upgrade", headers="Connection: Upgrade\r\nUpgrade: odd\r\n"),
                  request("db.test:5432", "CONNECT")):
        sock = connect()
        exchange_first = Reader(sock)
        sock.sendall(first)
        exchange_first.response()
        sock.sendall(b"GET /no HTTP/1.1\r\n\r\n")
        exchange_first.response()


def old():
    sock = connect()
    sock.sendall(b"GET /until-close HTTP/1.0\r\n\r\n")
    while sock.recv(4096):
        pass


def long_headers():
    """Longer than what is captured of a turn; the query is sent whole."""
    fill = "".join(f"X-Fill-{n}: {'f' * 500}\r\n" for n in range(60))
    sock = connect()
    exchange(sock, "/long", "POST", headers=fill, body=b"b" * 20)
    exchange(sock, "/after")


def vectored():
    sock = connect()
    data = request("/vectored/path", "POST", body=b"v" * 100)
    cuts = [0, 2, 9, 15, 22, 30, 31, 60, len(data)]
    sock.sendmsg([data[a:b] for a, b in zip(cuts, cuts[1:])])
    Reader(sock).response()
    exchange(sock, "/writev")


def big():
    """Megabytes each way through a socket that takes only some of it at a time."""
    sock = connect()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 20000)
    sock.setblocking(False)
    view = memoryview(request("/upload", "POST", body=b"u" * 3_000_000))
    while len(view):
        try:
            view = view[sock.send(view):]
        except BlockingIOError:
            select.select([], [sock], [], 5)
    sock.setblocking(True)
    Reader(sock).response()
    exchange(sock, "/many")
    exchange(sock, "/after")


def peek():
    sock = connect()
    for path in ("/one", "/two"):
        sock.sendall(request(path))
        sock.recv(10, socket.MSG_PEEK)
        sock.recv(4096, socket.MSG_PEEK)
        Reader(sock).response()


def statuses():
    sock = connect()
    for status in (200, 301, 404, 418, 500, 503):
        exchange(sock, f"/status/{status}")


def rude():
    """The server resets, closes too early, or says nothing."""
    for path in ("/reset", "/short", "/silent"):
        sock = connect()
        sock.sendall(request(path))
        try:
            while sock.recv(4096):
                pass
        except ConnectionResetError:
            pass


def rude_client():
    """The client resets in the middle of the response."""
    sock = connect()
    sock.sendall(request("/chunks"))
    sock.recv(4096)
    time.sleep(0.15)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    time.sleep(0.6)


def ipv6():
    exchange(connect("::1"), "/six")


def early():
    """Connected, and with one exchange done, before the agent comes; a receive is waiting when it does."""
    sock = connect()
    exchange(sock, "/before")
    gate()
    exchange(sock, "/after")
    exchange(sock, "/later")


def upload():
    """An upload whose writes look like requests, begun before the agent comes."""
    sock = connect()
    write = request("/secret/0000")
    sock.sendall(request("/upload", "POST", f"Content-Length: {len(write) * 300}\r\n"))
    for n in range(300):
        if n == 38:
            gate()
        sock.sendall(request(f"/secret/{n:04}"))
        time.sleep(0.002)
    Reader(sock).response()
    time.sleep(1.5)
    exchange(sock, "/after")
    exchange(sock, "/later")


def proxied():
    """Behind the PROXY protocol: in a write of its own, and with the first request."""
    sock = connect()
    sock.sendall(b"PROXY TCP4 198.51.100.7 192.0.2.2 5555 80\r\n")
    time.sleep(0.02)
    exchange(sock, "/first")
    exchange(sock, "/second")
    sock = connect()
    sock.sendall(b"PROXY TCP6 2001:db8::7 ::1 5555 80\r\n" + request("/third"))
    Reader(sock).response()


def hang():
    """Two requests that nobody answers."""
    socks = [connect(), connect()]
    exchange(socks[0], "/before")
    for sock in socks:
        sock.sendall(request("/hang"))
    gate()


def half():
    """The request was sent before the agent came, its response comes after."""
    sock = connect()
    sock.sendall(request("/chunks"))
    gate()
    Reader(sock).response()
    exchange(sock, "/whole")


def plain():
    sock = connect()
    for path in ("/a", "/b"):
        exchange(sock, path, headers="User-Agent: probe/1\r\n")


def query():
    exchange(connect(), "/q?user=7&Signature=abc&x=1", headers="User-Agent: probe/1\r\n")


def many():
    """Two hundred requests, one after the other, on four connections."""
    socks = [connect() for _ in range(4)]
    for n in range(200):
        exchange(socks[n % 4], f"/n/{n}")


def four(pause=0):
    """Four exchanges, one after the other, on one connection."""
    sock = connect()
    for path in ("/one", "/two", "/three", "/four"):
        time.sleep(pause)
        exchange(sock, path)


def four_slowly():
    four(0.03)


def upload_between():
    """A body that comes after its header block, between two other exchanges."""
    sock = connect()
    exchange(sock, "/before")
    whole = request("/upload", "POST", body=b"u" * 50000)
    sock.sendall(whole[:-50000])
    time.sleep(0.05)
    sock.sendall(whole[-50000:])
    Reader(sock).response()
    exchange(sock, "/after")


def slowly():
    """Requests in two parts and answers that wait for their reader."""
    sock = connect()
    for path in ("/one", "/two"):
        whole = request(path)
        sock.sendall(whole[:12])
        time.sleep(0.05)
        sock.sendall(whole[12:])
        time.sleep(0.1)
        Reader(sock).response()


def trace_parent():
    parent = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
    exchange(connect(), "/child", headers=parent)


PORT = int(sys.argv[2])
globals()[sys.argv[1]]()
