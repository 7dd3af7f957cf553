//! `drained()`: resolves exactly when the last derived context is gone.

mod common;

use std::sync::Barrier;
use std::thread;

use common::{HOUR, SECOND, child};
use purview::{Context, Key};
use purview_test::{CountingWaker, HANG_LIMIT, assert_drained, manual_root, poll_once, task, within};

static USER: Key<&str> = Key::new("user");

#[test]
fn a_context_without_derived_ones_is_drained() {
    assert_drained(&child(&Context::background()));
    let (root, _clock) = manual_root();
    assert_drained(&root);
}

/// One way to derive a context.
type Kind = fn(&Context) -> Context;

#[test]
fn every_kind_of_derived_context_counts() {
    let (root, _clock) = manual_root();
    let ctx = child(&root);
    let kinds: [(&str, Kind); 7] = [
        ("cancel", child),
        ("timeout", |ctx| {
            let (derived, cancel) = ctx.with_timeout(HOUR);
            cancel.detach();
            derived
        }),
        ("value", |ctx| ctx.with_value(&USER, "ann")),
        ("named", |ctx| ctx.named("named")),
        ("without cancel", Context::without_cancel),
        ("builder", |ctx| ctx.derive().value(&USER, "bob").build()),
        ("builder with timeout", |ctx| ctx.derive().timeout(SECOND).build()),
    ];
    for (kind, derive) in kinds {
        let derived = derive(&ctx);
        let copy = derived.clone();
        assert_eq!(ctx.derived_count(), 1, "{kind}");
        let mut drained = task(ctx.drained());
        assert!(drained.poll().is_pending(), "{kind}");
        drop(derived);
        assert!(!drained.is_woken() && drained.poll().is_pending(), "{kind}: a copy is left");
        drop(copy);
        assert!(drained.is_woken(), "{kind}");
        assert!(drained.poll().is_ready(), "{kind}");
        assert_drained(&ctx);
    }
}

#[test]
fn clones_of_the_context_itself_do_not_count() {
    let ctx = child(&Context::background());
    let _copies = [ctx.clone(), ctx.clone()];
    let _waiting = ctx.done();
    let _callback = ctx.after_func(|| ());
    assert_drained(&ctx);
}

#[test]
fn a_grandchild_counts_until_it_is_gone_also_without_its_parent() {
    let ctx = child(&Context::background());
    let middle = child(&ctx).named("middle");
    let low = child(&middle).with_value(&USER, "ann");
    let lower = child(&low);
    let mut drained = task(ctx.drained());
    assert!(drained.poll().is_pending());
    drop(middle);
    drop(low);
    assert!(drained.poll().is_pending(), "the lowest still stands for its ancestors");
    drop(lower);
    assert!(drained.is_woken() && drained.poll().is_ready());
}

#[test]
fn cancelled_contexts_count_for_as_long_as_they_are_held() {
    let (ctx, cancel) = Context::background().with_cancel();
    let worker = child(&ctx);
    let mut drained = task(ctx.drained());
    assert!(drained.poll().is_pending());
    cancel.cancel();
    assert!(drained.poll().is_pending(), "done is not gone");
    drop(worker);
    assert!(drained.is_woken() && drained.poll().is_ready());
    let late = child(&ctx);
    assert!(late.is_done());
    assert!(poll_once(ctx.drained()).is_pending(), "born done, and held");
    drop(late);
    assert_drained(&ctx);
}

#[test]
fn a_thread_waits_until_the_workers_have_let_go() {
    within(HANG_LIMIT, || {
        for _ in 0..200 {
            let (ctx, cancel) = Context::background().with_cancel();
            let workers = (0..3)
                .map(|_| {
                    let ctx = child(&ctx);
                    thread::spawn(move || {
                        ctx.done().wait();
                    })
                })
                .collect::<Vec<_>>();
            cancel.cancel();
            ctx.drained().wait();
            assert_eq!(ctx.derived_count(), 0);
            for worker in workers {
                worker.join().unwrap();
            }
        }
    });
}

#[test]
fn a_drop_that_races_with_the_wait_is_never_lost() {
    within(HANG_LIMIT, || {
        for _ in 0..2000 {
            let ctx = child(&Context::background());
            let derived = child(&child(&ctx));
            let start = Barrier::new(2);
            thread::scope(|scope| {
                scope.spawn(|| {
                    start.wait();
                    drop(derived);
                });
                start.wait();
                ctx.drained().wait();
                assert_eq!(ctx.derived_count(), 0);
            });
        }
    });
}

#[test]
fn limits_end_a_wait_that_is_not_drained() {
    let (root, _clock) = manual_root();
    let ctx = child(&root);
    let derived = child(&ctx);
    assert!(!ctx.drained().wait_timeout(std::time::Duration::ZERO));
    drop(derived);
    assert!(ctx.drained().wait_timeout(std::time::Duration::ZERO));
    assert!(ctx.drained().wait_timeout(HOUR));
}

#[test]
fn a_wait_for_drained_is_let_go_when_dropped_and_woken_by_the_last_waker() {
    let ctx = child(&Context::background());
    let derived = child(&ctx);
    let (stale, fresh, gone) = (CountingWaker::new(), CountingWaker::new(), CountingWaker::new());
    let mut kept = task(ctx.drained().into_owned());
    let mut dropped = task(ctx.drained());
    assert!(kept.poll_with(&stale.waker()).is_pending());
    assert!(kept.poll_with(&fresh.waker()).is_pending());
    assert!(dropped.poll_with(&gone.waker()).is_pending());
    drop(dropped);
    assert_eq!((stale.held(), gone.held()), (0, 0));
    drop(derived);
    assert_eq!((stale.count(), fresh.count(), gone.count()), (0, 1, 0));
    assert!(kept.poll().is_ready());
}

#[test]
fn a_context_can_fill_and_drain_many_times() {
    let ctx = child(&Context::background());
    for round in 1..50 {
        let mut all = (0..round).map(|_| child(&ctx)).collect::<Vec<_>>();
        let mut drained = task(ctx.drained());
        while let Some(one) = all.pop() {
            assert_eq!(ctx.derived_count(), all.len() + 1);
            assert!(drained.poll().is_pending());
            drop(one);
        }
        assert!(drained.is_woken() && drained.poll().is_ready());
    }
}

#[test]
fn a_context_is_drained_whoever_derives_from_its_parent() {
    let parent = child(&Context::background());
    let ctx = child(&parent);
    let _beside = child(&parent);
    assert_drained(&ctx);
    assert!(poll_once(parent.drained()).is_pending());
}

#[test]
fn a_wait_that_was_woken_in_vain_is_woken_again() {
    let ctx = child(&Context::background());
    let mut drained = task(ctx.drained());
    let first = child(&ctx);
    assert!(drained.poll().is_pending());
    drop(first);
    assert_eq!(drained.wakes(), 1);
    // Before the task is polled, someone derives anew.
    let second = child(&ctx);
    assert!(drained.poll().is_pending());
    drop(second);
    assert_eq!(drained.wakes(), 2, "the second end is told as well");
    assert!(drained.poll().is_ready());
}

#[test]
fn all_who_wait_for_it_are_told_however_many() {
    let ctx = child(&Context::background());
    let below = child(&ctx);
    let mut waiting = (0..100).map(|_| task(ctx.drained())).collect::<Vec<_>>();
    assert!(waiting.iter_mut().all(|drained| drained.poll().is_pending()));
    drop(below);
    assert!(waiting.iter().all(|drained| drained.wakes() == 1));
    assert!(waiting.iter_mut().all(|drained| drained.poll().is_ready()));
}
