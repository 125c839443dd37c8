"""A kept connection that was used before anybody looked: older.py https PORT CA COUNT | older.py postgres DSN COUNT"""
import sys
import time

from gate import gate


def https(port, authority):
    import http.client
    import ssl

    context = ssl.create_default_context(cafile=authority)
    context.check_hostname = False
    connection = http.client.HTTPSConnection("127.0.0.1", int(port), context=context)

    def ask(number):
        connection.request("GET", f"/?n={number}", headers={"Host": "shop.test"})
        answer = connection.getresponse()
        assert (answer.status, len(answer.read())) == (200, 6)

    return ask


def postgres(dsn):
    import psycopg

    connection = psycopg.connect(dsn, autocommit=True, sslmode="require")
    assert connection.pgconn.ssl_in_use

    def ask(number):
        # Unprepared: a statement that was prepared before is not known.
        assert connection.execute("SELECT %s::int", (number,), prepare=False).fetchone() == (number,)

    return ask


kind, *arguments, count = sys.argv[1:]
ask = {"https": https, "postgres": postgres}[kind](*arguments)
for number in range(5):
    ask(-number)
gate()
for number in range(int(count)):
    ask(number)
    # The probes come when the agent has seen the first of them.
    time.sleep(1 if number < 2 else 0.05)
gate("end")
