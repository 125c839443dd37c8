"""Has the agent put `traceparent` into requests, and compares every byte of both ways: propagate.py WIRESPAN [SECONDS]

Clients and servers are threads of this one process, which the agent traces. A kernel whose sockets answer FIONREAD wrong as soon as they are
looked at is to be left alone: then nothing may be put anywhere.
"""
import array
import fcntl
import json
import os
import random
import re
import select
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time

WIRESPAN, SECONDS = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 5
HEADER = re.compile(rb"traceparent: 00-([0-9a-f]{32})-([0-9a-f]{16})-01\r\n")
BLOCK = random.Random(1).randbytes(8_000_000)


def content(size):
    return BLOCK[:size]


class Server(threading.Thread):
    """Answers the requests of one connection: with what the path asks for. Keeps all that came."""

    def __init__(self, connection):
        super().__init__(daemon=True)
        self.connection, self.came, self.rest = connection, bytearray(), b""
        self.start()

    def more(self):
        data = self.connection.recv(1 << 18)
        self.came += data
        self.rest += data
        return bool(data)

    def run(self):
        while True:
            while b"\r\n\r\n" not in self.rest:
                if not self.more():
                    return
            head, _, self.rest = self.rest.partition(b"\r\n\r\n")
            length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)
            length = int(length[1]) if length else 0
            while len(self.rest) < length:
                if not self.more():
                    return
            self.rest = self.rest[length:]
            size = int(re.match(rb"[A-Z]+ /(\d*)", head)[1] or 2)
            self.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + content(size))


class Connection:
    """A client's, with what it sent."""

    def __init__(self):
        with lock:
            self.socket = socket.create_connection(listener.getsockname())
            self.server = Server(listener.accept()[0])
        self.socket.settimeout(60)
        self.sent, self.rest = bytearray(), b""

    def send(self, *pieces):
        for piece in pieces:
            self.socket.sendall(piece)
            self.sent += piece

    def send_vector(self, *pieces):
        assert self.socket.sendmsg(pieces) == sum(map(len, pieces))
        self.sent += b"".join(pieces)

    def answer(self, size=2):
        while b"\r\n\r\n" not in self.rest:
            self.rest += self.socket.recv(1 << 16) or sys.exit("the connection ended")
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        while len(self.rest) < size:
            self.rest += self.socket.recv(1 << 20) or sys.exit("the connection ended")
        assert self.rest[:size] == content(size), f"another answer of {size} bytes"
        self.rest = self.rest[size:]

    def end(self, name, expected=None):
        """Compares. How many headers were put in."""
        self.socket.close()
        self.server.join(60)
        assert not self.server.is_alive(), name
        came = bytes(self.server.came)
        found = [tuple(map(bytes.decode, ids)) for ids in HEADER.findall(came) if ids != FOREIGN]
        plain = HEADER.sub(lambda match: match[0] if match.groups() == FOREIGN else b"", came)
        at = len(os.path.commonprefix([plain, bytes(self.sent)]))
        around = slice(max(at - 40, 0), at + 80)
        assert plain == self.sent, f"{name}: of {len(self.sent)} bytes at {at}: {self.sent[around]} came as {plain[around]}"
        if expected is not None:
            assert len(found) == (0 if refused else expected), f"{name}: {len(found)} of {expected} headers"
        with lock:
            headers.update(dict.fromkeys(found, name))
            totals["headers"] += len(found)


FOREIGN = (b"0af7651916cd43dd8448eb211c80319c", b"b7ad6b7169203331")


def request(path="/", more=b"", body=b"", method="POST"):
    length = b"Content-Length: %d\r\n" % len(body) if body else b""
    return f"{method} {path} HTTP/1.1\r\nHost: example\r\n".encode() + more + length + b"\r\n"


def waiting(connection):
    number = array.array("i", [0])
    fcntl.ioctl(connection.socket, termios.FIONREAD, number)
    return number[0]


