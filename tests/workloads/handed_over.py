"""Connections that reach their server by ways other than its own accept: handed_over.py WAY PORT.

pass      accepted by one process, passed to another by SCM_RIGHTS (Node's cluster, HAProxy's reload)
listener  the listening socket itself is passed on
inetd     accepted by one process, inherited by a program that it executes (inetd, systemd's Accept=yes)
fork      accepted before a fork, served after it

The process that serves is not the one that listens, and in all ways but the last runs a program of its own, so that nothing
but the socket tells of the port. Serves until it is killed.
"""

import array
import os
import socket
import sys

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def serve(sock):
    asked = b""
    while received := sock.recv(65536):
        asked += received
        # One answer to each request, in however many pieces that comes.
        if asked.endswith(b"\r\n\r\n"):
            asked = b""
            sock.sendall(ANSWER)
    sock.close()


def receive(channel):
    _, ancillary, _, _ = channel.recvmsg(1, socket.CMSG_SPACE(4))
    if not ancillary:
        sys.exit(0)
    descriptor = array.array("i", ancillary[0][2][:4])[0]
    return socket.socket(fileno=descriptor)


def send(channel, sock):
    channel.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [sock.fileno()]))])


def run(*arguments, keep):
    """Another program, in a child, that keeps a descriptor."""
    if os.fork() == 0:
        os.set_inheritable(keep, True)
        os.execv(sys.executable, [sys.executable, __file__, *arguments, str(keep)])


def main():
    way = sys.argv[1]
    if way in ("passed", "passed-listener"):
        channel = socket.socket(fileno=int(sys.argv[2]))
        if way == "passed-listener":
            listener = receive(channel)
        while True:
            serve(listener.accept()[0] if way == "passed-listener" else receive(channel))
    if way == "inherited":
        return serve(socket.socket(fileno=int(sys.argv[2])))

    listener = socket.create_server(("127.0.0.1", int(sys.argv[2])))
    here, there = socket.socketpair()
    if way in ("pass", "listener"):
        run("passed" if way == "pass" else "passed-listener", keep=there.fileno())
        there.close()
    if way == "listener":
        send(here, listener)
        listener.close()
        os.wait()
    while True:
        sock, _ = listener.accept()
        if way == "pass":
            send(here, sock)
        elif way == "inetd":
            run("inherited", keep=sock.fileno())
        elif os.fork() == 0:
            serve(sock)
            os._exit(0)
        sock.close()
        while way in ("inetd", "fork"):
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    break
            except ChildProcessError:
                break


main()
