"""Asks once on each of four connections, which are all there before, at the same time: busy_client.py PORT"""
import socket
import sys
import time

connections = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(4)]
# The server has accepted them.
time.sleep(0.2)
for number, connection in enumerate(connections):
    connection.sendall(b"GET /%d HTTP/1.1\r\nHost: busy\r\n\r\n" % number)
for connection in connections:
    assert b"200 OK" in connection.recv(4096)
