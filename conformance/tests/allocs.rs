//! What each operation may allocate. Only this thread is counted, so the tests may run beside others.

use std::future::Future;
use std::pin::pin;
use std::task::{Context as Task, Waker};
use std::time::Duration;

use allocation_counter::measure;
use purview::{Context, Key, ManualClock};

static KEY: Key<u64> = Key::new("key");

const ROUNDS: u64 = 100;

/// Asserts the mean over a hundred rounds, after one that fills what is made once.
#[track_caller]
fn assert_allocates(at_most: u64, mut operation: impl FnMut()) {
    operation();
    let info = measure(|| (0..ROUNDS).for_each(|_| operation()));
    let all = info.count_total;
    assert!(all <= at_most * ROUNDS, "{all} allocations in {ROUNDS} rounds, at most {at_most} each allowed");
}

#[test]
fn the_background_allocates_nothing() {
    assert_allocates(0, || drop(Context::background()));
    assert_allocates(0, || drop(Context::todo()));
}

#[test]
fn a_value_and_its_lookup_allocate_once() {
    let root = Context::background();
    assert_allocates(1, || {
        let ctx = root.with_value(&KEY, 7);
        assert_eq!(ctx.value(&KEY), Some(&7));
    });
}

#[test]
fn a_cancelable_context_allocates_once() {
    let root = Context::background();
    assert_allocates(1, || {
        let (ctx, cancel) = root.with_cancel();
        cancel.cancel();
        ctx.done().wait();
    });
}

#[test]
fn a_timeout_that_is_canceled_allocates_once() {
    let root = Context::background();
    assert_allocates(1, || {
        let (ctx, cancel) = root.with_timeout(Duration::from_millis(5));
        cancel.cancel();
        ctx.done().wait();
    });
}

#[test]
fn a_timeout_that_is_waited_for_allocates_once() {
    let clock = ManualClock::new();
    let root = Context::root(&clock);
    assert_allocates(1, || {
        let (ctx, _cancel) = root.with_timeout(Duration::from_nanos(1));
        clock.advance(Duration::from_nanos(1));
        ctx.done().wait();
    });
}

#[test]
fn looking_and_waiting_allocate_nothing() {
    let (ctx, cancel) = Context::background().with_timeout(Duration::from_secs(3600));
    let look = || {
        let mut done = pin!(ctx.done());
        let first = done.as_mut().poll(&mut Task::from_waker(Waker::noop()));
        let second = done.as_mut().poll(&mut Task::from_waker(Waker::noop()));
        assert_eq!(first.is_ready(), second.is_ready());
        (ctx.is_done(), ctx.err(), ctx.deadline(), ctx.value(&KEY).copied())
    };
    assert_allocates(0, || assert!(!look().0));
    cancel.cancel();
    let wait = || {
        ctx.done().wait();
        assert!(ctx.check().is_err());
        assert!(ctx.cause().is_some());
        assert!(ctx.is_done());
    };
    assert_allocates(0, wait);
}
