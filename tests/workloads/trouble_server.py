"""A server that is no good: trouble_server.py PORT reset|deaf"""
import socket
import struct
import sys
import time

port, mode = int(sys.argv[1]), sys.argv[2]
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("0.0.0.0", port))
listener.listen(1)
if mode == "deaf":
    time.sleep(60)
while True:
    connection, _ = listener.accept()
    if connection.recv(65536):
        # No time to linger: the kernel sends a reset.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
