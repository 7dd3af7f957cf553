//! Branches, grown on purpose.

use crate::Context;
use crate::raw::grow_branches;

fn branched() -> (Context, crate::Canceler) {
    let (parent, canceler) = Context::background().with_cancel();
    grow_branches(&parent.0);
    (parent, canceler)
}

#[test]
fn branches_are_not_counted_as_derived() {
    let (parent, _canceler) = branched();
    assert_eq!(parent.derived_count(), 0);
    let child = parent.named("child");
    let (_inner, _inner_canceler) = parent.with_cancel();
    assert_eq!(parent.derived_count(), 2);
    drop(child);
    assert_eq!(parent.derived_count(), 1);
}

#[test]
fn what_hangs_below_branches_is_canceled() {
    let (parent, canceler) = branched();
    let (child, _child) = parent.with_cancel();
    canceler.cancel_with("stop");
    assert_eq!(child.cause().unwrap().to_string(), "stop");
}

#[test]
fn a_parent_goes_before_what_hangs_below_its_branches() {
    let (parent, canceler) = branched();
    let (child, _child) = parent.with_cancel();
    canceler.detach();
    drop(parent);
    assert!(!child.is_done());
}

#[test]
fn draining_waits_for_what_hangs_below_branches() {
    let (parent, _canceler) = branched();
    let child = parent.named("child");
    let waiting = parent.clone();
    let thread = std::thread::spawn(move || waiting.drained().wait());
    drop(child);
    thread.join().unwrap();
}
