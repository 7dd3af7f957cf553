#!/usr/bin/env bash
# Weakens each memory ordering of the core in turn, in a copy, and expects a model check to fail. One that no model notices fails
# this script, unless `ci/orderings-unseen.txt` names it with the argument why none can. An argument is a part of FILE:LINE, and
# picks orderings. It takes about a minute an ordering.
set -uo pipefail
cd "$(dirname "$0")/.."
pick=${1:-}
root=$PWD
unseen=$root/ci/orderings-unseen.txt
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z --cached --others --exclude-standard | xargs -0 tar -cf - | tar -xf - -C "$copy"
export RUSTFLAGS="--cfg loom ${RUSTFLAGS:-}" CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$root/target}/orderings"
caught=0 argued=0 missed=0

# Builds the models of the copy and runs them until the first one fails; says which, or nothing if all hold.
first_failure() {
  local log=$copy/log
  (cd "$copy" && cargo test --quiet --package purview --lib --profile loom --all-features --no-run) >"$log" 2>&1 || {
    echo 'IT DOES NOT BUILD'
    return
  }
  # A model that fails while it unwinds aborts the process: then the last one that was begun is the one.
  (cd "$copy" && exec timeout 600 cargo test --package purview --lib --profile loom --all-features -- --test-threads 1 models::) \
    >"$log" 2>/dev/null &
  local run=$!
  while kill -0 "$run" 2>/dev/null; do
    if grep -q 'FAILED$' "$log"; then
      kill "$run" 2>/dev/null
      break
    fi
    read -rt 1 <> <(:) || true
  done
  if ! wait "$run" 2>/dev/null; then
    { grep -m1 'FAILED$' "$log" || grep '^test ' "$log" | tail -1; } | sed 's/^test //; s/ .*//'
  fi
}

# weaken FILE LINE COLUMN: replaces the ordering there by Relaxed.
weaken() {
  FILE_LINE=$2 COLUMN=$3 perl -pi -e 'substr($_, $ENV{COLUMN}) =~ s/^Ordering::\w+/Ordering::Relaxed/ if $. == $ENV{FILE_LINE}' "$1"
}

# Every ordering stronger than Relaxed outside of models, tests and comments: FILE LINE COLUMN.
orderings() {
  git ls-files 'crates/purview/src/*.rs' | grep -vE '/(models|tests)/|sync/loom\.rs' | xargs perl -ne '
    last_file: { if ($file ne $ARGV) { $file = $ARGV; $. = 1; $tests = 0; } }
    $tests = 1 if /^#\[cfg\(all\(test/;
    if (!$tests && !m{^\s*//}) {
      while (/Ordering::(Acquire|Release|AcqRel|SeqCst)\b/g) { print "$ARGV $. ", pos() - length($&), "\n"; }
    }'
}

while read -r file line column; do
  place=$file:$line
  case "$place" in *"$pick"*) ;; *) continue ;; esac
  text=$(sed -n "${line}p" "$file" | sed 's/^ *//')
  weaken "$copy/$file" "$line" "$column"
  by=$(first_failure)
  case "$by" in
    '')
      if grep -qF "$(basename "$file"): $text" "$unseen"; then
        printf 'argued  %s  %s\n' "$place" "$text"
        argued=$((argued + 1))
      else
        printf 'MISSED  %s  %s\n' "$place" "$text"
        missed=$((missed + 1))
      fi
      ;;
    'IT DOES NOT BUILD')
      printf 'BROKEN  %s  %s: it does not build\n' "$place" "$text"
      tail -n 20 "$copy/log"
      missed=$((missed + 1))
      ;;
    *)
      printf 'caught  %s  %s\n        by %s\n' "$place" "$text" "$by"
      caught=$((caught + 1))
      ;;
  esac
  cp "$file" "$copy/$file"
  touch "$copy/$file"
done < <(orderings)

printf 'orderings: %s caught, %s argued, %s missed\n' "$caught" "$argued" "$missed"
[ "$missed" -eq 0 ] && [ "$caught" -gt 0 ]
