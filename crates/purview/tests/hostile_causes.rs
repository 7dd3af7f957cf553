//! Causes that panic when they are shown, or do worse when they are dropped.

mod common;

use std::fmt;
use std::thread;

use common::{child, survives};
use purview::{Context, Key, Reason};
use purview_test::{
    DropCounter, Gate, HANG_LIMIT, PanickingCause, Probe, RunOnDrop, assert_drained, manual_root, poll_once,
    task, within,
};

static PROBE: Key<Probe> = Key::new("probe");

#[test]
fn a_cause_whose_display_panics_cancels_like_any_other() {
    let (ctx, cancel) = Context::background().with_cancel();
    let below = child(&ctx);
    let mut waiting = task(below.done());
    assert!(waiting.poll().is_pending());
    cancel.cancel_with(PanickingCause);
    assert!(waiting.is_woken() && waiting.poll().is_ready());
    for ctx in [&ctx, &below] {
        assert_eq!(ctx.err(), Some(Reason::Canceled));
        assert!(ctx.cause().unwrap().is::<PanickingCause>());
        assert!(ctx.error().unwrap().cause().downcast_ref::<PanickingCause>().is_some());
        assert_eq!(ctx.error().unwrap().to_string(), "context canceled", "Go's text does not show the cause");
        assert!(std::error::Error::source(&ctx.check().unwrap_err()).is_some());
    }
}

#[test]
fn showing_a_cause_that_panics_harms_nothing_but_the_showing() {
    within(HANG_LIMIT, || {
        let (ctx, cancel) = Context::background().with_cancel();
        let below = child(&ctx);
        cancel.cancel_with(PanickingCause);
        for _ in 0..2 {
            survives(|| format!("{}", ctx.cause().unwrap()));
            survives(|| format!("{:?}", ctx.cause().unwrap()));
            survives(|| format!("{:?}", ctx.error().unwrap()));
            survives(|| format!("{ctx} {ctx:?} {below} {below:?}"));
        }
        assert!(ctx.is_done() && below.is_done());
        assert!(child(&below).is_done());
        assert!(poll_once(below.done()).is_ready());
        drop(below);
        assert_drained(&ctx);
    });
}

#[test]
fn a_deadline_whose_cause_panics_when_shown_fires() {
    let (root, clock) = manual_root();
    let (ctx, _cancel) = root.with_timeout_cause(common::SECOND, PanickingCause);
    survives(|| format!("{ctx} {ctx:?}"));
    clock.advance(common::SECOND);
    assert_eq!(ctx.err(), Some(Reason::DeadlineExceeded));
    assert!(ctx.cause().unwrap().is::<PanickingCause>());
    assert_eq!(ctx.error().unwrap().to_string(), "context deadline exceeded");
}

/// A cause that runs something as it is dropped.
#[derive(Debug)]
struct Dropping(#[expect(dead_code, reason = "held for its destructor")] RunOnDrop);

impl fmt::Display for Dropping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dropping")
    }
}

impl std::error::Error for Dropping {}

#[test]
fn a_cause_that_comes_second_is_dropped_outside_of_every_lock() {
    within(HANG_LIMIT, || {
        let (ctx, cancel) = Context::background().with_cancel();
        let handle = cancel.handle();
        cancel.cancel_with("first");
        let (again, deriving) = (handle.clone(), ctx.clone());
        let second = Dropping(RunOnDrop::new(move || {
            assert!(!again.cancel_with("third"));
            assert!(child(&deriving).is_done());
        }));
        assert!(!handle.cancel_with(second));
        assert_eq!(ctx.cause().unwrap().to_string(), "first");
    });
}

#[test]
fn a_cause_that_re_enters_as_it_is_dropped_with_its_context_does_not_deadlock() {
    within(HANG_LIMIT, || {
        let root = child(&Context::background());
        let (ctx, cancel) = root.with_cancel();
        let cause = {
            let root = root.clone();
            Dropping(RunOnDrop::new(move || assert!(!child(&root).is_done())))
        };
        cancel.cancel_with(cause);
        let below = child(&ctx);
        drop(ctx);
        drop(below);
        assert_drained(&root);
    });
}

#[test]
fn a_cause_that_blocks_as_it_drops_holds_up_only_who_drops_it() {
    let (parent, cancel_parent) = Context::background().with_cancel();
    let (dropping, release) = (Gate::new(), Gate::new());
    let (ctx, cancel) = parent.with_cancel();
    let cause = {
        let (dropping, release) = (dropping.clone(), release.clone());
        Dropping(RunOnDrop::new(move || {
            dropping.open();
            release.wait();
        }))
    };
    cancel.cancel_with(cause);
    let blocked = thread::spawn(move || drop(ctx));
    dropping.wait();
    within(HANG_LIMIT, move || {
        let fresh = child(&parent);
        cancel_parent.cancel();
        assert!(fresh.is_done());
    });
    assert!(!blocked.is_finished());
    release.open();
    within(HANG_LIMIT, move || blocked.join().unwrap());
}

#[test]
fn the_cause_of_a_deadline_that_panics_as_it_drops_leaves_nothing_behind() {
    let probes = DropCounter::new();
    let (root, _clock) = manual_root();
    let top = child(&root);
    let cause = Dropping(RunOnDrop::new(|| panic!("a cause that panics on purpose")));
    let ctx = top.with_value(&PROBE, probes.probe()).derive().timeout(common::SECOND).cause(cause).build();
    survives(|| drop(ctx));
    probes.assert_gone();
    assert_drained(&top);
}

#[test]
fn the_cause_of_a_deadline_that_is_never_due_is_dropped_with_its_context() {
    let probes = DropCounter::new();
    let (root, _clock) = manual_root();
    let (ctx, cancel) = root.with_timeout_cause(common::SECOND, probes.probe());
    assert_eq!(probes.live(), 1);
    cancel.cancel();
    drop(ctx);
    probes.assert_gone();
    let (parent, _cancel) = root.with_timeout(common::SECOND);
    let (late, cancel) = parent.with_timeout_cause(common::HOUR, probes.probe());
    cancel.detach();
    drop(late);
    probes.assert_gone();
}

#[test]
fn a_cause_lives_as_long_as_whoever_holds_it() {
    let probes = DropCounter::new();
    let (ctx, cancel) = Context::background().with_cancel();
    cancel.cancel_with(probes.probe());
    let (cause, error) = (ctx.cause().unwrap(), ctx.error().unwrap());
    drop(ctx);
    assert_eq!(cause.to_string(), "probe");
    drop(cause);
    assert_eq!(error.cause().to_string(), "probe");
    drop(error);
    probes.assert_gone();
}
