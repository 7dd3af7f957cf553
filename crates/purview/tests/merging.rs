//! Merged contexts: done with the first of their sources, with its reason and cause, and without a trace when dropped.

mod common;

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use common::{HOUR, SECOND, child};
use purview::{Context, Key, Reason};
use purview_test::{DropCounter, HANG_LIMIT, Probe, assert_drained, manual_root, poll_once, task, within};

static USER: Key<&str> = Key::new("user");
static PROBE: Key<Probe> = Key::new("probe");

#[test]
fn a_merged_context_is_done_with_the_first_of_its_sources() {
    for winner in 0..3 {
        let mut made = [(); 3].map(|()| {
            let (ctx, cancel) = Context::background().with_cancel();
            (ctx, Some(cancel))
        });
        let merged = Context::merge(made.iter().map(|(ctx, _)| ctx));
        let below = child(&merged);
        let mut waiting = task(below.done());
        assert!(waiting.poll().is_pending() && !merged.is_done());
        made[winner].1.take().unwrap().cancel_with(format!("source {winner}"));
        assert!(waiting.is_woken());
        for (i, (_, cancel)) in made.iter_mut().enumerate() {
            if let Some(cancel) = cancel.take() {
                cancel.cancel_with(format!("late {i}"));
            }
        }
        for ctx in [&merged, &below] {
            assert_eq!(ctx.err(), Some(Reason::Canceled));
            assert!(ctx.cause().unwrap().ptr_eq(&made[winner].0.cause().unwrap()));
        }
    }
}

#[test]
fn the_deadline_is_the_least_and_the_reason_that_of_the_winner() {
    let (root, clock) = manual_root();
    let (a, _ca) = root.with_timeout_cause(3 * SECOND, "a");
    let (b, _cb) = root.with_timeout_cause(2 * SECOND, "b");
    let (c, cancel_c) = root.with_cancel();
    let merged = Context::merge([&a, &b, &c]);
    assert_eq!(merged.deadline(), b.deadline());
    assert_eq!(merged.remaining(), Some(2 * SECOND));
    clock.advance(Duration::from_nanos(1_999_999_999));
    assert!(!merged.is_done());
    clock.advance(Duration::from_nanos(1));
    assert_eq!(merged.err(), Some(Reason::DeadlineExceeded));
    assert_eq!(merged.cause().unwrap().to_string(), "b");
    cancel_c.cancel();
    assert_eq!(merged.cause().unwrap().to_string(), "b");
}

#[test]
fn a_deadline_counts_also_when_nobody_else_holds_its_source() {
    let (root, clock) = manual_root();
    let (a, cancel_a) = root.with_cancel();
    let merged = {
        let (b, cancel_b) = root.with_timeout(SECOND);
        cancel_b.detach();
        Context::merge([&a, &b])
    };
    let mut waiting = task(merged.done());
    assert!(waiting.poll().is_pending());
    clock.advance(SECOND);
    assert!(waiting.is_woken());
    assert_eq!(merged.err(), Some(Reason::DeadlineExceeded));
    assert!(!a.is_done());
    drop(cancel_a);
}

#[test]
fn values_and_clock_come_from_the_first() {
    let (root, clock) = manual_root();
    let (other_root, other_clock) = manual_root();
    let a = child(&root.with_value(&USER, "ann"));
    let b = child(&other_root.with_value(&USER, "bob").with_value(&PROBE, DropCounter::new().probe()));
    let merged = Context::merge([&a, &b]);
    assert_eq!(merged.value(&USER), Some(&"ann"));
    assert!(merged.value(&PROBE).is_none());
    let (below, _cancel) = merged.with_timeout(SECOND);
    other_clock.advance(HOUR);
    assert!(!below.is_done());
    clock.advance(SECOND);
    assert!(below.is_done() && !merged.is_done());
}

#[test]
fn of_done_sources_the_first_wins_at_birth() {
    let [(a, cancel_a), (b, cancel_b), (c, cancel_c)] = [(); 3].map(|()| Context::background().with_cancel());
    cancel_c.cancel_with("c");
    cancel_b.cancel_with("b");
    let merged = Context::merge([&a, &b, &c]);
    assert_eq!(merged.cause().unwrap().to_string(), "b");
    assert!(poll_once(merged.done()).is_ready());
    cancel_a.cancel();
}

