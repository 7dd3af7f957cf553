#!/usr/bin/env bash
# Changes the engine in every way that cargo-mutants knows, one at a time, in a copy, and expects tests to turn red: `raw/` and the
# timer, or what its arguments pick (`-f '**/walk.rs'`). A change that no test notices fails this script, unless
# `ci/mutants-survivors.txt` names it with the reason. It installs the tool into `target/tools`, and takes an hour or two.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
tools=$root/target/tools
survivors=$root/ci/mutants-survivors.txt
export PATH=$tools/bin:$PATH RUSTC_BOOTSTRAP=1 CARGO_TERM_COLOR=never
# Not optimised: then a change is built in a second or two, and not in thirty.
export CARGO_PROFILE_DEV_OPT_LEVEL=0 CARGO_PROFILE_DEV_DEBUG=0
[ -x "$tools/bin/cargo-mutants" ] || CARGO_TARGET_DIR=$tools/build cargo install cargo-mutants --version 27.1.0 --locked --root "$tools"
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z --cached --others --exclude-standard | xargs -0 tar -cf - | tar -xf - -C "$copy"
cd "$copy"

# The tool passes over unsafe functions. Theirs is only a word here: what is unsafe in them has blocks of its own.
find crates/purview/src/raw crates/purview/src/sync -name '*.rs' -exec sed -i 's/\bunsafe fn\b/fn/' {} +
# Of the tests of the core one binary, since linking is most of the time of a change; those that need a process of their own wait.
cd crates/purview/tests
mkdir all own
grep -lE 'process of its own|runs this binary again|global_allocator' ./*.rs | xargs mv -t own
mv ./*.rs all
cp -r common all
modules=$(for file in all/*.rs; do printf '#[path = "%s"]\nmod %s;\n' "${file#all/}" "$(basename "$file" .rs)"; done)
printf '//! All in one.\n%s\n' "$modules" >all/main.rs
cd "$copy"

[ $# -gt 0 ] || set -- -f '**/raw/*.rs' -f '**/timer/*.rs'
list() { cargo mutants --list --colors never -p purview -E 'impl (fmt::|std::fmt::)?Debug' "$@"; }
# Names without lines: of those that are named alike, the second one is `NAME (2)`.
named() { perl -ne 'chomp; my $full = $_; s{^crates/purview/src/}{}; s{:\d+:\d+:}{:}; my $n = ++$seen{$_}; print "$full\t$_", $n > 1 ? " ($n)" : "", "\n"'; }
run() { cargo mutants --in-place --no-shuffle --colors never --all-features --cap-lints=true --timeout "$1" -p purview -E 'impl (fmt::|std::fmt::)?Debug' "${@:2}" || [ $? -le 3 ]; }

# Whether a reason is given for the change of this full name; prints it.
reason() {
  local name
  name=$(awk -F '\t' -v full="$1" '$1 == full { print $2 }' names)
  awk -F '  # ' -v name="$name" '$1 == name { print $2; found = 1 } END { exit !found }' "$survivors"
}

list -f '**/raw/*.rs' -f '**/timer/*.rs' | named >names

# First with the quick tests; then what is left, and has no reason yet, with all of them. What never ended is caught.
run 45 "$@" -- --lib --test all -- --skip deep_and_wide:: -Zunstable-options --fail-fast
sed 's/^/never ends  /' mutants.out/timeout.txt
cat mutants.out/timeout.txt >>mutants.out/caught.txt
: >open
while read -r full; do
  if why=$(reason "$full"); then
    printf 'argued  %s  %s\n' "$full" "$why"
    echo "$full" >>mutants.out/caught.txt
  else
    echo "$full" >>open
  fi
done <mutants.out/missed.txt
mv crates/purview/tests/own/*.rs crates/purview/tests
failed=0
if [ -s open ]; then
  run 300 --iterate --baseline skip --test-package purview --test-package purview-conformance "$@"
  sed 's/^/MISSED  /' mutants.out/missed.txt
  [ ! -s mutants.out/missed.txt ] || failed=1
fi

stale=$(grep -v '^#' "$survivors" | awk -F '  # ' 'NR == FNR { split($0, parts, "\t"); there[parts[2]]; next } NF && !($1 in there)' names -)
[ -z "$stale" ] || printf 'stale, since no change is named so any more:\n%s\n' "$stale"
[ "$failed" -eq 0 ] && [ -z "$stale" ]
