//! Branches, grown on purpose.

use crate::raw::grow_branches;
use crate::{Clock, Context, Key, Reason, TimeSource};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

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

/// A clock that arms at the first look, and is set by hand.
struct Lazy(Arc<Mutex<Instant>>);

impl TimeSource for Lazy {
    fn now(&self) -> Instant {
        *self.0.lock().unwrap()
    }

    fn wake_at(&self, _at: Instant) {}
}

#[test]
fn a_deadline_that_nobody_looked_for_reaches_what_hangs_below_branches() {
    let time = Arc::new(Mutex::new(Clock::system().now()));
    let clock = Clock::new(Lazy(time.clone()));
    let (parent, _canceler) = Context::root(clock.clone()).with_timeout(Duration::from_secs(1));
    grow_branches(&parent.0);
    let view = parent.named("view");
    let (child, _child) = parent.with_cancel();
    *time.lock().unwrap() += Duration::from_secs(1);
    clock.turn();
    assert_eq!(view.err(), Some(Reason::DeadlineExceeded));
    assert_eq!(child.err(), Some(Reason::DeadlineExceeded));
}

#[test]
fn a_canceler_that_goes_last_frees_a_branched_context() {
    static PROBE: Key<Arc<()>> = Key::new("probe");
    let probe = Arc::new(());
    let (top, top_canceler) = Context::background().with_cancel();
    let (ctx, canceler) = top.derive().value(&PROBE, probe.clone()).cancelable();
    grow_branches(&ctx.0);
    top_canceler.cancel();
    drop(ctx);
    drop(canceler);
    assert_eq!((Arc::strong_count(&probe), top.derived_count()), (1, 0));
}

#[test]
fn a_callback_of_a_view_below_a_branch_runs_or_is_dropped() {
    let probe = Arc::new(());
    let (parent, canceler) = branched();
    let view = parent.named("view");
    let kept = probe.clone();
    view.after_func_inline(move || drop(kept));
    drop(view);
    assert!(parent.drained().wait_timeout(Duration::ZERO));
    canceler.cancel();
    assert_eq!(Arc::strong_count(&probe), 1);
}
