"""Connections that fail: trouble_client.py CASE ADDRESS PORT [CA]

Ends well when what it does fails, and prints how."""
import socket
import ssl
import sys

case, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])


def connect(timeout=10):
    return socket.create_connection((address, port), timeout)


def plain():
    """Only TCP, for as long as the kernel tries."""
    connect(None)


def impatient():
    """Only TCP; it gives up after 0.3 s."""
    connect(0.3)


def handshake(version, name="shop.test"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(sys.argv[4])
    context.minimum_version = context.maximum_version = version
    tls = context.wrap_socket(connect(), server_hostname=name)
    tls.sendall(b"GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n")
    while tls.recv(4096):
        pass


def tls12():
    handshake(ssl.TLSVersion.TLSv1_2)


def tls13():
    handshake(ssl.TLSVersion.TLSv1_3)


def http():
    """Speaks HTTP to who expects TLS."""
    plain = connect()
    plain.sendall(b"GET /plain HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n")
    answer = b""
    while part := plain.recv(4096):
        answer += part
    raise OSError(0, answer.split(b"\r\n")[0])


def crowd():
    """Six at once; nobody accepts them."""
    sockets = []
    for _ in range(6):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex((address, port))
        sockets.append(one)
    import time
    time.sleep(2.5)
    raise OSError(0, "crowd")


try:
    globals()[case]()
except OSError as error:
    print(type(error).__name__, error)
else:
    raise SystemExit("it did not fail")
