//! Waiting of a thread, step by step.

use crate::Context;
use crate::raw::{Event, Target, Waiting};
use std::pin::pin;

#[test]
fn a_thread_that_was_told_too_early_waits_for_the_next_time() {
    let (ctx, _canceler) = Context::background().with_cancel();
    let child = ctx.named("child");
    let mut waiting = pin!(Waiting::new(Target::Borrowed(&ctx.0), Event::Drained));
    let is_registered = || {
        let mut locked = ctx.0.node().lock();
        let extra = locked.extra().expect("somebody waits");
        extra.with_drained(&mut locked, |list| !list.is_empty())
    };
    for _ in 0..2 {
        assert!(waiting.as_mut().prepare_to_park().is_pending() && is_registered());
    }
    drop(child);
    assert!(!is_registered(), "it was told");
    let next = ctx.named("next");
    assert!(waiting.as_mut().prepare_to_park().is_pending() && is_registered());
    drop(next);
    assert!(waiting.as_mut().prepare_to_park().is_ready());
}
