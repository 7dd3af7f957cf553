//! Deriving: from done parents, while the parent is being cancelled, through the builder, without cancellation.

mod common;

use std::sync::Barrier;
use std::thread;

use common::{HOUR, SECOND, child};
use purview::{Context, Key, Reason};
use purview_test::{HANG_LIMIT, assert_drained, manual_root, poll_once, within};

static USER: Key<&str> = Key::new("user");
static TRACE: Key<u64> = Key::new("trace");

#[test]
fn a_child_of_a_done_context_is_born_done_with_its_reason_and_cause() {
    let (parent, cancel) = Context::background().with_cancel();
    cancel.cancel_with("parent");
    let (by_cancel, _c1) = parent.with_cancel();
    let (by_timeout, _c2) = parent.with_timeout_cause(HOUR, "never due");
    let built = parent.derive().timeout(HOUR).value(&USER, "ann").build();
    for ctx in [by_cancel, by_timeout, built, parent.with_value(&TRACE, 1), parent.named("named")] {
        assert_eq!(ctx.err(), Some(Reason::Canceled));
        assert!(ctx.cause().unwrap().ptr_eq(&parent.cause().unwrap()), "one cause, shared");
        assert!(poll_once(ctx.done()).is_ready());
    }
    assert!(!parent.without_cancel().is_done());
}

#[test]
fn a_child_derived_while_its_parent_is_cancelled_is_never_lost() {
    within(3 * HANG_LIMIT, || {
        for round in 0..1500 {
            let (root, cancel) = Context::background().with_cancel();
            let parent = if round % 3 == 0 { root.clone() } else { child(&root) };
            let start = Barrier::new(3);
            let derived = thread::scope(|scope| {
                let derivers = [0, 1].map(|_| {
                    scope.spawn(|| {
                        let mut derived = Vec::new();
                        start.wait();
                        while derived.len() < 200 && !derived.last().is_some_and(Context::is_done) {
                            derived.push(child(&parent));
                            derived.push(child(derived.last().unwrap()));
                        }
                        derived
                    })
                });
                start.wait();
                cancel.cancel_with("root");
                assert!(parent.is_done());
                derivers.map(|deriver| deriver.join().unwrap())
            });
            for ctx in derived.iter().flatten() {
                assert!(ctx.is_done(), "round {round}: a child slipped through");
                assert!(ctx.cause().unwrap().ptr_eq(&root.cause().unwrap()));
            }
            drop(derived);
            assert_drained(&parent);
        }
    });
}

#[test]
fn two_overlapping_cancels_both_return_to_a_subtree_that_is_done() {
    within(3 * HANG_LIMIT, || {
        for round in 0..1500 {
            let (top, cancel_top) = Context::background().with_cancel();
            let (middle, cancel_middle) = child(&top).with_cancel();
            let below = (0..20).map(|_| child(&middle)).collect::<Vec<_>>();
            let deep = below.iter().map(child).collect::<Vec<_>>();
            let start = Barrier::new(2);
            thread::scope(|scope| {
                for cancel in [cancel_top, cancel_middle] {
                    let (start, below, deep) = (&start, &below, &deep);
                    scope.spawn(move || {
                        start.wait();
                        cancel.cancel();
                        assert!(below.iter().chain(deep).all(Context::is_done), "round {round}");
                    });
                }
            });
            let cause = middle.cause().unwrap();
            assert!(
                below.iter().chain(&deep).all(|ctx| ctx.cause().unwrap().ptr_eq(&cause)),
                "round {round}"
            );
        }
    });
}

#[test]
fn contexts_are_derived_cancelled_and_dropped_by_many_threads_at_once() {
    within(3 * HANG_LIMIT, || {
        let (root, clock) = manual_root();
        let (top, cancel) = root.with_cancel();
        thread::scope(|scope| {
            for t in 0..4_u32 {
                let (top, clock) = (&top, &clock);
                scope.spawn(move || {
                    for i in 0..5000_u32 {
                        let (ctx, cancel) = top.with_timeout(SECOND * (1 + (i + t) % 5));
                        let below = child(&ctx).with_value(&TRACE, u64::from(i));
                        match i % 4 {
                            0 => cancel.cancel(),
                            1 => drop((ctx, cancel)),
                            2 => clock.advance(SECOND),
                            _ => cancel.detach(),
                        }
                        assert_eq!(below.value(&TRACE), Some(&u64::from(i)));
                    }
                });
            }
        });
        assert_eq!(clock.armed(), 0);
        assert_drained(&top);
        cancel.cancel();
    });
}

#[test]
fn the_builder_does_what_the_single_steps_do() {
    let (root, clock) = manual_root();
    let (ctx, cancel) = root
        .derive()
        .timeout(SECOND)
        .cause("too slow")
        .value(&USER, "ann")
        .value(&TRACE, 7)
        .named("load user")
        .cancelable();
    assert_eq!(ctx.deadline(), Some(clock.now() + SECOND));
    assert_eq!((ctx.value(&USER), ctx.value(&TRACE)), (Some(&"ann"), Some(&7)));
    assert!(ctx.to_string().contains("load user"));
    assert_eq!(root.derived_count(), 1);
    cancel.detach();
    clock.advance(SECOND);
    assert_eq!(ctx.cause().unwrap().to_string(), "too slow");

    let (parent, cancel_parent) = root.with_cancel();
    let built = parent.derive().value(&USER, "bob").build();
    let shielded = parent.derive().without_cancel().value(&USER, "eve").build();
    let (own, cancel_own) = parent.derive().without_cancel().cancelable();
    cancel_parent.cancel();
    assert!(built.is_done() && !shielded.is_done() && !own.is_done());
    assert_eq!(shielded.value(&USER), Some(&"eve"));
    cancel_own.cancel();
    assert!(own.is_done());
}

#[test]
fn the_later_of_two_equal_keys_in_one_builder_wins() {
    let ctx = Context::background().derive().value(&TRACE, 1).value(&TRACE, 2).build();
    assert_eq!(ctx.value(&TRACE), Some(&2));
}

#[test]
fn without_cancel_keeps_values_and_clock_and_nothing_else() {
    let (root, clock) = manual_root();
    let (ctx, cancel) = root.with_value(&USER, "ann").with_timeout(SECOND);
    let shielded = ctx.without_cancel();
    assert_eq!(shielded.value(&USER), Some(&"ann"));
    assert_eq!((shielded.deadline(), shielded.remaining()), (None, None));
    cancel.cancel();
    drop(ctx);
    assert!(!shielded.is_done() && shielded.cause().is_none());
    assert!(shielded.check_exact().is_ok());
    // Time below it is that of the same clock.
    let (later, _cancel) = shielded.with_timeout(HOUR);
    assert_eq!(later.deadline(), Some(clock.now() + HOUR));
    clock.advance(HOUR);
    assert!(later.is_done() && !shielded.is_done());
}

#[test]
fn clones_are_the_same_context_and_children_are_not() {
    let ctx = child(&Context::background());
    assert!(ctx.ptr_eq(&ctx.clone()));
    assert!(!ctx.ptr_eq(&child(&ctx)));
    assert!(Context::background().ptr_eq(&Context::background()));
    assert!(!Context::background().ptr_eq(&Context::todo()));
}

#[test]
fn siblings_are_independent() {
    let parent = child(&Context::background());
    let (a, cancel_a) = parent.with_cancel();
    let (b, _cancel_b) = parent.with_cancel();
    cancel_a.cancel();
    assert!(a.is_done() && !b.is_done() && !parent.is_done());
}
