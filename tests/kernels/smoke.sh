#!/bin/sh
# What `cargo xtask kernels` runs in each kernel: real requests over TCP and a unix socket, and every span counted.
# Usage: smoke.sh WIRESPAN
set -eu
. "$(dirname "$0")/servers.sh"
# Emulated kernels are slow, and slower when the host is busy: wait for what is needed, not for a time. Not when the
# agent has ended, though.
fail() {
    echo "$*; what the agent said and told:"
    cat "$work/notes" "$work/spans" || true
    exit 1
}
wait_for() {
    tries=0
    until "$@" > /dev/null 2>&1; do
        tries=$((tries + 1))
        kill -0 "$agent" 2> /dev/null || fail "the agent ended before: $*"
        [ "$tries" -lt 600 ] || fail "waited in vain for: $*"
        sleep 0.2
    done
}
WIRESPAN_LIMITS_CPU=none "$1" run --output-file "$work/spans" 2> "$work/notes" &
agent=$!
wait_for grep -q tracing "$work/notes"
start_servers
wait_for test -S "$work/redis.sock"
curl -s http://127.0.0.1:18080/path?query > /dev/null
redis-cli -s "$work/redis.sock" set key value > /dev/null
redis-cli -p 16379 lpush key value > /dev/null || true
wait_for grep -q 'CLIENT .*WRONGTYPE' "$work/spans"
kill -TERM "$agent"
wait "$agent"
stop_servers
cat "$work/notes" "$work/spans"
# A program that the verifier refuses leaves the other backend, and all seems well. The socket layer has its tracepoints since 6.3.
backend=$(uname -r | awk -F. '{ if ($1 > 6 || $1 == 6 && $2 >= 3) print "sockets"; else print "syscalls" }')
if ! grep -q "capture backend $backend" "$work/notes"; then
    echo "expected the backend $backend"
    exit 1
fi
for expected in 'SERVER .*GET /path' 'CLIENT .*GET http' 'SERVER .*SET key' 'CLIENT .*SET key' 'SERVER .*WRONGTYPE' 'CLIENT .*WRONGTYPE'; do
    if [ "$(grep -c "$expected" "$work/spans")" != 1 ]; then
        echo "expected one span like: $expected"
        exit 1
    fi
done
