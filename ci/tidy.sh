#!/usr/bin/env bash
# The rules that no lint knows: who may name what. Prints what breaks them, and fails.
set -euo pipefail
cd "$(dirname "$0")/.."
core=crates/purview/src
broken=0

# rule WHY PATTERN PATHSPEC...: no line of those files may match, comments aside.
rule() {
  local why=$1 pattern=$2
  shift 2
  local found
  found=$(git grep -nE --untracked "$pattern" -- "$@" | grep -vE '^[^:]+:[0-9]+:\s*//' || true)
  if [ -n "$found" ]; then
    printf '%s:\n%s\n\n' "$why" "$found" >&2
    broken=1
  fi
}

rule 'atomics and cells come through sync' 'std::sync::atomic|core::sync::atomic|cell::UnsafeCell|(loom|shuttle)::' \
  "$core/*.rs" ":!$core/sync" ":!$core/models"
rule 'threads come through sync' 'thread::(spawn|park|sleep|yield_now|current|Builder)' \
  "$core/*.rs" ":!$core/sync" ":!$core/models" ":!$core/raw/tests"
rule 'unsafe lives in raw' 'unsafe (\{|fn|impl|trait|extern)|allow\(unsafe_code' \
  '*.rs' ":!$core/raw"
rule 'algorithms know nothing of the model checkers' 'cfg\(.*(loom|shuttle)' \
  "$core/*.rs" ":!$core/sync" ":!$core/models" ":!$core/lib.rs" ":!$core/raw/mod.rs" ":!$core/raw/node.rs"
rule 'nothing is left for later' 'todo!\(|unimplemented!\(|FIXME|XXX' '*.rs'
rule 'no test is switched off' '#\[ignore' '*.rs'

# Every test, and every file of tests, that the documentation names is there.
named=$(grep -oE '`[a-z0-9]+(_[a-z0-9]+)+`' docs/verification.md | tr -d '`' | sort -u)
known=$({ git grep -ohE --untracked 'fn [a-z0-9_]+' -- '*.rs' | cut -d' ' -f2
  git ls-files --cached --others --exclude-standard '*.rs' | sed 's|.*/||; s|\.rs$||'; } | sort -u)
missing=$(comm -23 <(echo "$named") <(echo "$known"))
if [ -n "$missing" ]; then
  printf 'docs/verification.md names what is not there:\n%s\n\n' "$missing" >&2
  broken=1
fi
exit "$broken"
