"""Redis through redis-py, and byte by byte: redis_client.py CASE PORT [SOCKET]"""
import os
import socket
import sys
import threading
import time

import redis

from gate import gate


def client(**more):
    if authority := os.environ.get("REDIS_TLS_CA"):
        more |= {"ssl": True, "ssl_ca_certs": authority}
    return redis.Redis(host="127.0.0.1", port=PORT, **more)


def raw():
    return socket.create_connection(("127.0.0.1", PORT))


def answers(sock, ending, count=1):
    data = b""
    while data.count(ending) < count:
        data += sock.recv(65536)
    return data


def attributes():
    one = client(db=3)
    one.set("user:1", "secret value")
    assert one.get("user:1") == b"secret value"
    assert one.get("nothing") is None


def many_buffers():
    """As node-redis does: each argument in buffers of its own, all in one call; then one command alone."""
    sock = raw()
    for count in (17, 100, 1024):
        whole, rest = divmod(count, 5)
        parts = [b"*2\r\n", b"$4\r\nECHO\r\n", b"$2\r\n", b"hi", b"\r\n"] * whole
        if rest:
            one = b"*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n"
            parts += [one[n:n + 1] for n in range(rest - 1)] + [one[rest - 1:]]
        assert len(parts) == count
        assert sock.sendmsg(parts) == sum(map(len, parts))
        answers(sock, b"hi\r\n", whole + bool(rest))
        sock.sendall(b"*2\r\n$4\r\nECHO\r\n$5\r\nafter\r\n")
        answers(sock, b"after\r\n")


def pipeline():
    pipe = client().pipeline(transaction=False)
    for n in range(20):
        pipe.set(f"key:{n}", n) if n % 2 else pipe.incr(f"number:{n}")
    assert len(pipe.execute()) == 20


def pipeline_times():
    """Twenty commands in one write; the tenth waits a while for its answer."""
    sock = raw()
    commands = [f"PING {n}" for n in range(9)] + ["BLPOP empty 0.3"] + [f"ECHO {n}" for n in range(10)]
    sock.sendall("".join(command + "\r\n" for command in commands).encode())
    answers(sock, b"$1\r\n", 19)


def transaction():
    one = client()
    with one.pipeline(transaction=True) as pipe:
        pipe.set("a", 1)
        pipe.incr("a")
        pipe.lpush("a", "wrong")
        try:
            pipe.execute()
        except redis.ResponseError:
            pass


def errors():
    one = client()
    one.set("text", "t")
    for command in (("LPUSH", "text", "1"), ("NOSUCH", "x"), ("EVALSHA", "0" * 40, "0"), ("SET", "only"),
                    ("EVAL", "return redis.error_reply('MYOWN of a script')", "0"),
                    ("EVAL", "return redis.error_reply('ODD1 prefix')", "0")):
        try:
            one.execute_command(*command)
            raise SystemExit("no error")
        except redis.RedisError:
            pass


def secrets():
    one = client()
    for command in (("AUTH", "hush-password"), ("AUTH", "someone", "hush-password"),
                    ("HELLO", "3", "AUTH", "someone", "hush-password"),
                    ("ACL", "SETUSER", "someone", "on", ">hush-password", "~*", "+@all"),
                    ("AUTH", "someone", "hush-password"), ("CONFIG", "SET", "requirepass", "hush-password"),
                    ("CONFIG", "SET", "requirepass", ""),
                    ("MIGRATE", "127.0.0.1", "1", "key", "0", "10", "AUTH", "hush-password")):
        try:
            one.execute_command(*command)
        except redis.RedisError:
            pass
    sock = raw()
    sock.sendall(b"AUTH hush-password\r\n")
    sock.recv(1000)


def blocking():
    waiting = threading.Thread(target=lambda: client().blpop("queue", 5))
    waiting.start()
    time.sleep(0.4)
    client().rpush("queue", "job")
    waiting.join()


def messages():
    """Subscribed, in both versions of the protocol; and a monitor."""
    for protocol in (2, 3):
        subscriber = client(protocol=protocol).pubsub()
        subscriber.subscribe("news")
        publisher = client(protocol=protocol)
        for n in range(5):
            publisher.publish("news", f"message {n}")
        deadline = time.monotonic() + 5
        got = 0
        while got < 5 and time.monotonic() < deadline:
            got += (subscriber.get_message(timeout=0.2) or {}).get("type") == "message"
        assert got == 5
        subscriber.unsubscribe("news")
        subscriber.get_message(timeout=1)
    monitor = raw()
    monitor.sendall(b"*1\r\n$7\r\nMONITOR\r\n")
    answers(monitor, b"\r\n")
    client().get("monitored")
    time.sleep(0.1)


def third():
    """RESP3: maps, pushes, nulls."""
    one = client(protocol=3)
    one.hset("hash", mapping={"a": 1, "b": 2})
    assert one.hgetall("hash")
    assert one.get("nothing") is None
    one.execute_command("CLIENT", "TRACKING", "ON")
    one.get("tracked")
    client().set("tracked", "new")
    time.sleep(0.05)
    one.get("other")


def inline():
    sock = raw()
    sock.sendall(b"PING\r\n")
    answers(sock, b"\r\n")
    sock.sendall(b"SET inl")
    time.sleep(0.02)
    sock.sendall(b"ine 5\r\nGET inline\r\n")
    answers(sock, b"5\r\n")
    sock.sendall(b"PING\r\n")
    answers(sock, b"+PONG\r\n")


def large():
    one = client()
    value = b"v" * 5_000_000
    one.set("large", value)
    assert one.get("large") == value
    one.get("after")


def scripts():
    one = client()
    one.eval("return redis.call('GET', KEYS[1])", 1, "key")
    script = one.register_script("return ARGV[1]")
    script(args=["hidden"])
    one.execute_command("FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('mine', function() return 1 end)")
    one.execute_command("FCALL", "mine", 0)


def select():
    one = client()
    one.execute_command("SELECT", 5)
    one.get("in five")
    one.execute_command("SELECT", 99999)


def early():
    one = client(db=2)
    one.set("before", 1)
    gate()
    one.get("after")
    one.get("later")


def unix():
    one = redis.Redis(unix_socket_path=sys.argv[3])
    one.set("over", "unix")
    assert one.get("over") == b"unix"


def gone():
    """The client goes while it waits for an answer."""
    sock = raw()
    sock.sendall(b"*3\r\n$5\r\nBLPOP\r\n$5\r\nempty\r\n$1\r\n0\r\n")
    time.sleep(0.2)
    sock.close()
    time.sleep(0.2)


def killed():
    """The server ends the connection of a command that waits."""
    one = client(retry=None)
    number = one.client_id()
    threading.Timer(0.2, lambda: client().execute_command("CLIENT", "KILL", "ID", number)).start()
    try:
        one.blpop("empty", 5)
    except redis.RedisError:
        pass


def plain():
    client().get("plain")


PORT = int(sys.argv[2])
try:
    globals()[sys.argv[1]]()
except redis.ResponseError as error:
    if sys.argv[1] != "select":
        raise
