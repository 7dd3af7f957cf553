#!/usr/bin/env bash
# Model checks in random orders: those of `ci/loom.sh`, and larger ones with more threads than loom can exhaust. Prints how many
# models and schedules ran and from which seed, and fails if there were none. An argument is a part of a name, and picks models.
# `SHUTTLE_RANDOM_SEED` gives the seed, to have a failure again; `PURVIEW_SCHEDULES` says how many schedules a model gets.
set -euo pipefail
cd "$(dirname "$0")/.."
export RUSTFLAGS="--cfg shuttle ${RUSTFLAGS:-}" CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/shuttle"
export SHUTTLE_RANDOM_SEED="${SHUTTLE_RANDOM_SEED:-$((RANDOM << 15 | RANDOM))}" PURVIEW_SCHEDULES="${PURVIEW_SCHEDULES:-10000}"
echo "seed $SHUTTLE_RANDOM_SEED"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
cargo test --package purview --lib --profile loom --all-features -- --nocapture "${@:-models::}" 2>&1 | tee "$log"
models=$(grep -c 'schedules so far' "$log" || true)
schedules=$(grep -o 'schedules so far: [0-9]*' "$log" | grep -o '[0-9]*$' | sort -n | tail -1 || true)
echo "shuttle: $models models, ${schedules:-0} schedules, seed $SHUTTLE_RANDOM_SEED"
[ "${schedules:-0}" -gt 0 ] || { echo 'no schedule was run' >&2; exit 1; }
