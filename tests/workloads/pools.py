"""The same work with a connection for each operation, and with one that is kept: pools.py postgres|redis with|without COUNT ADDRESS PORT

Over TLS, with a password. Prints what it measured itself, in seconds, as JSON: time in set-ups, time in operations."""
import json
import sys
import time

what, pool, count, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5])


def postgres():
    import psycopg
    return psycopg.connect(host=address, port=port, user="postgres", password="secret", dbname="shop",
                           sslmode="require", gssencmode="disable", autocommit=True)


def postgres_operation(connection, number):
    connection.execute("SELECT note FROM orders WHERE id = %s", (number % 2 + 1,)).fetchall()


def redis():
    import redis as driver
    connection = driver.Redis(host=address, port=port, password="secret", ssl=True, ssl_cert_reqs="none",
                              single_connection_client=True)
    return connection


def redis_operation(connection, number):
    connection.get("order:%d" % number)


connect, operation = globals()[what], globals()[what + "_operation"]
setup = used = 0.0
kept = None
for number in range(count):
    begin = time.perf_counter()
    connection = kept or connect()
    ready = time.perf_counter()
    operation(connection, number)
    done = time.perf_counter()
    if pool == "with":
        kept = connection
    else:
        connection.close()
    setup += ready - begin
    used += done - ready
    time.sleep(0.02)
print(json.dumps({"setup": setup, "operations": used, "share": setup / (setup + used)}))
