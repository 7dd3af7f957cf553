//! Waiting for done: as a future, as a thread, with limits; which waker is woken, and which never.

mod common;

use std::sync::Barrier;
use std::task::Poll;
use std::thread;

use common::{SECOND, child};
use purview::{Context, FutureExt};
use purview_test::{CountingWaker, HANG_LIMIT, manual_root, poll_once, poll_with, task, within};

#[test]
fn a_future_polled_with_another_waker_wakes_only_the_last() {
    let (ctx, cancel) = Context::background().with_cancel();
    let (stale, fresh) = (CountingWaker::new(), CountingWaker::new());
    let mut done = task(ctx.done());
    assert!(done.poll_with(&stale.waker()).is_pending());
    assert!(done.poll_with(&fresh.waker()).is_pending());
    assert_eq!(stale.held(), 0, "the replaced waker is let go at once");
    cancel.cancel();
    assert_eq!((stale.count(), fresh.count()), (0, 1));
}

#[test]
fn a_future_polled_many_times_is_woken_once() {
    let (ctx, cancel) = Context::background().with_cancel();
    let mut done = task(ctx.done());
    for _ in 0..10 {
        assert!(done.poll().is_pending());
        assert_eq!(done.waker().held(), 1);
    }
    cancel.cancel();
    assert_eq!(done.wakes(), 1);
    assert!(done.poll().is_ready());
    assert_eq!(done.waker().held(), 0);
}

#[test]
fn a_future_that_was_dropped_wakes_no_one() {
    let (ctx, cancel) = Context::background().with_cancel();
    let below = child(&ctx);
    let waker = CountingWaker::new();
    for on in [&ctx, &below] {
        let (mut borrowed, mut owned) = (task(on.done()), task(on.done().into_owned()));
        let mut running = task(on.run(std::future::pending::<()>()));
        let mut sleeping = task(on.sleep(SECOND));
        assert!(borrowed.poll_with(&waker.waker()).is_pending());
        assert!(owned.poll_with(&waker.waker()).is_pending());
        assert!(running.poll_with(&waker.waker()).is_pending());
        assert!(sleeping.poll_with(&waker.waker()).is_pending());
    }
    assert_eq!(waker.held(), 0);
    cancel.cancel();
    assert_eq!(waker.count(), 0);
}

#[test]
fn a_future_that_is_never_polled_registers_nothing() {
    let (ctx, cancel) = Context::background().with_cancel();
    let done = ctx.done();
    cancel.cancel();
    assert!(poll_once(done).is_ready());
}

#[test]
fn a_future_outlives_its_context_and_keeps_it() {
    let (ctx, cancel) = Context::background().with_cancel();
    let mut done = task(ctx.done().into_owned());
    assert!(done.poll().is_pending());
    drop(ctx);
    cancel.cancel_with("still there");
    match done.poll() {
        Poll::Ready(error) => assert_eq!(error.cause().to_string(), "still there"),
        Poll::Pending => panic!("cancelled"),
    }
}

#[test]
fn a_future_of_what_is_never_done_stays_pending() {
    for ctx in [
        Context::background(),
        Context::todo(),
        manual_root().0,
        child(&Context::background()).without_cancel(),
    ] {
        let mut done = task(ctx.done());
        assert!(done.poll().is_pending());
        assert!(!done.is_woken());
        assert!(ctx.done().wait_timeout(std::time::Duration::ZERO).is_none());
    }
}

#[test]
fn a_future_may_move_to_another_thread_between_polls() {
    within(HANG_LIMIT, || {
        let (ctx, cancel) = Context::background().with_cancel();
        let mut done = task(ctx.done().into_owned());
        assert!(done.poll().is_pending());
        let mut done = thread::spawn(move || {
            assert!(done.poll().is_pending());
            done
        })
        .join()
        .unwrap();
        thread::spawn(move || cancel.cancel()).join().unwrap();
        assert!(done.is_woken() && done.poll().is_ready());
    });
}

#[test]
fn threads_that_wait_are_all_let_go() {
    within(HANG_LIMIT, || {
        for _ in 0..50 {
            let (ctx, cancel) = Context::background().with_cancel();
            let ready = Barrier::new(5);
            thread::scope(|scope| {
                for below in [ctx.clone(), child(&ctx), child(&child(&ctx)), ctx.named("named")] {
                    let ready = &ready;
                    scope.spawn(move || {
                        ready.wait();
                        assert!(below.done().wait().is_canceled());
                    });
                }
                ready.wait();
                cancel.cancel();
            });
        }
    });
}

