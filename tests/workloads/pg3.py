"""PostgreSQL through psycopg 3, which speaks the extended protocol: pg3.py CASE DSN"""
import sys

import psycopg

from gate import gate


def connect(**more):
    return psycopg.connect(DSN, autocommit=True, **more)


def parameters():
    connection = connect()
    for n in range(8):
        # From the sixth time on it is a prepared statement.
        connection.execute("SELECT note FROM orders WHERE id = %s", (n,)).fetchall()


def pipeline():
    connection = connect()
    with connection.pipeline():
        cursors = [connection.execute("SELECT note FROM orders WHERE id = %s", (1,)),
                   connection.execute("INSERT INTO items (order_id) VALUES (%s)", (41,)),
                   connection.execute("SELECT pg_sleep(%s), order_id FROM items WHERE order_id = 41", (0.1,))]
    assert [cursor.rowcount for cursor in cursors] == [1, 1, 1]


def pipeline_failing():
    connection = connect()
    try:
        with connection.pipeline() as pipeline:
            connection.execute("SELECT note FROM orders WHERE id = %s", (1,))
            connection.execute("SELECT id / %s FROM orders", (0,))
            connection.execute("SELECT order_id FROM items WHERE order_id = %s", (3,))
            pipeline.sync()
            connection.execute("UPDATE orders SET note = %s WHERE id = 2", ("synced",))
    except psycopg.Error as error:
        assert error.sqlstate == "22012"
    connection.execute("DELETE FROM items WHERE order_id = %s", (3,))


def late_error():
    """It parses, and fails when it is executed."""
    connection = connect()
    try:
        connection.execute("SELECT id / %s FROM orders", (0,))
    except psycopg.Error as error:
        assert error.sqlstate == "22012"
    try:
        connection.execute("SELECT %s::int", ("no number",))
    except psycopg.Error as error:
        assert error.sqlstate == "22P02"


def earlier():
    """One statement is prepared before the agent comes, one after."""
    connection = connect()
    for _ in range(2):
        connection.execute("SELECT note FROM orders WHERE id = %s", (1,), prepare=True)
    gate()
    connection.execute("SELECT note FROM orders WHERE id = %s", (2,), prepare=True)
    for _ in range(2):
        connection.execute("SELECT order_id FROM items WHERE order_id = %s", (2,), prepare=True)
    connection.execute("SELECT note FROM orders WHERE id = %s", (3,), prepare=True)


def cursors():
    connection = psycopg.connect(DSN)
    with connection.cursor(name="named") as cursor:
        cursor.execute("SELECT generate_series(1, 250)")
        assert len(cursor.fetchmany(100)) == 100
        assert len(cursor.fetchall()) == 150
    connection.commit()


def copies():
    connection = connect()
    with connection.cursor().copy("COPY items (order_id) FROM STDIN") as copy:
        for n in range(1000):
            copy.write_row((n,))
    with connection.cursor().copy("COPY items (order_id) TO STDOUT (FORMAT BINARY)") as copy:
        assert sum(len(block) for block in copy) > 10000
    connection.execute("SELECT note FROM orders WHERE id = %s", (1,))


def many():
    with connect() as connection:
        connection.cursor().executemany("INSERT INTO items (order_id) VALUES (%s)", [(n,) for n in range(30)])


def protocol():
    """Version 3.2 of the protocol, if libpq is new enough."""
    if psycopg.pq.version() < 180000:
        raise SystemExit(7)
    connection = connect(min_protocol_version="3.2", max_protocol_version="3.2")
    connection.execute("SELECT note FROM orders WHERE id = %s", (1,))


DSN = sys.argv[2]
globals()[sys.argv[1]]()
