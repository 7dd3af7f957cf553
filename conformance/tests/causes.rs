//! Why a context is done: Go's table of causes, case by case, in its order.

use std::time::Duration;

use purview::{Canceler, Context, ManualClock, Reason};
use purview_conformance::{CANCELED, Custom, DEADLINE_EXCEEDED, assert_done, assert_live};

/// Go's tests call this "forever".
const FOREVER: Duration = Duration::from_secs(1_000_000);

const PARENT: &str = "canceled by the parent";
const CHILD: &str = "canceled by the child";
const TOO_SLOW: &str = "too slow";

fn root() -> Context {
    Context::root(ManualClock::new())
}

/// A parent and its child, each with what cancels it.
fn family() -> ((Context, Canceler), (Context, Canceler)) {
    let parent = root().with_cancel();
    let child = parent.0.with_cancel();
    (parent, child)
}

#[test]
fn case_01_the_background_has_no_cause() {
    assert_live(&Context::background());
}

#[test]
fn case_02_the_todo_has_no_cause() {
    assert_live(&Context::todo());
}

#[test]
fn case_03_a_cancel_without_a_cause_is_its_own_cause() {
    let (ctx, cancel) = root().with_cancel();
    cancel.cancel();
    assert_done(&ctx, Reason::Canceled, CANCELED);
    let cause = ctx.cause().expect("it is done");
    assert_eq!(cause.downcast_ref::<Reason>(), Some(&Reason::Canceled));
}

#[test]
fn case_04_a_cancel_with_a_cause_gives_that_cause() {
    let (ctx, cancel) = root().with_cancel();
    cancel.cancel_with(PARENT);
    assert_done(&ctx, Reason::Canceled, PARENT);
}

#[test]
fn case_05_a_cancel_that_could_give_a_cause_and_does_not_is_its_own_cause() {
    let (ctx, cancel) = root().with_cancel();
    cancel.handle().cancel();
    assert!(!cancel.handle().cancel_with(PARENT), "the first cancel wins");
    assert_done(&ctx, Reason::Canceled, CANCELED);
}

#[test]
fn case_06_the_cause_of_the_parent_stays_when_the_child_follows() {
    let ((parent, cancel_parent), (child, cancel_child)) = family();
    cancel_parent.cancel_with(PARENT);
    cancel_child.cancel_with(CHILD);
    assert_done(&parent, Reason::Canceled, PARENT);
    assert_done(&child, Reason::Canceled, PARENT);
}

#[test]
fn case_07_the_cause_of_the_child_stays_when_the_parent_follows() {
    let ((parent, cancel_parent), (child, cancel_child)) = family();
    cancel_child.cancel_with(CHILD);
    cancel_parent.cancel_with(PARENT);
    assert_done(&parent, Reason::Canceled, PARENT);
    assert_done(&child, Reason::Canceled, CHILD);
}

#[test]
fn case_08_the_cause_of_the_parent_stays_when_the_child_is_canceled_without_one() {
    let ((parent, cancel_parent), (child, cancel_child)) = family();
    cancel_parent.cancel_with(PARENT);
    cancel_child.cancel();
    assert_done(&parent, Reason::Canceled, PARENT);
    assert_done(&child, Reason::Canceled, PARENT);
}

#[test]
fn case_09_a_child_canceled_without_a_cause_does_not_take_that_of_the_parent_later() {
    let ((parent, cancel_parent), (child, cancel_child)) = family();
    cancel_child.cancel();
    cancel_parent.cancel_with(PARENT);
    assert_done(&parent, Reason::Canceled, PARENT);
    assert_done(&child, Reason::Canceled, CANCELED);
}

#[test]
fn case_10_a_parent_canceled_without_a_cause_leaves_no_room_for_that_of_the_child() {
    let ((parent, cancel_parent), (child, cancel_child)) = family();
    cancel_parent.cancel();
    cancel_child.cancel_with(CHILD);
    assert_done(&parent, Reason::Canceled, CANCELED);
    assert_done(&child, Reason::Canceled, CANCELED);
}

#[test]
fn case_11_the_cause_of_the_child_does_not_reach_the_parent() {
    let ((parent, cancel_parent), (child, cancel_child)) = family();
    cancel_child.cancel_with(CHILD);
    cancel_parent.cancel();
    assert_done(&parent, Reason::Canceled, CANCELED);
    assert_done(&child, Reason::Canceled, CHILD);
}