def cases():
    plain, fake = request(), request("/2")
    large = content(5_000_000)

    def case(name, expected, steps):
        connection = Connection()
        steps(connection)
        connection.end(name, expected)

    def exchange(*pieces, size=2, answers=1):
        def run(connection):
            connection.send(*pieces)
            for _ in range(answers):
                connection.answer(size)
        return run

    def both(*steps):
        return lambda connection: [step(connection) for step in steps]

    last = exchange(plain)
    case("two requests", 2, both(last, last))
    case("a large body in the same call", 2, both(exchange(request("/", body=large) + large), last))
    case("a large body in calls of its own", 2, both(exchange(request("/", body=large), large[:7], large[7:]), last))
    case("a large answer", 2, both(exchange(request("/8000000"), size=8_000_000), last))
    case("both", 2, both(exchange(request("/8000000", body=large) + large, size=8_000_000), last))
    named = request("/", b"TraceParent: 00-" + FOREIGN[0] + b"-" + FOREIGN[1] + b"-01\r\n")
    case("one that has a header", 1, both(exchange(named), last))
    for cut in (1, 9, 17, len(plain) - 1):
        case(f"a head in two calls, {cut}", 0, both(exchange(plain[:cut], plain[cut:]), last))
    case("single bytes", 0, both(exchange(*(bytes([byte]) for byte in plain)), last))
    vector = lambda connection: connection.send_vector(plain[:5], plain[5:6], plain[6:])
    case("a vector", 2, both(vector, lambda connection: connection.answer(), last))
    case("a pipeline", 1, both(exchange(plain + plain, answers=2), last))
    case("a body that looks like a request", 2, both(exchange(request("/", body=fake), fake), last))
    lengths = request("/", b"content-length: 0\r\n", fake)
    case("two lengths", 0, both(exchange(lengths, fake, answers=2)))
    case("Expect", 1, both(exchange(request("/", b"Expect: 100-continue\r\n", fake), fake), last))
    case("a folded line", 0, both(exchange(request("/", b"A: b\r\n c\r\n")), last))
    case("lines that end in LF", 0, lambda connection: connection.send(b"GET / HTTP/1.1\nHost: a\n\n"))
    case("a long head", 2, both(exchange(request("/", b"A: " + b"x" * 3900 + b"\r\n")), last))
    case("a head that is too long", 0, both(exchange(request("/", b"A: " + b"x" * 4096 + b"\r\n")), last))
    case("something else", 0, lambda connection: connection.send(b"*1\r\n$4\r\nPING\r\n", fake[:9]))
    case("CONNECT", 0, lambda connection: connection.send(b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n"))
    connection = Connection()
    connection.send(request("/100"))
    select.select([connection.socket], [], [], 60)
    while len(connection.socket.recv(1000, socket.MSG_PEEK)) < 140:
        time.sleep(0.01)
    assert waiting(connection) == 140, f"FIONREAD says {waiting(connection)}"
    connection.answer(100)
    assert waiting(connection) == 0
    connection.end("FIONREAD", 1)


def load(number):
    """Requests of any size, cut anywhere behind their heads; slow readers, small buffers, other clients beside."""
    choose, until = random.Random(number), time.monotonic() + SECONDS
    while time.monotonic() < until:
        connection = Connection()
        if number % 2:
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        some = choose.randrange(1, 40)
        for _ in range(some):
            body, size = content(int(10 ** choose.uniform(0, 5.5))), int(10 ** choose.uniform(0, 5.5))
            whole = request(f"/{size}", body=body) + body
            cut = choose.randrange(whole.index(b"\r\n\r\n") + 4, len(whole) + 1)
            connection.send(whole[:cut], whole[cut:])
            connection.answer(size)
        connection.end(f"load {number}", some)
        with lock:
            totals["load"] += some


lock, headers, totals, failed = threading.Lock(), {}, dict(headers=0, load=0), []
threading.excepthook = lambda args: (failed.append(args.exc_value), sys.__excepthook__(*args[:3]))
listener = socket.create_server(("127.0.0.1", 0), backlog=64)
with tempfile.TemporaryDirectory() as folder:
    spans, notes = f"{folder}/spans", open(f"{folder}/notes", "w+")
    command = [WIRESPAN, "run", "--propagate", "--pid", str(os.getpid()), "-o", "otlp-json", "--output-file", spans]
    agent = subprocess.Popen(command, env=os.environ | {"WIRESPAN_LIMITS_CPU": "none"}, stderr=notes)
    told = lambda: open(notes.name).read()
    while "capture backend" not in told():
        assert agent.poll() is None, told()
        time.sleep(0.1)
    time.sleep(1)
    refused = "propagate: " in told()
    try:
        cases()
        loads = [threading.Thread(target=load, args=[number]) for number in range(6)]
        [thread.start() for thread in loads]
        [thread.join() for thread in loads]
    finally:
        time.sleep(1)
        agent.terminate()
        assert agent.wait() == 0, told()
        print(told())
    assert not failed, failed
    calls = set()
    for line in open(spans):
        for resource in json.loads(line).get("resourceSpans", []):
            for scope in resource["scopeSpans"]:
                calls |= {(span["traceId"], span["spanId"]) for span in scope["spans"] if span["kind"] == 3}
    assert len(headers) == totals["headers"], "ids that were used twice"
    missing = [name for ids, name in headers.items() if ids not in calls]
    lost = re.search(r"ring_full|missed|lost_exchanges", told())
    assert not missing or lost, f"of {len(headers)} headers some name no span: {missing}"
    what = "refused" if refused else f"{len(headers)} headers"
    print(f"{what} in {totals['load']} requests under load, and others: all bytes are right")
