#!/bin/sh
# Shows with curl what becomes of a handler that is in time, late, left by its client, and shut down.
set -eu
cd "$(dirname "$0")/../.."
cargo build --release --quiet -p purview-example-http

log=$(mktemp)
target=${CARGO_TARGET_DIR:-target}
"$target/release/purview-example-http" --addr 127.0.0.1:0 >"$log" &
server=$!
trap 'kill "$server" 2>/dev/null || true; rm -f "$log"' EXIT

url=
while [ -z "$url" ]; do
    kill -0 "$server" # or it has ended without an address
    sleep 0.1
    url=$(sed -n 's/^listening on //p' "$log")
done

try() {
    echo "\$ curl $*"
    curl --silent --show-error --write-out '%{http_code} after %{time_total} s\n' "$@" 2>&1 || true
}

try "$url/work?ms=100"
try "$url/work?ms=1000&deadline_ms=200"
try --max-time 0.3 "$url/work?ms=5000"
# Shutdown, while one is at work.
try "$url/work?ms=4000" &
client=$!
sleep 0.3
echo '$ kill -INT the server'
kill -INT "$server"
wait "$client" "$server"

echo
echo "the server's log:"
cat "$log"
