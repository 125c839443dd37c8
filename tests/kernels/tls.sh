#!/bin/sh
# Inside TLS: the functions that see secrets are found by the instructions around them, which each kind of processor has of its own.
# nginx (OpenSSL) is asked by curl, with TLS 1.2 and 1.3.
# Usage: tls.sh WIRESPAN
set -eu
work=$(mktemp -d)
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost \
    -keyout "$work/key.pem" -out "$work/cert.pem" 2> /dev/null
cat > "$work/nginx.conf" <<EOC
worker_processes 1; pid $work/nginx.pid; error_log $work/error.log; daemon on;
events { worker_connections 64; }
http { access_log off; server {
    listen 127.0.0.1:18443 ssl; ssl_certificate $work/cert.pem; ssl_certificate_key $work/key.pem;
    location / { return 200 "hello\n"; }
} }
EOC
WIRESPAN_LIMITS_CPU=none "$1" run --tls --select 'comm in (nginx,curl)' --output lines --output-file "$work/spans" 2> "$work/notes" &
agent=$!
tries=0
until grep -q tracing "$work/notes"; do
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || break
    sleep 0.2
done
nginx -c "$work/nginx.conf"
# The libraries of a program are looked through when it starts, on a machine that may be slow.
sleep 10
for version in 1.2 1.3; do
    # One connection, in which all that is told comes after the handshake is known.
    curl -sk --tls-max "$version" "https://127.0.0.1:18443/first/$version" "https://127.0.0.1:18443/second/$version" > /dev/null
done
sleep 3
kill -TERM "$agent"
wait "$agent" || true
kill "$(cat "$work/nginx.pid")"
cat "$work/notes" "$work/spans"
status=0
for side in SERVER CLIENT; do
    for request in first/1.2 second/1.2 first/1.3 second/1.3; do
        if [ "$(grep -c "$side .*GET .*$request" "$work/spans")" != 1 ]; then
            echo "expected one span like: $side GET /$request"
            status=1
        fi
    done
done
exit $status
