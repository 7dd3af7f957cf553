#!/usr/bin/env bash
# The tests of the core and the stress test under the address and leak sanitizer, on the stable toolchain, and the stress test under
# valgrind too, where that is installed. Prints how many tests ran, and fails if none did. An argument picks test targets:
# `ci/sanitizers.sh --test waiting`.
set -euo pipefail
cd "$(dirname "$0")/.."
host=$(rustc -vV | sed -n 's/^host: //p')
target=${CARGO_TARGET_DIR:-$PWD/target}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
pick=("$@")

# Documentation tests are left out: they run the same paths, and each would be linked with the sanitizer by itself. So is
# `deep_and_wide`, a million contexts at a time: it wants an optimised build, and the sanitizer keeps what is freed for a while.
if [ "${#pick[@]}" -eq 0 ]; then
  pick=(--lib)
  for file in crates/purview/tests/*.rs; do
    name=$(basename -s .rs "$file")
    case "$name" in deep_and_wide) ;; *) pick+=(--test "$name") ;; esac
  done
fi
# Freed nodes go back to the allocator at once, so that no use of one goes unseen.
under_asan() {
  RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address --cfg purview_fresh_memory ${RUSTFLAGS:-}" ASAN_OPTIONS=detect_leaks=1 \
    LSAN_OPTIONS=print_suppressions=0:suppressions="$PWD/ci/leaks-on-purpose.txt" CARGO_TARGET_DIR="$target/asan" \
    CARGO_BUILD_TARGET="$host" cargo "$@"
}
under_asan test --package purview --all-features --no-fail-fast "${pick[@]}" 2>&1 | tee "$log"
tests=$(grep -E '^test result: ok' "$log" | grep -oE '[0-9]+ passed' | awk '{ sum += $1 } END { print sum + 0 }')
under_asan run --release --package purview-stress -- --seconds "${PURVIEW_ASAN_SECONDS:-10}"

if command -v valgrind >/dev/null; then
  CARGO_TARGET_DIR="$target" cargo build --release --package purview-stress
  valgrind --quiet --error-exitcode=9 --fair-sched=yes "$target/release/purview-stress" --seconds "${PURVIEW_VALGRIND_SECONDS:-5}" --threads 2
  memcheck='ran'
else
  memcheck='SKIPPED: valgrind is not installed'
fi
echo "sanitizers: $tests tests and stress under the address and leak sanitizer, stress under valgrind $memcheck"
[ "$tests" -gt 0 ] || { echo 'no test ran' >&2; exit 1; }
