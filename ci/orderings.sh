#!/usr/bin/env bash
# Weakens each memory ordering of the core in turn and expects a model check to fail. One that no model notices fails this script,
# unless `ci/orderings-unseen.txt` names it with the argument why none can; one that is named there and noticed fails it too. The
# first argument is an expression that picks orderings by FILE:LINE, the second a part of a name and picks models. The models are built
# once, in a copy where each ordering has a number, and told by the environment which one is weak. It took a quarter of an hour on
# two cores that had much else to do; one that is missed takes as long as all models.
set -uo pipefail
cd "$(dirname "$0")/.."
pick=${1:-}
export models=${2:-models::} unseen=$PWD/ci/orderings-unseen.txt root=$PWD
copy=$(mktemp -d)
export copy
trap 'rm -rf "$copy"' EXIT
git ls-files -z --cached --others --exclude-standard | xargs -0 tar -cf - | tar -xf - -C "$copy"
export RUSTFLAGS="--cfg loom ${RUSTFLAGS:-}" CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$root/target}/orderings"

# Gives each ordering stronger than Relaxed, outside of models, tests and comments, a number, in the copy. Prints for each: NUMBER
# FILE:LINE and the line of code.
number_orderings() {
  git ls-files 'crates/purview/src/*.rs' | grep -vE '/(models|tests)/|sync/(loom|shuttle)\.rs' | (cd "$copy" && xargs perl -i -pe '
    if ($ARGV ne $file) { $file = $ARGV; $line = 0; $tests = 0; }
    $line++;
    $tests = 1 if /^#\[cfg\(all\(test/;
    if (!$tests && !m{^\s*//}) {
      my $code = s/^\s+|\s+$//gr;
      s{\bOrdering::(Acquire|Release|AcqRel|SeqCst)\b}{
        $number++;
        print STDERR "$number $file:$line $code\n";
        "crate::sync::maybe_weak($number, Ordering::$1)"
      }ge;
    }' 2>&1)
  cat >>"$copy/crates/purview/src/sync/loom.rs" <<'RUST'

pub(crate) fn maybe_weak(number: u32, ordering: Ordering) -> Ordering {
    static WEAK: std::sync::OnceLock<Option<u32>> = std::sync::OnceLock::new();
    let weak = *WEAK.get_or_init(|| std::env::var("WEAK").ok().and_then(|number| number.parse().ok()));
    if weak == Some(number) { Ordering::Relaxed } else { ordering }
}
RUST
}

# Runs the models with that ordering weak, until one fails. Says which, and how; nothing if all hold. A run that does not end has
# found nothing.
first_failure() {
  local out=$copy/out.$1 err=$copy/err.$1 status=0
  (cd "$copy/crates/purview" && WEAK=$1 RUSTC_BOOTSTRAP=1 exec timeout 1200 \
    "$program" -Z unstable-options --fail-fast --no-capture --test-threads 1 "$models") >"$out" 2>"$err" </dev/null || status=$?
  if [ "$status" -eq 124 ]; then
    echo "ordering $1: the models did not end" >&2
  elif [ "$status" -ne 0 ]; then
    # A model that fails while it unwinds aborts the process: it is the last one that was begun.
    echo "$(grep -o '^test [a-z_]*::[^ ]*' "$out" | tail -1 | cut -d ' ' -f 2): $(grep -m1 -A1 'panicked at' "$err" | tail -1)"
  fi
}

# Tells of one ordering: NUMBER FILE:LINE and the line of code.
tell() {
  local number place text by argued=
  read -r number place text <<<"$1"
  by=$(first_failure "$number")
  grep -qF "$(basename "${place%:*}"): $text" "$unseen" && argued=1
  case "$by,$argued" in
    ,) echo "MISSED  $place  $text" ;;
    ,1) echo "argued  $place  $text" ;;
    *,1) printf 'NOT UNSEEN  %s  %s\n        by %s\n' "$place" "$text" "$by" ;;
    *) printf 'caught  %s  %s\n        by %s\n' "$place" "$text" "$by" ;;
  esac
}

orderings=$(number_orderings)
program=$(cargo test --manifest-path "$copy/Cargo.toml" --quiet --package purview --lib --profile loom --all-features --no-run \
  --message-format json | grep -o '"executable":"[^"]*"' | tail -1 | cut -d '"' -f 4)
[ -x "$program" ] || { echo 'the models do not build with their orderings numbered' >&2; exit 1; }
export program
export -f first_failure tell
[ -n "$pick" ] || { by=$(first_failure 0); [ -z "$by" ] || { echo "a model fails with nothing weakened: $by" >&2; exit 1; }; }
grep -E -- "$pick" <<<"$orderings" | xargs -d '\n' -P "$(nproc)" -I ORDERING bash -c 'tell "$1"' tell ORDERING | tee "$copy/told"

count() {
  grep -c "^$1 " "$copy/told"
}
printf 'orderings: %s caught, %s argued, %s missed\n' "$(count caught)" "$(count argued)" "$(count 'MISSED\|^NOT UNSEEN')"
[ "$(count 'MISSED\|^NOT UNSEEN')" -eq 0 ] && [ "$(count caught)" -gt 0 ]
