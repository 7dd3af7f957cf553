//! Cancels against drops, registrations and deadlines in large fans, where a walk pauses and others come in between.

mod common;

use std::sync::Barrier;
use std::thread;

use common::{HOUR, SECOND, child};
use purview::{Context, Key};
use purview_test::{
    CountingWaker, DropCounter, HANG_LIMIT, Probe, assert_drained, manual_root, task, within,
};

static PROBE: Key<Probe> = Key::new("probe");

/// More than a walk marks in one go.
const FAN: usize = 700;
const ROUNDS: usize = 300;

/// Cancels `top` in one thread while two others drop its fan, each from its own end.
fn cancel_against_drops(top: &Context, cancel: purview::Canceler, fan: Vec<Context>) {
    let (mut front, mut back) = (Vec::new(), Vec::new());
    for (i, ctx) in fan.into_iter().enumerate() {
        if i % 2 == 0 { front.push(ctx) } else { back.push(ctx) }
    }
    let start = Barrier::new(3);
    thread::scope(|scope| {
        let start = &start;
        scope.spawn(move || {
            start.wait();
            cancel.cancel();
        });
        scope.spawn(move || {
            start.wait();
            front.into_iter().for_each(drop);
        });
        start.wait();
        back.into_iter().rev().for_each(drop);
    });
    assert_drained(top);
}

#[test]
fn a_fan_with_callbacks_may_be_dropped_while_it_is_cancelled() {
    within(3 * HANG_LIMIT, || {
        let probes = DropCounter::new();
        for _ in 0..ROUNDS {
            let (top, cancel) = Context::background().with_cancel();
            let fan = (0..FAN).map(|_| child(&top)).collect::<Vec<_>>();
            for ctx in &fan {
                let probe = probes.probe();
                drop(ctx.after_func_inline(move || drop(probe)));
            }
            cancel_against_drops(&top, cancel, fan);
            probes.assert_gone();
        }
    });
}

#[test]
fn a_fan_with_armed_deadlines_and_values_may_be_dropped_while_it_is_cancelled() {
    within(3 * HANG_LIMIT, || {
        let probes = DropCounter::new();
        for _ in 0..ROUNDS {
            let (root, clock) = manual_root();
            let (top, cancel) = root.with_cancel();
            let fan = (0..FAN)
                .map(|_| {
                    let derive = top.derive().timeout(HOUR).value(&PROBE, probes.probe());
                    let (ctx, cancel) = derive.cancelable();
                    cancel.detach();
                    ctx
                })
                .collect();
            cancel_against_drops(&top, cancel, fan);
            probes.assert_gone();
            assert_eq!(clock.armed(), 0);
        }
    });
}

#[test]
fn a_fan_of_fans_may_be_dropped_while_it_is_cancelled() {
    within(3 * HANG_LIMIT, || {
        let probes = DropCounter::new();
        for _ in 0..ROUNDS {
            let (top, cancel) = Context::background().with_cancel();
            let fan = (0..FAN / 4)
                .flat_map(|_| {
                    let middle = child(&top).with_value(&PROBE, probes.probe());
                    let low = child(&middle);
                    let probe = probes.probe();
                    drop(low.after_func_inline(move || drop(probe)));
                    [low, child(&middle), middle]
                })
                .collect();
            cancel_against_drops(&top, cancel, fan);
            probes.assert_gone();
        }
    });
}

#[test]
fn cancels_of_every_child_and_of_the_parent_may_race() {
    within(3 * HANG_LIMIT, || {
        let probes = DropCounter::new();
        for _ in 0..ROUNDS {
            let (top, cancel) = Context::background().with_cancel();
            let waker = CountingWaker::new();
            let fan = (0..FAN).map(|_| top.with_cancel()).collect::<Vec<_>>();
            let mut waiting = Vec::new();
            for (ctx, _) in &fan {
                let below = child(ctx);
                let probe = probes.probe();
                drop(below.after_func_inline(move || drop(probe)));
                let mut done = task(below.done().into_owned());
                assert!(done.poll_with(&waker.waker()).is_pending());
                waiting.push(done);
            }
            let start = Barrier::new(2);
            thread::scope(|scope| {
                scope.spawn(|| {
                    start.wait();
                    for (i, (ctx, cancel)) in fan.into_iter().enumerate() {
                        drop(ctx);
                        if i % 3 == 0 { cancel.cancel() } else { cancel.detach() }
                    }
                });
                start.wait();
                cancel.cancel();
            });
            assert_eq!(waker.count(), FAN, "each is woken once, whoever cancelled");
            drop(waiting);
            assert_eq!(waker.held(), 0);
            probes.assert_gone();
            assert_drained(&top);
        }
    });
}

#[test]
fn a_deadline_may_fire_while_its_contexts_are_dropped_and_cancelled() {
    within(3 * HANG_LIMIT, || {
        let probes = DropCounter::new();
        for _ in 0..ROUNDS {
            let (root, clock) = manual_root();
            let fan = (0..FAN)
                .map(|i| {
                    let (ctx, cancel) = root.with_timeout(SECOND);
                    let probe = probes.probe();
                    drop(ctx.after_func_inline(move || drop(probe)));
                    (i, ctx, cancel)
                })
                .collect::<Vec<_>>();
            let start = Barrier::new(2);
            thread::scope(|scope| {
                scope.spawn(|| {
                    start.wait();
                    for (i, ctx, cancel) in fan.into_iter().rev() {
                        if i % 3 == 0 {
                            cancel.cancel();
                        } else {
                            cancel.detach();
                        }
                        assert!(i % 3 != 0 || ctx.is_done());
                    }
                });
                start.wait();
                clock.advance(SECOND);
            });
            probes.assert_gone();
            assert_eq!(clock.armed(), 0);
            assert_drained(&root);
        }
    });
}
