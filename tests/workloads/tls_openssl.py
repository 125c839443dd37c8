"""HTTP over the OpenSSL that a wheel brings: tls_openssl.py serve PORT CERTIFICATE KEY, tls_openssl.py ask PORT COUNT

Asks COUNT times with each of some suites, and prints which OpenSSL that was. With a COUNT of 0 it only asks once."""
import socket
import sys
import threading

from OpenSSL import SSL

SUITES = {
    "1.2": ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305"],
    "1.3": ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"],
}
# Versions that must not be chosen; all older ones, for a hole in the middle counts from below.
WITHOUT = {"1.2": ["TLSv1_3"], "1.3": ["SSLv3", "TLSv1", "TLSv1_1", "TLSv1_2"]}


def until(connection, end):
    text = b""
    while not text.endswith(end):
        text += connection.recv(4096)
    return text


def answer(connection):
    try:
        while True:
            until(connection, b"\r\n\r\n")
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n")
    except SSL.Error:
        connection.close()


def serve(port, certificate, key):
    context = SSL.Context(SSL.SSLv23_METHOD)
    context.use_certificate_file(certificate)
    context.use_privatekey_file(key)
    listener = socket.create_server(("127.0.0.1", int(port)))
    while True:
        connection = SSL.Connection(context, listener.accept()[0])
        connection.set_accept_state()
        threading.Thread(target=answer, args=(connection,), daemon=True).start()


def connect(port, version, suite):
    context = SSL.Context(SSL.SSLv23_METHOD)
    for name in WITHOUT[version]:
        context.set_options(getattr(SSL, f"OP_NO_{name}"))
    if version == "1.2":
        context.set_cipher_list(suite.encode())
    else:
        # Older ones have no function of their own for it.
        assert SSL._lib.SSL_CTX_set_ciphersuites(context._context, suite.encode()) == 1
    connection = SSL.Connection(context, socket.create_connection(("127.0.0.1", int(port))))
    connection.set_connect_state()
    connection.do_handshake()
    assert (connection.get_protocol_version_name(), connection.get_cipher_name()) == ("TLSv" + version, suite)
    return connection


def ask(connection, path):
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: shop.test\r\n\r\n".encode())
    assert until(connection, b"hello\n").startswith(b"HTTP/1.1 200")


def load(port, count):
    number = 0
    for version, suites in SUITES.items():
        for suite in suites:
            connection = connect(port, version, suite)
            for _ in range(count):
                ask(connection, f"/?n{number}")
                number += 1
            connection.shutdown()
            connection.close()


if sys.argv[1] == "serve":
    serve(*sys.argv[2:])
elif int(sys.argv[3]):
    load(sys.argv[2], int(sys.argv[3]))
else:
    ask(connect(sys.argv[2], "1.3", SUITES["1.3"][0]), "/first")
print(SSL.SSLeay_version(0).decode().split()[1])