#[test]
fn case_12_a_timeout_is_its_own_cause() {
    let (ctx, cancel) = root().with_timeout(Duration::ZERO);
    cancel.cancel();
    assert_done(&ctx, Reason::DeadlineExceeded, DEADLINE_EXCEEDED);
    let cause = ctx.cause().expect("it is done");
    assert_eq!(cause.downcast_ref::<Reason>(), Some(&Reason::DeadlineExceeded));
}

#[test]
fn case_13_a_timeout_that_is_canceled_has_the_cause_of_a_cancel() {
    let (ctx, cancel) = root().with_timeout(FOREVER);
    cancel.cancel();
    assert_done(&ctx, Reason::Canceled, CANCELED);
}

#[test]
fn case_14_a_timeout_gives_the_cause_it_was_made_with() {
    let (ctx, cancel) = root().with_timeout_cause(Duration::ZERO, TOO_SLOW);
    cancel.cancel();
    assert_done(&ctx, Reason::DeadlineExceeded, TOO_SLOW);
}

#[test]
fn case_15_the_cause_of_a_timeout_is_not_used_when_it_is_canceled() {
    let (ctx, cancel) = root().with_timeout_cause(FOREVER, TOO_SLOW);
    cancel.cancel();
    assert_done(&ctx, Reason::Canceled, CANCELED);
}

#[test]
fn case_16_the_cause_of_a_timeout_stays_when_the_parent_follows() {
    let (parent, cancel_parent) = root().with_cancel();
    let (ctx, _cancel) = parent.with_timeout_cause(Duration::ZERO, TOO_SLOW);
    cancel_parent.cancel_with(PARENT);
    assert_done(&ctx, Reason::DeadlineExceeded, TOO_SLOW);
}

#[test]
fn case_17_the_cause_of_the_parent_wins_over_a_timeout_still_to_come() {
    let clock = ManualClock::new();
    let (parent, cancel_parent) = Context::root(&clock).with_cancel();
    let (ctx, _cancel) = parent.with_timeout_cause(FOREVER, TOO_SLOW);
    cancel_parent.cancel_with(PARENT);
    clock.advance(FOREVER);
    assert_done(&ctx, Reason::Canceled, PARENT);
}

#[test]
fn case_18_a_root_without_cancel_has_no_cause() {
    assert_live(&root().without_cancel());
    assert_live(&Context::background().without_cancel());
}

#[test]
fn case_19_a_context_without_cancel_does_not_hear_of_a_cancel() {
    let (parent, cancel) = root().with_cancel();
    let ctx = parent.without_cancel();
    cancel.cancel_with(PARENT);
    assert_live(&ctx);
}

#[test]
fn case_20_a_context_without_cancel_does_not_hear_of_a_timeout() {
    let (parent, cancel) = root().with_timeout_cause(Duration::ZERO, TOO_SLOW);
    let ctx = parent.without_cancel();
    cancel.cancel();
    assert_done(&parent, Reason::DeadlineExceeded, TOO_SLOW);
    assert_live(&ctx);
}

#[test]
fn case_21_a_users_parent_that_is_canceled_by_itself_gives_no_cause_but_that() {
    let (parent, _cancel) = root().with_cancel();
    let custom = Custom::under(&parent);
    let ctx = Context::from_foreign(custom.clone());
    custom.cancel();
    assert_done(&ctx, Reason::Canceled, CANCELED);
    assert_live(&parent);
}

#[test]
fn case_22_a_users_parent_passes_on_the_cause_of_its_own_parent() {
    let (parent, cancel) = root().with_cancel();
    let custom = Custom::under(&parent);
    let ctx = Context::from_foreign(custom.clone());
    cancel.cancel_with(PARENT);
    custom.cancel();
    assert_done(&ctx, Reason::Canceled, PARENT);
}

#[test]
fn case_23_a_users_parent_that_was_canceled_by_itself_does_not_take_a_later_cause() {
    let (parent, cancel) = root().with_cancel();
    let custom = Custom::under(&parent);
    let ctx = Context::from_foreign(custom.clone());
    custom.cancel();
    cancel.cancel_with(PARENT);
    assert_done(&parent, Reason::Canceled, PARENT);
    assert_done(&ctx, Reason::Canceled, CANCELED);
}
