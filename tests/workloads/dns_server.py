"""A resolver of a test, over UDP and TCP: dns_server.py ADDRESS [PORT]

shop.test has an address, its AAAA has none; big.test is answered over TCP only; mute.test is never answered; everything
else does not exist. RFC 1035."""
import socket
import struct
import sys
import threading
import time

address = sys.argv[1]
port = int(sys.argv[2]) if len(sys.argv) > 2 else 53
ADDRESS = socket.inet_aton("10.77.0.2")
A, AAAA = 1, 28


def answer(query, over_tcp):
    number, flags, _, _, _, _ = struct.unpack("!6H", query[:12])
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
        at += 1 + query[at]
    kind, = struct.unpack("!H", query[at + 1:at + 3])
    question = query[12:at + 5]
    name = ".".join(labels)
    if name == "mute.test":
        return None
    # Response, recursion desired and available.
    code, truncated, records = 0, 0, b""
    if name == "big.test" and not over_tcp:
        truncated = 0x0200
    elif name in ("shop.test", "big.test", "slow.test"):
        if name == "slow.test":
            time.sleep(0.1)
        if kind == A:
            records = b"\xc0\x0c" + struct.pack("!HHIH", A, 1, 60, 4) + ADDRESS
    else:
        code = 3
    return struct.pack("!6H", number, 0x8180 | truncated | code, 1, 1 if records else 0, 0, 0) + question + records


def udp():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, port))
    while True:
        query, peer = server.recvfrom(4096)
        if reply := answer(query, False):
            server.sendto(reply, peer)


def tcp():
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address, port))
    server.listen(64)
    while True:
        connection, _ = server.accept()
        with connection:
            connection.settimeout(5)
            stream = connection.makefile("rwb")
            while size := stream.read(2):
                query = stream.read(struct.unpack("!H", size)[0])
                if reply := answer(query, True):
                    stream.write(struct.pack("!H", len(reply)) + reply)
                    stream.flush()


threading.Thread(target=tcp, daemon=True).start()
udp()
