#!/usr/bin/env bash
# Fuzzing, on the stable toolchain: builds each target of fuzz/ with the address sanitizer, and runs it over its seeds and then over
# what comes of them, within bounds of time and memory. Prints how many targets and runs there were, and fails if a target ran
# none. The first argument is for how many seconds each runs, others pick targets. What fails is kept in fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-10}
shift || true
targets=("$@")
[ "${#targets[@]}" -gt 0 ] || mapfile -t targets < <(basename -s .rs fuzz/fuzz_targets/*.rs)
host=$(rustc -vV | sed -n 's/^host: //p')
out=${CARGO_TARGET_DIR:-$PWD/target}/fuzz

# What cargo-fuzz passes. The flags of the sanitizer are unstable ones, which a stable compiler takes when it is told to.
flags=(--cfg fuzzing -Cdebug-assertions -Coverflow-checks -Ccodegen-units=8 -Zsanitizer=address -Cpasses=sancov-module)
for option in level=4 inline-8bit-counters pc-table trace-compares; do
  flags+=("-Cllvm-args=-sanitizer-coverage-$option")
done
# With --target, so that build scripts and macros are built without.
RUSTC_BOOTSTRAP=1 RUSTFLAGS="${flags[*]}" cargo build --locked --release --manifest-path fuzz/Cargo.toml \
  --target "$host" --target-dir "$out" "${targets[@]/#/--bin=}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p fuzz/artifacts

fuzz() {
  local target=$1
  mkdir -p "$work/$target"
  # A run ends by its number of seconds; the bound around it is for one that hangs.
  timeout $((seconds + 60)) "$out/$host/release/$target" "$work/$target" "fuzz/seeds/$target" \
    -max_total_time="$seconds" -timeout=20 -rss_limit_mb=1024 -max_len=1024 -print_final_stats=1 \
    -artifact_prefix="fuzz/artifacts/$target-" >"$work/$target.log" 2>&1
}

# Two at a time, as many as CI has cores.
for ((at = 0; at < ${#targets[@]}; at += 2)); do
  pids=()
  for target in "${targets[@]:at:2}"; do
    fuzz "$target" &
    pids+=("$!")
  done
  for index in "${!pids[@]}"; do
    target=${targets[at + index]}
    wait "${pids[index]}" || { tail -n 60 "$work/$target.log"; echo "fuzzing $target failed" >&2; exit 1; }
  done
done

all=0
for target in "${targets[@]}"; do
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$target.log")
  echo "$target: ${runs:-0} runs"
  [ "${runs:-0}" -gt 0 ] || { echo "$target ran nothing" >&2; exit 1; }
  all=$((all + runs))
done
echo "fuzz: ${#targets[@]} targets, $all runs"
