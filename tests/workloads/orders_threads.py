"""An HTTP server with a thread for each connection, which asks PostgreSQL once a request: orders_threads.py PORT DSN [ADDRESS]

GET /rN runs a statement that says so: `… AS rN`.
"""
import http.server
import sys
import threading

import psycopg

local = threading.local()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        name = self.path.strip("/")
        if name:
            if not hasattr(local, "connection"):
                local.connection = psycopg.connect(sys.argv[2], autocommit=True)
            local.connection.execute(f"SELECT pg_sleep(0.02) AS {name}")
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, *_):
        pass


address = sys.argv[3] if len(sys.argv) > 3 else "127.0.0.1"
http.server.ThreadingHTTPServer((address, int(sys.argv[1])), Handler).serve_forever()