#[test]
fn nothing_one_many_and_never_done_sources_are_all_fine() {
    let none = Context::merge([]);
    assert!(!none.is_done() && none.deadline().is_none());

    let (a, cancel) = Context::background().with_cancel();
    let same = Context::merge([&a; 100]);
    let (background, todo) = (Context::background(), Context::todo());
    let with_never = Context::merge([&background, &a, &todo]);
    let only_never = Context::merge([&background, &todo]);
    cancel.cancel_with("a");
    assert!(!only_never.is_done());
    assert_eq!(same.cause().unwrap().to_string(), "a");
    assert_eq!(with_never.cause().unwrap().to_string(), "a");

    let wide = (0..10_000).map(|_| Context::background().with_cancel()).collect::<Vec<_>>();
    let merged = Context::merge(wide.iter().map(|(ctx, _)| ctx));
    wide[7777].1.handle().cancel_with("7777");
    assert_eq!(merged.cause().unwrap().to_string(), "7777");
}

#[test]
fn a_source_that_is_named_twice_has_one_link() {
    let [a, b] = [(); 2].map(|()| child(&Context::background()));
    let merged = Context::merge([&a, &b, &b, &a, &b.named("view of b")]);
    assert_eq!((a.derived_count(), b.derived_count()), (1, 1));
    drop(merged);
    assert_eq!((a.derived_count(), b.derived_count()), (0, 0));
}

#[test]
fn merged_contexts_below_a_long_lived_source_leave_nothing_behind() {
    let probes = DropCounter::new();
    let (long, cancel_long) = Context::background().with_cancel();
    let (kept, _cancel_kept) = long.with_cancel();
    let before = (long.derived_count(), kept.derived_count());
    for i in 0..10_000 {
        let short = child(&Context::background()).with_value(&PROBE, probes.probe());
        let merged =
            if i % 2 == 0 { Context::merge([&short, &long, &kept]) } else { Context::merge([&long, &short]) };
        let below = child(&merged);
        if i % 3 == 0 {
            drop(short);
        }
        drop(merged);
        assert!(!below.is_done());
    }
    probes.assert_gone();
    assert_eq!((long.derived_count(), kept.derived_count()), before);
    cancel_long.cancel();
}

#[test]
fn a_merged_context_of_merged_contexts_is_done_with_any_leaf() {
    let leaves = (0..16).map(|_| Context::background().with_cancel()).collect::<Vec<_>>();
    let mut layer = leaves.iter().map(|(ctx, _)| ctx.clone()).collect::<Vec<_>>();
    while layer.len() > 1 {
        layer = layer.chunks(2).map(Context::merge).collect();
    }
    let top = layer.pop().unwrap();
    assert!(!top.is_done());
    leaves[11].1.handle().cancel_with("leaf 11");
    assert_eq!(top.cause().unwrap().to_string(), "leaf 11");
}

#[test]
fn a_context_merged_with_its_own_parent_and_child_is_done_once() {
    let (parent, cancel_parent) = Context::background().with_cancel();
    let (ctx, _cancel) = parent.with_cancel();
    let merged = Context::merge([&ctx, &parent]);
    let again = Context::merge([&parent, &child(&merged), &ctx, &merged]);
    let mut waiting = task(again.done());
    assert!(waiting.poll().is_pending());
    cancel_parent.cancel_with("parent");
    assert_eq!(waiting.wakes(), 1);
    assert_eq!(again.cause().unwrap().to_string(), "parent");
}

#[test]
fn sources_that_race_end_the_merged_context_once_with_one_of_their_causes() {
    within(HANG_LIMIT, || {
        for _ in 0..2000 {
            let ((a, cancel_a), (b, cancel_b)) =
                (Context::background().with_cancel(), Context::background().with_cancel());
            let merged = Context::merge([&a, &b]);
            let below = child(&merged);
            let start = Barrier::new(3);
            thread::scope(|scope| {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    cancel_a.cancel_with("a");
                });
                scope.spawn(move || {
                    start.wait();
                    cancel_b.cancel_with("b");
                });
                start.wait();
                let early = Context::merge([&merged, &b, &a]);
                early.done().wait();
            });
            let cause = merged.cause().expect("both sources are done");
            assert!(["a", "b"].contains(&&*cause.to_string()));
            assert!(below.cause().unwrap().ptr_eq(&cause));
        }
    });
}

#[test]
fn a_merged_context_dropped_while_its_source_is_cancelled_is_harmless() {
    within(HANG_LIMIT, || {
        for _ in 0..2000 {
            let (source, cancel) = Context::background().with_cancel();
            let other = child(&Context::background());
            let merged = Context::merge([&other, &source]);
            let canceling = thread::spawn(move || cancel.cancel());
            drop(merged);
            canceling.join().unwrap();
            drop(source);
            assert_drained(&other);
        }
    });
}
