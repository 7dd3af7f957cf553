#!/usr/bin/env bash
# Breaks the core on purpose, one promise at a time, in a copy, and expects tests to turn red. A break that no test notices
# fails this script; so does one that does not apply any more. An argument is a part of a break's name, and picks breaks.
set -uo pipefail
cd "$(dirname "$0")/.."
pick=${1:-}
root=$PWD
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z --cached --others --exclude-standard | xargs -0 tar -cf - | tar -xf - -C "$copy"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$root/target}/breaks"
caught=0 missed=0

# break NAME FILE FROM TO TESTS...: replaces FROM by TO in FILE and runs cargo test with TESTS, which must fail.
break_it() {
  local name=$1 file=$copy/crates/purview/src/$2 from=$3 to=$4
  shift 4
  case "$name" in *"$pick"*) ;; *) return ;; esac
  cp "$file" "$copy/original"
  if ! FROM="$from" TO="$to" perl -0pi -e '$n = s/\Q$ENV{FROM}\E/$ENV{TO}/; END { exit !$n }' "$file"; then
    printf 'stale   %s: the code it changes is not there any more\n' "$name"
    missed=$((missed + 1))
    return
  fi
  if (cd "$copy" && timeout 240 cargo test --quiet "$@") >"$copy/log" 2>&1; then
    printf 'MISSED  %s\n' "$name"
    missed=$((missed + 1))
  elif ! grep -qE '^test result: FAILED|panicked|has overflowed|SIG' "$copy/log"; then
    printf 'BROKEN  %s: it does not build\n' "$name"
    tail -n 20 "$copy/log"
    missed=$((missed + 1))
  else
    local by
    by=$(grep -oE '^    [a-z_:0-9]+$|^test [a-z_:0-9]+ .*FAILED' "$copy/log" | head -1 | sed 's/^ *//; s/^test //; s/ .*//')
    printf 'caught  %s\n        by %s\n' "$name" "${by:-$(grep -oE -m1 'SIG[A-Z]+' "$copy/log"), which ended the tests}"
    caught=$((caught + 1))
  fi
  mv "$copy/original" "$file"
  # Newer than what was built, so that the next build sees it.
  touch "$file"
}

core=(-p purview --all-features)

break_it 'wrong cause order: a later cancellation overwrites the cause' raw/walk.rs \
  '    if node.state().is_settled() {' '    if node.state().is_settled() {
        node.cancelable().cause.store(cause.0, crate::sync::Ordering::Relaxed);
        return false;
    }
    if node.state().is_settled() {' -p purview-conformance --test causes
break_it 'wrong cause order: a child takes the cause of a parent that is canceled after it' raw/walk.rs \
  '        let locked = child.lock();
        if !locked.is_alive()' '        let locked = child.lock();
        let theirs = above.node().cancelable().cause_word().lend();
        child.cancelable().cause.store(theirs.0, crate::sync::Ordering::Relaxed);
        if !locked.is_alive()' -p purview-conformance --test causes
break_it 'min-deadline rule: a child keeps a later deadline than its parent has' raw/timing.rs \
  'deadline < above.deadline()' 'deadline != above.deadline()' -p purview-conformance --test deadlines
break_it 'value shadowing: the outer value wins' raw/values.rs \
  '        if self.entries().iter().any(|nearer| nearer.address() == entry.address()) {
            return;
        }' '        if let Some(at) = self.entries().iter().position(|nearer| nearer.address() == entry.address()) {
            unsafe { self.entries.add(at).write(entry) };
            return;
        }' -p purview-conformance --test values
break_it 'truth table of stop: true for a callback that has started' after_func/mod.rs \
  'prevented && self.task().skip()' 'self.task().skip() || !prevented' -p purview-conformance --test after_func
break_it 'truth table of stop: true again for one that was stopped' after_func/mod.rs \
  'prevented && self.task().skip()' 'self.task().skip(); prevented || self.task().is_finished()' -p purview-conformance --test after_func
break_it 'removal from the parent: a freed child stays counted' raw/tree.rs \
  'above.sub_derived(1);' 'above.sub_derived(0);' "${core[@]}" --test lifetimes_and_leaks --test draining
break_it 'mark before wake: each context wakes its waiters as it is marked' raw/walk.rs \
  '    fn note_marked(&mut self, locked: &Locked<'"'"'_>, first: bool) {
        if !first || !locked.needs_wake() {
            return;
        }' '    fn note_marked(&mut self, locked: &Locked<'"'"'_>, first: bool) {
        if !first || !locked.needs_wake() {
            return;
        }
        let mut batch = WakeBatch::new();
        locked.node().cancelable().waiters.with_mut(|list| unsafe { (*list).pop_into(&mut batch) });
        batch.notify_all();' "${core[@]}" --test wake_order
break_it 'early fire: a deadline is reported two milliseconds before' raw/wheel.rs \
  'if node.timed().deadline > now {' 'if node.timed().deadline > now + 2_000_000 {' "${core[@]}" --test deadlines
break_it 'stale waker: the first one is kept at a second poll' raw/waiting.rs \
  'list.replace(waiter, notify).map(Some)' 'Ok(Some(notify))' "${core[@]}" --test waiting
break_it 'drained too early: with one context left' raw/waiting.rs \
  '    if locked.derived() == 0 {
        return Err(notify);' '    if locked.derived() <= 1 {
        return Err(notify);' "${core[@]}" --test draining

break_it 'lost wake: a context that has children wakes nobody itself' raw/walk.rs \
  'if !first || !locked.needs_wake() {' 'if !first || locked.first_child().is_some() || !locked.needs_wake() {' \
  "${core[@]}" --test wake_order
break_it 'lost wake: a second poll takes the waiter out of the list' raw/waiting.rs \
  'list.replace(waiter, notify).map(Some)' 'Ok(list.remove(waiter))' "${core[@]}" --test waiting
break_it 'double free: the last two handles both give the hold back' raw/closing.rs \
  'if openers.fetch_sub(1, Ordering::Release) != 1 {' 'if openers.fetch_sub(1, Ordering::Release) > 2 {' \
  "${core[@]}" --test lifetimes_and_leaks
break_it 'missed child: a walk that comes back up leaves one out' raw/walk.rs \
  'let next = up.next_child(entered);' 'let next = up.next_child(entered).and_then(|next| up.next_child(next));' \
  "${core[@]}" --test deep_and_wide --test deriving --test wake_order
break_it 'leak on detach: a detached canceler keeps its hold' raw/hold.rs \
  'unsafe { ManuallyDrop::drop(&mut this.0) };' 'let _kept = &mut this.0;' "${core[@]}" --test lifetimes_and_leaks --test canceler
break_it 'callback twice: what has run is run again' after_func/task.rs \
  'shield(f);' '#[allow(unsafe_code)]
        unsafe {
            let again = Box::into_raw(f);
            shield(Box::from_raw(again));
            shield(Box::from_raw(again));
        }' "${core[@]}" --test after_func
break_it 'unlink of the wrong sibling: the next one is taken out as well' raw/locked.rs \
  'links_of(prev, |links| links.next = next);' 'links_of(prev, |links| {
                    links.next = next.and_then(|next| links_of(next, |links| links.next));
                });' "${core[@]}" --test lifetimes_and_leaks

printf 'breaks: %s caught, %s missed\n' "$caught" "$missed"
[ "$missed" -eq 0 ] && [ "$caught" -gt 0 ]
