//! Callbacks that run when a context is done.

use std::sync::mpsc;
use std::time::Duration;

use purview::{Context, ManualClock};
use purview_conformance::{Hits, settles};

fn root() -> Context {
    Context::root(ManualClock::new())
}

#[test]
fn a_callback_runs_after_the_cancel_and_can_then_not_be_stopped() {
    let (ctx, cancel) = root().with_cancel();
    let hits = Hits::new();
    let registration = ctx.after_func(hits.callback());
    assert_eq!((hits.count(), hits.pending()), (0, 1), "it does not run before");
    assert!(!registration.is_finished());

    cancel.cancel();
    registration.wait().expect("the callback is another's");
    assert_eq!((hits.count(), hits.pending()), (1, 0));
    assert!(!registration.stop());
}

#[test]
fn a_callback_runs_after_the_timeout() {
    let clock = ManualClock::new();
    let (ctx, _cancel) = Context::root(&clock).with_timeout(Duration::from_millis(1));
    let hits = Hits::new();
    let registration = ctx.after_func(hits.callback());
    clock.advance(Duration::from_millis(1));
    registration.wait().expect("the callback is another's");
    assert_eq!(hits.count(), 1);
}

#[test]
fn a_callback_on_a_done_context_runs_at_once() {
    let (ctx, cancel) = root().with_cancel();
    cancel.cancel();
    let hits = Hits::new();
    let registration = ctx.after_func(hits.callback());
    registration.wait().expect("the callback is another's");
    assert_eq!(hits.count(), 1);
    assert!(!registration.stop());
}

#[test]
fn a_callback_that_was_stopped_never_runs_and_is_stopped_once() {
    let (ctx, cancel) = root().with_cancel();
    let hits = Hits::new();
    let registration = ctx.after_func(hits.callback());
    assert!(registration.stop());
    assert!(!registration.stop(), "only the first call stops it");

    cancel.cancel();
    assert_eq!((hits.count(), hits.pending()), (0, 0), "it is gone, so it cannot run");
    assert!(!registration.stop());
}

#[test]
fn a_cancel_does_not_wait_for_a_callback_that_blocks() {
    let message = settles("a cancel with a blocking callback", || {
        let (ctx, cancel) = root().with_cancel();
        let (sender, receiver) = mpsc::sync_channel(0);
        let registration =
            ctx.after_func(move || sender.send("from the callback").expect("someone receives"));
        cancel.cancel();
        let message = receiver.recv().expect("the callback sends");
        registration.wait().expect("the callback is another's");
        message
    });
    assert_eq!(message, "from the callback");
}
