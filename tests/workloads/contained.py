"""A server in a network namespace of its own, whose loopback interface it switches on first: contained.py PORT [ADDRESS]."""

import fcntl
import http.server
import socket
import struct
import sys

SIOCSIFFLAGS = 0x8914
IFF_UP = 1


class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP))
address = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1"
http.server.HTTPServer((address, int(sys.argv[1])), Hello).serve_forever()
