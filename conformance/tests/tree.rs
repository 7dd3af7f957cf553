//! Parents and children: who is linked to whom, and what a cancellation reaches.

use purview::{Context, Key, ManualClock, Reason};
use purview_conformance::{CANCELED, Hits, Opaque, VERY_LONG, assert_done, assert_live};

static VALUE: Key<&'static str> = Key::new("value");

fn root() -> Context {
    Context::root(ManualClock::new())
}

#[test]
fn a_parent_that_is_canceled_takes_every_kind_of_child_with_it() {
    let (parent, cancel) = root().with_cancel();
    let (child, _child_cancel) = parent.with_cancel();
    let value = parent.with_value(&VALUE, "value");
    let (timed, _timed_cancel) = value.with_timeout(VERY_LONG);
    let hits = Hits::new();
    let registration = parent.after_func(hits.callback());
    for ctx in [&parent, &child, &value, &timed] {
        assert_live(ctx);
    }

    cancel.cancel();

    for ctx in [&parent, &child, &value, &timed] {
        assert_done(ctx, Reason::Canceled, CANCELED);
    }
    assert_done(&parent.with_value(&VALUE, "later"), Reason::Canceled, CANCELED);
    registration.wait().expect("the callback is another's");
    assert_eq!(hits.count(), 1);
}

#[test]
fn what_is_derived_from_a_parent_is_on_its_books_until_dropped() {
    let (parent, cancel) = root().with_cancel();
    let (child, child_cancel) = parent.with_cancel();
    let (timed, timed_cancel) = parent.with_timeout(VERY_LONG);
    assert_eq!(parent.derived_count(), 2);

    cancel.cancel();
    assert_eq!(parent.derived_count(), 2, "being canceled is not being gone");

    drop((child, child_cancel));
    assert_eq!(parent.derived_count(), 1);
    drop((timed, timed_cancel));
    assert_eq!(parent.derived_count(), 0);
}

#[test]
fn a_child_below_a_value_is_on_the_books_of_whom_it_hangs_from() {
    let (parent, _cancel) = root().with_cancel();
    let value = parent.with_value(&VALUE, "value");
    let (timed, timed_cancel) = value.with_timeout(VERY_LONG);
    drop(value);
    assert_ne!(parent.derived_count(), 0, "the child and the value it reads still hang from the parent");
    drop((timed, timed_cancel));
    assert_eq!(parent.derived_count(), 0);
}

#[test]
fn a_child_that_is_canceled_leaves_its_parent_alone() {
    let root = root();
    let (cancelable, _cancel) = root.with_cancel();
    for parent in [&root, &cancelable] {
        let before = parent.derived_count();
        let (child, cancel) = parent.with_cancel();
        assert_live(parent);
        assert_live(&child);
        assert_eq!(parent.derived_count(), before + 1);

        cancel.cancel();
        assert_done(&child, Reason::Canceled, CANCELED);
        assert_live(parent);

        drop(child);
        assert_eq!(parent.derived_count(), before);
    }
}

#[test]
fn canceling_and_dropping_a_child_takes_it_off_the_books() {
    let (parent, _cancel) = root().with_cancel();
    assert_eq!(parent.derived_count(), 0);
    let (child, cancel) = parent.with_cancel();
    assert_eq!(parent.derived_count(), 1);
    cancel.cancel();
    drop(child);
    assert_eq!(parent.derived_count(), 0);
}

#[test]
fn canceling_and_dropping_a_child_with_a_timeout_takes_it_and_its_deadline_off_the_books() {
    let clock = ManualClock::new();
    let (parent, _cancel) = Context::root(&clock).with_cancel();
    let (child, cancel) = parent.with_timeout(VERY_LONG);
    assert_eq!(parent.derived_count(), 1);
    assert_eq!(clock.armed(), 1);
    cancel.cancel();
    drop(child);
    assert_eq!(parent.derived_count(), 0);
    assert_eq!(clock.armed(), 0);
}

#[test]
fn stopping_a_callback_frees_it() {
    let (parent, _cancel) = root().with_cancel();
    let hits = Hits::new();
    let registration = parent.after_func(hits.callback());
    assert_eq!(hits.pending(), 1);
    assert!(registration.stop());
    assert_eq!(hits.pending(), 0, "what the callback held is dropped");
    assert_eq!(parent.derived_count(), 0);
}

#[test]
fn a_cancel_has_arrived_everywhere_when_it_returns() {
    let (first, cancel) = root().with_cancel();
    assert_eq!(first.to_string(), "root.with_cancel");
    let opaque = Opaque::wrap(&first);
    let (second, _second_cancel) = opaque.with_cancel();
    for ctx in [&first, &opaque, &second] {
        assert_live(ctx);
    }

    cancel.cancel();

    for ctx in [&first, &opaque, &second] {
        assert_done(ctx, Reason::Canceled, CANCELED);
    }
}

#[test]
fn a_child_of_a_canceled_parent_is_born_done_with_the_cause_of_the_parent() {
    let (parent, cancel) = root().with_cancel();
    cancel.cancel_with("because");
    let (child, _cancel) = parent.with_cancel();
    assert_done(&child, Reason::Canceled, "because");
}
