#!/usr/bin/env bash
# Model checks: every race of src/models in every order that loom finds. Prints how many models and executions ran, and
# fails if there were none. An argument is a part of a name, and picks models.
set -euo pipefail
cd "$(dirname "$0")/.."
export RUSTFLAGS="--cfg loom ${RUSTFLAGS:-}" CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/loom"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# One at a time: a model keeps a core busy, and the count of executions is shared.
cargo test --package purview --lib --profile loom --all-features -- --test-threads 1 --nocapture "${@:-models::}" 2>&1 | tee "$log"
models=$(grep -c 'executions so far' "$log" || true)
executions=$(grep -o 'executions so far: [0-9]*' "$log" | tail -1 | grep -o '[0-9]*$' || true)
echo "model checks: ${models} models, ${executions:-0} executions"
[ "${executions:-0}" -gt 0 ] || { echo 'no model was explored' >&2; exit 1; }
