#!/bin/sh
# On one processor, where a kernel program can be preempted: three times 45 exchanges of three clients at once, of which both sides
# tell nearly all, with both backends. (Emulated, a program takes a hundred times as long as it does else, and is preempted as often.)
# Usage: complete.sh WIRESPAN
set -eu
. "$(dirname "$0")/servers.sh"
cat > "$work/clients.py" <<'EOF'
import http.client, socket, sys, threading

def web():
    for connection in range(5):
        client = http.client.HTTPConnection("127.0.0.1", 18080)
        for request in range(3):
            client.request("GET", f"/{connection}/{request}")
            client.getresponse().read()
        client.close()

def redis(family, address):
    client = socket.socket(family)
    client.connect(address)
    for number in range(15):
        client.sendall(b"*3\r\n$3\r\nSET\r\n$3\r\nk%02d\r\n$1\r\nv\r\n" % number)
        assert client.recv(100) == b"+OK\r\n"

clients = [
    threading.Thread(target=web),
    threading.Thread(target=redis, args=(socket.AF_INET, ("127.0.0.1", 16379))),
    threading.Thread(target=redis, args=(socket.AF_UNIX, sys.argv[1])),
]
for client in clients:
    client.start()
for client in clients:
    client.join()
EOF
start_servers
status=0
for backend in sockets syscalls; do
    WIRESPAN_LIMITS_CPU=none "$1" run --backend $backend --output-file "$work/spans.$backend" 2> "$work/notes.$backend" &
    agent=$!
    tries=0
    until grep -q tracing "$work/notes.$backend"; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || break
        sleep 0.2
    done
    for round in 1 2 3; do
        python3 "$work/clients.py" "$work/redis.sock"
    done
    # What is under way to the agent.
    sleep 2
    kill -TERM "$agent"
    wait "$agent" || status=1
    told=$(grep -c ' \(SERVER\|CLIENT\) .*\(GET\|SET\)' "$work/spans.$backend" || true)
    echo "$backend: $told of 270"
    # A fallback that missed every run of a preempted program had 243.
    [ "$told" -ge 258 ] && [ "$told" -le 270 ] || status=1
    tail -n 4 "$work/notes.$backend"
done
stop_servers
exit $status
