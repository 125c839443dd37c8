# Read by the scripts here: nginx on 127.0.0.1:18080, and redis-server on 127.0.0.1:16379 and on a unix socket.
work=$(mktemp -d)
cat > "$work/nginx.conf" <<EOF
worker_processes 1; pid $work/nginx.pid; error_log $work/error.log; daemon on;
events { worker_connections 64; }
http { access_log off; server { listen 127.0.0.1:18080; location / { return 200 "hello\n"; } } }
EOF

start_servers() {
    nginx -c "$work/nginx.conf"
    redis-server --port 16379 --bind 127.0.0.1 --unixsocket "$work/redis.sock" --save '' > "$work/redis.log" 2>&1 &
    redis=$!
}

stop_servers() {
    kill "$redis" "$(cat "$work/nginx.pid")"
}
