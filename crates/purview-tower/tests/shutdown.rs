//! Shutdown in two stages.

use purview::{Context, ManualClock};
use purview_test::{assert_drained, manual_root, task};
use purview_tower::{Shutdown, Stages, draining, draining_context};
use std::time::Duration;

const GRACE: Duration = Duration::from_secs(10);

#[test]
fn draining_stops_nothing_and_is_seen_by_what_is_below() {
    let (parent, _clock) = manual_root();
    let stages = Stages::new(&parent);
    let (ctx, _canceler) = stages.context().with_cancel();
    assert!(!draining(&ctx));
    let drain = draining_context(&ctx).unwrap();
    let mut waiting = task(drain.done());
    assert!(waiting.poll().is_pending());
    stages.drain();
    assert!(waiting.is_woken() && draining(&ctx) && !ctx.is_done());
    assert!(drain.cause().unwrap().is::<Shutdown>());
}

#[test]
fn shutting_down_drains_too_and_cancels_everything_below() {
    let stages = Stages::new(&Context::background());
    let (ctx, _canceler) = stages.context().with_cancel();
    stages.shutdown();
    assert!(draining(&ctx));
    assert!(ctx.cause().unwrap().is::<Shutdown>());
}

#[test]
fn the_second_stage_comes_after_the_grace_also_when_nobody_holds_the_stages() {
    let (parent, clock) = manual_root();
    let stages = Stages::new(&parent);
    let ctx = stages.context().clone();
    stages.shutdown_after(GRACE);
    drop(stages);
    clock.advance(GRACE / 2);
    assert!(draining(&ctx) && !ctx.is_done());
    clock.advance(GRACE / 2);
    assert!(ctx.cause().unwrap().is::<Shutdown>());
    assert_eq!(clock.armed(), 0);
}

#[test]
fn a_second_grace_can_only_make_it_earlier() {
    let (parent, clock) = manual_root();
    let stages = Stages::new(&parent);
    stages.shutdown_after(GRACE);
    stages.shutdown_after(GRACE / 2);
    stages.shutdown_after(GRACE * 2);
    clock.advance(GRACE / 2);
    assert!(stages.context().is_done());
    clock.advance(GRACE * 2);
    drop(stages);
    assert_drained(&parent);
}

#[test]
fn the_root_is_drained_while_the_grace_still_runs() {
    let (parent, _clock) = manual_root();
    let stages = Stages::new(&parent);
    stages.shutdown_after(GRACE);
    assert_drained(stages.context());
}

#[test]
fn a_server_that_ends_before_its_grace_leaves_nothing_below_its_parent() {
    let (parent, clock) = manual_root();
    let stages = Stages::new(&parent);
    stages.shutdown_after(GRACE);
    stages.shutdown();
    stages.shutdown_after(Duration::MAX);
    drop(stages);
    assert_drained(&parent);
    assert_eq!(clock.armed(), 0);
}

#[test]
fn what_ends_the_parent_ends_the_server_with_that_cause() {
    let (parent, canceler) = Context::root(ManualClock::new()).with_cancel();
    let stages = Stages::new(&parent);
    canceler.cancel_with("the power is out");
    assert!(draining(stages.context()));
    assert_eq!(stages.context().cause().unwrap().to_string(), "the power is out");
}

#[test]
fn dropping_the_stages_ends_nothing_and_where_there_are_none_nobody_drains() {
    let ctx = Stages::new(&Context::background()).context().clone();
    assert!(!ctx.is_done() && !draining(&ctx));
    assert!(!draining(&Context::background()));
    assert!(draining_context(&Context::background()).is_none());
}
