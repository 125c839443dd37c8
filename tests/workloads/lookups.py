"""Look-ups by glibc's getaddrinfo: lookups.py NAME [PORT]

With a port it connects to what it found."""
import socket
import sys

name, port = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
try:
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
except socket.gaierror as error:
    print("nothing:", error)
    raise SystemExit(0)
print(found[0][4][0])
if port:
    socket.create_connection(found[0][4]).close()
