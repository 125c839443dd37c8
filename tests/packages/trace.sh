# In the file system where the package is installed, among the processes of the host: what is installed traces those who ask for it, as the
# user of the service and with the capabilities of its unit. `set -eu` holds.
# shellcheck shell=sh
unit=/usr/lib/systemd/system/wirespan.service
[ -e "$unit" ] || unit=/lib/systemd/system/wirespan.service
names=$(sed -n 's/^AmbientCapabilities=//p' "$unit" | tr 'A-Z' 'a-z' | sed 's/cap_/+/g; s/ /,/g')
output=$(mktemp -d)
chown wirespan "$output"
WIRESPAN_ENABLED=true python3 -m http.server 18191 --bind 127.0.0.1 --directory "$output" >/dev/null 2>&1 &
asked=$!
python3 -m http.server 18192 --bind 127.0.0.1 --directory "$output" >/dev/null 2>&1 &
other=$!
trap 'kill $asked $other; wait' EXIT
setpriv --reuid wirespan --regid wirespan --clear-groups --no-new-privs \
    --bounding-set=-all,"$names" --inh-caps=-all,"$names" --ambient-caps=-all,"$names" \
    /usr/bin/wirespan run --config /etc/wirespan/wirespan.yaml --output otlp-json --output-file "$output/spans" --duration 12 \
    2>"$output/notes" &
agent=$!
for _ in $(seq 100); do
    grep -q 'wirespan: tracing' "$output/notes" && break
    sleep 0.1
done
for port in 18191 18192; do curl --silent --output /dev/null "http://127.0.0.1:$port/"; done
wait $agent || { cat "$output/notes"; exit 1; }
cat "$output/notes"
grep -q '"intValue":"18191"' "$output/spans"
if grep -q 18192 "$output/spans"; then exit 1; fi
echo "ok: what is installed traces who asked for it, and nobody else"
