#!/usr/bin/env bash
# Random operations on purview and on a context that is obviously right, side by side. Prints how many cases ran, and fails if
# none did. An argument is the number of cases; a failure is shrunk to the least case that fails.
set -euo pipefail
cd "$(dirname "$0")/.."
export PURVIEW_CASES="${1:-100000}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
cargo test --release --package purview-model -- --nocapture 2>&1 | tee "$log"
cases=$(grep -oE '^(alone|apart|racing): [0-9]+ cases' "$log" | grep -oE '[0-9]+' | awk '{ sum += $1 } END { print sum + 0 }')
echo "model cases: $cases"
[ "$cases" -gt 0 ] || { echo 'no case ran' >&2; exit 1; }
