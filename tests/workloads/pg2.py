"""PostgreSQL through psycopg 2, which speaks the simple protocol: pg2.py CASE DSN"""
import io
import sys
import threading
import time

import psycopg2
import psycopg2.extras

from gate import gate


def connect(**more):
    connection = psycopg2.connect(DSN, **more)
    connection.autocommit = True
    return connection


def attributes():
    cursor = connect().cursor()
    cursor.execute("SELECT id, note FROM orders WHERE id = 7 AND note = 'secret' AND price < 12.5")
    assert len(cursor.fetchall()) == 0


def transaction():
    connection = psycopg2.connect(DSN)
    cursor = connection.cursor()
    cursor.execute("INSERT INTO orders (id, note) VALUES (%s, %s)", (100, "new"))
    connection.commit()
    cursor.execute("UPDATE orders SET note = 'other' WHERE id = 100")
    connection.rollback()


def summaries():
    cursor = connect().cursor()
    cursor.execute("WITH gone AS (DELETE FROM orders WHERE id = 99 RETURNING id) SELECT count(*) FROM gone")
    cursor.execute("/* a note */ select o.id from orders o join items i on i.order_id = o.id where o.id in (1, 2, 3)")
    cursor.execute("INSERT INTO items (order_id) SELECT id FROM orders WHERE id = 1")
    cursor.execute("create temp table t (a int)")


def long_query():
    cursor = connect().cursor()
    cursor.execute("SELECT count(*) FROM orders WHERE note <> '" + "l" * 2000 + "' AND id NOT IN ("
                   + ", ".join(str(n) for n in range(10000, 10400)) + ")")
    cursor.execute("SELECT 'after' FROM items")


def streamed():
    cursor = connect().cursor()
    cursor.execute("SELECT pg_sleep(0.05), repeat('x', 9000) FROM generate_series(1, 10)")
    assert cursor.rowcount == 10


def several():
    cursor = connect().cursor()
    cursor.execute("SELECT 1; INSERT INTO items (order_id) VALUES (5), (6); SELECT id FROM orders")


def several_failing():
    cursor = connect().cursor()
    try:
        cursor.execute("SELECT 1 FROM orders; SELECT 1/0; SELECT 3")
    except psycopg2.Error as error:
        assert error.pgcode == "22012"
    cursor.execute("SELECT 4 FROM orders")


def errors():
    cursor = connect().cursor()
    for sql in ("SELECT * FROM missing", "SELEC 1", "SELECT 1/0", "INSERT INTO orders (id) VALUES (1)"):
        try:
            cursor.execute(sql)
            raise SystemExit("no error")
        except psycopg2.Error:
            pass
    cursor.execute("DO $$ BEGIN RAISE NOTICE 'only a notice'; END $$")


def copies():
    cursor = connect().cursor()
    cursor.copy_expert("COPY items (order_id) FROM STDIN", io.StringIO("".join(f"{n}\n" for n in range(20000))))
    out = io.StringIO()
    cursor.copy_expert("COPY items (order_id) TO STDOUT", out)
    assert out.getvalue().count("\n") >= 20000
    try:
        cursor.copy_expert("COPY items (order_id) FROM STDIN", io.StringIO("1\nno number\n"))
    except psycopg2.Error:
        pass
    cursor.execute("SELECT 'after' FROM items LIMIT 1")


def notify():
    connection = connect()
    cursor = connection.cursor()
    cursor.execute("LISTEN news")
    connect().cursor().execute("NOTIFY news, 'hidden'")
    time.sleep(0.1)
    cursor.execute("SELECT id FROM orders")
    connection.poll()
    assert len(connection.notifies) == 1


def cancel():
    connection = connect()
    threading.Timer(0.2, connection.cancel).start()
    try:
        connection.cursor().execute("SELECT pg_sleep(5)")
    except psycopg2.Error as error:
        assert error.pgcode == "57014", error.pgcode
    connection.cursor().execute("SELECT id FROM orders")


def functions():
    """Large objects go through function calls of the protocol."""
    connection = psycopg2.connect(DSN)
    large = connection.lobject(0, "wb")
    large.write(b"o" * 30000)
    large.close()
    connection.commit()


def replication():
    connection = psycopg2.connect(DSN, connection_factory=psycopg2.extras.LogicalReplicationConnection)
    cursor = connection.cursor()
    cursor.create_replication_slot("slot", output_plugin="test_decoding")
    cursor.start_replication("slot", decode=True)
    connect().cursor().execute("INSERT INTO items (order_id) VALUES (77)")
    time.sleep(0.3)
    cursor.read_message()
    connection.close()
    connect().cursor().execute("SELECT id FROM orders")


def large():
    cursor = connect().cursor()
    cursor.execute("SELECT repeat('y', 1000) FROM generate_series(1, 6000)")
    assert cursor.rowcount == 6000
    cursor.execute("SELECT id FROM orders")


def early():
    """Connected before the agent comes."""
    connection = connect()
    cursor = connection.cursor()
    cursor.execute("SELECT 'before'")
    gate()
    cursor.execute("SELECT id FROM orders WHERE id = 1")
    cursor.execute("SELECT order_id FROM items WHERE order_id = 1")


def terminated():
    connection = connect()
    pid = connection.info.backend_pid
    other = connect()
    threading.Timer(0.2, lambda: other.cursor().execute("SELECT pg_terminate_backend(%s)", (pid,))).start()
    try:
        connection.cursor().execute("SELECT pg_sleep(5)")
    except psycopg2.Error:
        pass


def refused():
    try:
        psycopg2.connect(DSN.replace("dbname=shop", "dbname=nowhere"))
    except psycopg2.OperationalError:
        pass


def plain():
    cursor = connect().cursor()
    cursor.execute("SELECT id FROM orders WHERE id = 1")


def sleep():
    cursor = connect().cursor()
    gate()
    cursor.execute("SELECT pg_sleep(20)")


DSN = sys.argv[2]
globals()[sys.argv[1]]()
