"""Requests on kept and on new connections, with bodies of many sizes: tls_load.py http|https PORT CA"""
import http.client
import ssl
import sys

scheme, port, authority = sys.argv[1:4]


def connect():
    if scheme == "http":
        return http.client.HTTPConnection("127.0.0.1", int(port))
    context = ssl.create_default_context(cafile=authority)
    context.check_hostname = False
    return http.client.HTTPSConnection("127.0.0.1", int(port), context=context)


def ask(connection, path, method="GET", body=None):
    connection.request(method, path, body=body, headers={"Host": "shop.test"})
    answer = connection.getresponse()
    return answer.status, len(answer.read())


connection = connect()
for number in range(30):
    assert ask(connection, f"/?n={number}") == (200, 6)
for size in (0, 1, 1000, 16_000, 20_000, 70_000, 400_000):
    assert ask(connection, f"/take/{size}", "POST", b"x" * size)[0] == 200
    assert ask(connection, f"/?after={size}") == (200, 6)
assert ask(connection, "/big") == (200, 3_000_000)
assert ask(connection, "/?after=big") == (200, 6)
assert ask(connection, "/status/404")[0] == 404
assert ask(connection, "/status/503")[0] == 503
connection.close()
for number in range(10):
    connection = connect()
    assert ask(connection, f"/?new={number}") == (200, 6)
    connection.close()
