//! The roots, and what cuts a context off from what cancels it.

use std::time::Duration;

use purview::{Context, Key, ManualClock};
use purview_conformance::{Hits, assert_live};

static KEY: Key<&'static str> = Key::new("key");

#[test]
fn the_background_is_never_done_and_prints_its_name() {
    let ctx = Context::background();
    assert_live(&ctx);
    assert_eq!(ctx.deadline(), None);
    assert_eq!(ctx.value(&KEY), None);
    assert_eq!(ctx.to_string(), "background");
    assert!(ctx.ptr_eq(&Context::background()));
}

#[test]
fn the_todo_is_never_done_prints_its_name_and_is_not_the_background() {
    let ctx = Context::todo();
    assert_live(&ctx);
    assert_eq!(ctx.deadline(), None);
    assert_eq!(ctx.value(&KEY), None);
    assert_eq!(ctx.to_string(), "todo");
    assert!(ctx.ptr_eq(&Context::todo()));
    assert!(!ctx.ptr_eq(&Context::background()));
}

#[test]
fn a_context_without_cancel_has_values_but_no_deadline_and_no_end() {
    let clock = ManualClock::new();
    let (parent, cancel) =
        Context::root(&clock).with_value(&KEY, "value").with_timeout(Duration::from_secs(1));
    let ctx = parent.without_cancel();
    let hits = Hits::new();
    let registration = ctx.after_func(hits.callback());

    cancel.cancel();
    clock.advance(Duration::from_secs(2));

    assert!(parent.is_done());
    assert_live(&ctx);
    assert_eq!(ctx.deadline(), None);
    assert_eq!(ctx.value(&KEY), Some(&"value"));
    assert!(registration.stop(), "nothing but its stop ends a callback on it");
    assert_eq!((hits.count(), hits.pending()), (0, 0));
}
