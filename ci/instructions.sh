#!/usr/bin/env bash
# Counts the instructions of the hottest operations under callgrind, and compares them with benches/instructions/counts.txt:
# time changes from run to run, these hardly do. Fails when one grew by more than three in a hundred (and by more than one).
# --write puts the counts of this machine into the file instead.
set -euo pipefail
cd "$(dirname "$0")/.."
counts=benches/instructions/counts.txt
if ! command -v valgrind >/dev/null; then
  apt-get update -qq && apt-get install -y -qq valgrind >/dev/null
fi
# Thin LTO and one unit, as in every release build of ours; what differs by compiler is said by the file's first line.
cargo build --release --quiet --package purview-instructions
program=${CARGO_TARGET_DIR:-target}/release/purview-instructions
compiler=$(rustc --version | cut -d' ' -f1,2)

# count NAME TIMES: the instructions of a whole run.
count() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$1" "$2" 2>&1 >/dev/null |
    sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

# per_operation NAME: the difference between few and many runs, to a tenth.
per_operation() {
  local few=100 many=2100
  case "$1" in chain*) few=2 many=12 ;; esac
  awk -v a="$(count "$1" $few)" -v b="$(count "$1" $many)" -v n=$((many - few)) 'BEGIN { printf "%.1f", (b - a) / n }'
}

measured=$(mktemp)
trap 'rm -f "$measured"' EXIT
printf '# %s, %s: instructions for each operation; written by ci/instructions.sh --write\n' "$compiler" "$(uname -m)" >"$measured"
for name in $("$program"); do
  printf '%-28s %s\n' "$name" "$(per_operation "$name")" >>"$measured"
done

if [ "${1:-}" = --write ]; then
  cp "$measured" "$counts"
  cat "$counts"
  exit
fi
[ "$(head -1 "$counts")" = "$(head -1 "$measured")" ] ||
  printf 'the counts are of another compiler or machine:\n%s\n%s\n' "$(head -1 "$counts")" "$(head -1 "$measured")"
awk '
  /^#/ { next }
  NR == FNR { before[$1] = $2; next }
  {
    if (!($1 in before)) { printf "%-28s %10s is not in the file: --write\n", $1, $2; bad = 1; next }
    grown = $2 > before[$1] * 1.03 && $2 > before[$1] + 1
    printf "%-28s %10.1f %10.1f %+7.1f%%%s\n", $1, before[$1], $2, ($2 / before[$1] - 1) * 100, grown ? "  GREW" : ""
    bad = bad || grown
  }
  END { exit bad }' "$counts" "$measured"
