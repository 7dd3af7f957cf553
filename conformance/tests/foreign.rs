//! Parents that a user wrote.

use purview::{Context, ManualClock, Reason};
use purview_conformance::{CANCELED, Custom, Detached, Hits, VERY_LONG, assert_done, assert_live};

#[test]
fn a_wrapper_with_a_done_of_its_own_is_not_bypassed() {
    let (inner, cancel) = Context::root(ManualClock::new()).with_cancel();
    let own = Custom::new();
    let wrapper = Context::from_foreign(Detached { inner: inner.clone(), own: own.clone() });
    let (ctx, _cancel) = wrapper.with_cancel();

    cancel.cancel_with("because");
    assert_done(&inner, Reason::Canceled, "because");
    assert_live(&wrapper);
    assert_live(&ctx);

    own.cancel_with("because");
    assert_done(&ctx, Reason::Canceled, "because");
}

#[test]
fn a_custom_parent_that_is_canceled_without_a_cause_is_its_own_cause() {
    let custom = Custom::new();
    let ctx = Context::from_foreign(custom.clone());
    assert_live(&ctx);
    custom.cancel();
    assert_done(&ctx, Reason::Canceled, CANCELED);
    assert!(ctx.cause().expect("it is done").is::<Reason>());
}

#[test]
fn the_cause_of_a_child_does_not_reach_its_custom_parent_nor_the_other_way_round_later() {
    let custom = Custom::new();
    let parent = Context::from_foreign(custom.clone());
    let (child, cancel) = parent.with_cancel();

    cancel.cancel_with("because");
    assert_done(&child, Reason::Canceled, "because");
    assert_live(&parent);
    assert!(!custom.is_done());

    custom.cancel();
    assert_done(&child, Reason::Canceled, "because");
    assert_done(&parent, Reason::Canceled, CANCELED);
}

#[test]
fn a_custom_parent_may_cancel_its_child_before_it_cancels_itself() {
    let custom = Custom::new();
    let parent = Context::from_foreign(custom.clone());
    let (child, cancel) = parent.with_cancel();
    cancel.cancel();
    custom.cancel();
    assert_done(&child, Reason::Canceled, CANCELED);
    assert_done(&parent, Reason::Canceled, CANCELED);
}

#[test]
fn a_custom_parent_that_is_done_when_it_is_asked_may_say_so_at_once() {
    let custom = Custom::new();
    custom.cancel_with("before");
    let parent = Context::from_foreign(custom.clone());
    let (child, _cancel) = parent.with_cancel();
    assert_done(&parent, Reason::Canceled, "before");
    assert_done(&child, Reason::Canceled, "before");
    assert_eq!(custom.registered(), 0);
}

#[test]
fn a_custom_parent_cancels_a_child() {
    let custom = Custom::new();
    let (ctx, _cancel) = Context::from_foreign(custom.clone()).with_cancel();
    custom.cancel();
    assert_done(&ctx, Reason::Canceled, CANCELED);
}

#[test]
fn a_custom_parent_cancels_a_child_with_a_timeout() {
    let custom = Custom::new();
    let (ctx, _cancel) = Context::from_foreign(custom.clone()).with_timeout(VERY_LONG);
    custom.cancel();
    assert_done(&ctx, Reason::Canceled, CANCELED);
}

#[test]
fn a_custom_parent_makes_a_callback_run() {
    let custom = Custom::new();
    let ctx = Context::from_foreign(custom.clone());
    let hits = Hits::new();
    let registration = ctx.after_func(hits.callback());
    custom.cancel();
    registration.wait().expect("the callback is another's");
    assert_eq!(hits.count(), 1);
}

#[test]
fn children_of_a_custom_parent_share_one_registration_that_ends_with_its_context() {
    let custom = Custom::new();
    let parent = Context::from_foreign(custom.clone());
    let (first, cancel_first) = parent.with_cancel();
    let (second, cancel_second) = parent.with_cancel();
    assert_eq!(custom.registered(), 1);
    assert_eq!(parent.derived_count(), 2);

    cancel_first.cancel();
    cancel_second.cancel();
    drop((first, second));
    assert_eq!(parent.derived_count(), 0);
    assert_eq!(custom.registered(), 1, "the context of the parent still wants to hear");

    drop(parent);
    assert_eq!(custom.registered(), 0);
}

#[test]
fn a_child_with_a_timeout_leaves_its_custom_parent_when_it_is_gone() {
    let custom = Custom::new();
    let (child, cancel) = Context::from_foreign(custom.clone()).with_timeout(VERY_LONG);
    assert_eq!(custom.registered(), 1, "the child keeps the context between");
    cancel.cancel();
    drop(child);
    assert_eq!(custom.registered(), 0);
}

#[test]
fn a_callback_that_is_stopped_leaves_its_custom_parent_when_its_context_is_gone() {
    let custom = Custom::new();
    let ctx = Context::from_foreign(custom.clone());
    let hits = Hits::new();
    let registration = ctx.after_func(hits.callback());
    assert_eq!(custom.registered(), 1);
    assert!(registration.stop());
    assert_eq!(hits.pending(), 0);
    drop((ctx, registration));
    assert_eq!(custom.registered(), 0);
}
