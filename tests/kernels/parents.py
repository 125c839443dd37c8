"""Programs in Go that ask others for each request: are calls parts of the right requests? parents.py WIRESPAN FRONT ORDERS

FRONT and ORDERS are tests/workloads/front.go and orders.go. A call names the request that it is made for. The backend `sockets` must find
the parents; none may be wrong with any.
"""
import collections
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

WIRESPAN, FRONT, ORDERS = sys.argv[1:]
REQUESTS, CLIENTS = 20, 2
# By the name of the executable: port, command, calls for each request.
PROGRAMS = {"orders": (18081, (ORDERS, "18081", "16379"), 3), "front": (18082, (FRONT, "18082", "18083"), 6)}
# An emulated machine is busy enough with what is looked at.
os.environ["NOBODY"] = "100ms"
work = tempfile.mkdtemp()
spans_file, notes_file = work + "/spans", work + "/notes"


def started(*command, **more):
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, **more)


def get(connection, path):
    connection.request("GET", path)
    answer = connection.getresponse()
    assert answer.read() and answer.status == 200, path


def wait_until_served(port):
    for _ in range(1200):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            get(connection, "/")
            return
        except OSError:
            time.sleep(0.2)
    sys.exit(f"nobody listens on port {port}")


def load(port, first):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for number in range(first, REQUESTS, CLIENTS):
        get(connection, f"/r{number}")


with open(notes_file, "w") as notes:
    agent = started(WIRESPAN, "run", "--output", "otlp-json", "--output-file", spans_file, stderr=notes, env={**os.environ, "WIRESPAN_LIMITS_CPU": "none"})
while "tracing" not in (said := open(notes_file).read()):
    if agent.poll() is not None:
        sys.exit(said)
    time.sleep(0.2)
backend = re.search("capture backend ([a-z]+)", said)[1]
quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
servers = [started("redis-server", "--port", "16379", "--bind", "127.0.0.1", "--save", "", **quiet), started(FRONT, "18083")]
wait_until_served(18083)
time.sleep(1)
servers += [started(*command) for _, command, _ in PROGRAMS.values()]
for port, _, _ in PROGRAMS.values():
    wait_until_served(port)
# Until it is known of the programs where their contexts are: an emulated agent, not optimized, looks for half a minute.
time.sleep(60)
clients = [threading.Thread(target=load, args=(port, first)) for port, _, _ in PROGRAMS.values() for first in range(CLIENTS)]
for client in clients:
    client.start()
for client in clients:
    client.join()
# What is asked after the last answers, and what is under way to the agent.
time.sleep(15)
agent.send_signal(signal.SIGTERM)
agent.wait()
for server in servers:
    server.kill()


def value(any_value):
    return next(iter(any_value.values()))


spans = []
for line in open(spans_file):
    for of_resource in json.loads(line).get("resourceSpans", []):
        resource = {one["key"]: value(one["value"]) for one in of_resource["resource"]["attributes"]}
        for of_scope in of_resource["scopeSpans"]:
            for span in of_scope["spans"]:
                attributes = {one["key"]: value(one["value"]) for one in span.get("attributes", [])}
                spans.append({**span, "of": resource.get("process.executable.name", ""), "told": attributes})
by_id = {span["spanId"]: span for span in spans}
SERVER, CLIENT = 2, 3


def key(span):
    told = span["told"]
    text = told.get("url.path") or told.get("url.full") or told.get("db.query.text") or ""
    return text.split("/")[-1].split(" ")[-1]


def took(span):
    return (int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"])) / 1e6


count, wrong, times = collections.Counter(), [], collections.defaultdict(list)
for span in spans:
    if span["of"] not in PROGRAMS or not key(span):
        continue
    kind = "SERVER" if span["kind"] == SERVER else "CLIENT" if span["kind"] == CLIENT else ""
    if not kind:
        continue
    name = (span["of"], kind)
    parent = by_id.get(span.get("parentSpanId", ""))
    times[name].append(took(span))
    if kind == "SERVER":
        count[(*name, "seen")] += 1
    elif not span.get("parentSpanId"):
        count[(*name, "for nobody" if key(span) == "nobody" else "without a parent")] += 1
    elif not parent:
        count[(*name, "of a request that was not told")] += 1
    elif parent["kind"] == SERVER and parent["of"] == span["of"] and key(parent) == key(span):
        count[(*name, "right")] += 1
    else:
        count[(*name, "wrong")] += 1
        wrong.append((key(span), key(parent), parent["kind"]))
for name, many in sorted(count.items()):
    print(*name, many)
for name, all_times in sorted(times.items()):
    all_times.sort()
    print(*name, f"took {all_times[0]:.2f}, {all_times[len(all_times) // 2]:.2f}, {all_times[-1]:.2f} ms")
print(open(notes_file).read())
failed = []
if wrong:
    failed.append(f"wrong parents: {wrong[:10]}")
for program, (_, _, calls) in PROGRAMS.items():
    right, without = (count[(program, "CLIENT", what)] for what in ("right", "without a parent"))
    told = right + without
    print(f"{backend}: {program}: {right} of {told} calls have their parents, of {calls * REQUESTS} that were made")
    if told < calls * REQUESTS * 0.8:
        failed.append(f"{program}: calls are missing")
    if backend == "sockets" and right < told * 0.9:
        failed.append(f"{program}: parents are missing")
# A request of `orders` sleeps 5 ms before its answer, and nothing takes ten seconds.
served = [took(span) for span in spans if span["of"] == "orders" and span["kind"] == SERVER and key(span).startswith("r")]
if len(served) != REQUESTS or not all(5 <= one < 10_000 for one in served):
    failed.append(f"{len(served)} requests took from {min(served, default=0)} to {max(served, default=0)} ms")
sys.exit("; ".join(failed) or 0)
