"""TLS with Python's ssl: tls_client.py ADDRESS PORT NAME CA VERSION full|resumed COUNT

Prints one line of JSON for each connection, by this program's own clock."""
import json
import socket
import ssl
import sys
import time

address, port, name, authority, version, mode, count = sys.argv[1:8]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.load_verify_locations(authority)
context.minimum_version = context.maximum_version = ssl.TLSVersion["TLSv" + version.replace(".", "_")]
session = None
for _ in range(int(count)):
    plain = socket.socket()
    begin = time.perf_counter()
    plain.connect((address, int(port)))
    connected = time.perf_counter()
    tls = context.wrap_socket(plain, server_hostname=name, do_handshake_on_connect=False,
                              session=session if mode == "resumed" else None)
    before = time.perf_counter()
    tls.do_handshake()
    ready = time.perf_counter()
    tls.sendall(b"GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n")
    while tls.recv(4096):
        pass
    # With TLS 1.3 the ticket comes after the handshake.
    session = tls.session
    print(json.dumps({"connect": connected - begin, "handshake": ready - before, "resumed": tls.session_reused}))
    tls.close()