#[test]
fn a_wait_that_races_with_the_cancel_is_never_lost() {
    within(HANG_LIMIT, || {
        for round in 0..3000 {
            let (ctx, cancel) = Context::background().with_cancel();
            let below = if round % 2 == 0 { ctx } else { child(&ctx) };
            let start = Barrier::new(2);
            thread::scope(|scope| {
                scope.spawn(|| {
                    start.wait();
                    cancel.cancel();
                });
                start.wait();
                below.done().wait();
            });
        }
    });
}

#[test]
fn a_poll_that_races_with_the_cancel_is_woken_or_ready() {
    within(HANG_LIMIT, || {
        for _ in 0..3000 {
            let (ctx, cancel) = Context::background().with_cancel();
            let start = Barrier::new(2);
            thread::scope(|scope| {
                let canceling = scope.spawn(|| {
                    start.wait();
                    cancel.cancel();
                });
                start.wait();
                let mut done = task(ctx.done());
                let first = done.poll();
                canceling.join().unwrap();
                assert!(first.is_ready() || done.is_woken(), "a wake was lost");
            });
        }
    });
}

#[test]
fn a_limit_of_a_wait_is_measured_by_the_clock_of_the_context() {
    let (root, clock) = manual_root();
    let (ctx, _cancel) = root.with_cancel();
    let held = child(&ctx);
    let waiting = [
        thread::spawn({
            let ctx = ctx.clone();
            move || ctx.done().wait_timeout(1000 * SECOND).is_none()
        }),
        thread::spawn({
            let ctx = ctx.clone();
            move || !ctx.drained().wait_timeout(1000 * SECOND)
        }),
        thread::spawn({
            let ctx = ctx.clone();
            move || ctx.sleep(1000 * SECOND).wait().is_ok()
        }),
    ];
    within(HANG_LIMIT, move || {
        // A thread may begin its wait at any moment, so time goes on until all have ended.
        while !waiting.iter().all(thread::JoinHandle::is_finished) {
            clock.advance(100 * SECOND);
            thread::yield_now();
        }
        for waiting in waiting {
            assert!(waiting.join().unwrap());
        }
    });
    drop(held);
}

#[test]
fn run_looks_at_the_context_first_and_on_every_poll() {
    let (ctx, cancel) = Context::background().with_cancel();
    assert!(matches!(poll_once(ctx.run(async { 3 })), Poll::Ready(Ok(3))));
    let mut polls = 0;
    let always_ready = std::future::poll_fn(|_| {
        polls += 1;
        Poll::Ready(())
    });
    let mut never_polled = task(always_ready.with_context(&ctx));
    let mut endless = task(ctx.run(std::future::poll_fn(|cx| {
        cx.waker().wake_by_ref();
        Poll::<()>::Pending
    })));
    assert!(endless.poll().is_pending());
    cancel.cancel();
    assert!(matches!(endless.poll(), Poll::Ready(Err(_))));
    assert!(matches!(never_polled.poll(), Poll::Ready(Err(_))));
    drop(never_polled);
    assert_eq!(polls, 0, "a done context polls nothing, ready or not");
}

#[test]
fn run_wakes_for_the_context_and_for_the_future() {
    let (root, clock) = manual_root();
    let (ctx, _cancel) = root.with_timeout(SECOND);
    let (inner, finish) = Context::background().with_cancel();
    let mut by_future = task(ctx.run(inner.done().into_owned()));
    let mut by_context = task(ctx.run(std::future::pending::<()>()));
    assert!(by_future.poll().is_pending() && by_context.poll().is_pending());
    finish.cancel();
    assert!(by_future.is_woken() && !by_context.is_woken());
    assert!(matches!(by_future.poll(), Poll::Ready(Ok(_))));
    clock.advance(SECOND);
    assert!(by_context.is_woken());
    assert!(matches!(by_context.poll(), Poll::Ready(Err(error)) if error.is_deadline_exceeded()));
}

#[test]
fn a_completed_run_drops_its_registration() {
    let (ctx, cancel) = Context::background().with_cancel();
    let (inner, finish) = Context::background().with_cancel();
    let waker = CountingWaker::new();
    let mut run = Box::pin(ctx.run(inner.done().into_owned()));
    assert!(poll_with(run.as_mut(), &waker.waker()).is_pending());
    finish.cancel();
    assert_eq!(waker.count(), 1);
    assert!(poll_with(run.as_mut(), &waker.waker()).is_ready());
    drop(run);
    cancel.cancel();
    assert_eq!((waker.count(), waker.held()), (1, 0));
}
