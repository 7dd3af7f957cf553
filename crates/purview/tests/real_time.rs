//! A few deadlines on the system clock. Each test waits for what must happen, and none for time to pass.

mod common;

use std::time::Duration;

use common::HOUR;
use purview::{Context, Reason};
use purview_test::{Gate, HANG_LIMIT, PanickingWaker, task, within};

const SOON: Duration = Duration::from_millis(3);

#[test]
fn a_deadline_on_the_system_clock_happens_and_not_early() {
    within(HANG_LIMIT, || {
        for millis in 1..=20 {
            let (ctx, _cancel) = Context::background().with_timeout(Duration::from_millis(millis));
            let error = ctx.done().wait();
            assert!(error.is_deadline_exceeded());
            assert!(ctx.clock().now() >= ctx.deadline().unwrap(), "reported early");
        }
    });
}

#[test]
fn many_deadlines_in_disorder_all_happen_and_none_early() {
    within(HANG_LIMIT, || {
        let root = Context::background();
        let all = (0..500_u64)
            .map(|i| root.with_timeout(Duration::from_micros(1 + (i * 7919) % 30_000)))
            .collect::<Vec<_>>();
        for (ctx, _) in &all {
            ctx.done().wait();
            assert!(ctx.clock().now() >= ctx.deadline().unwrap(), "reported early");
        }
    });
}

#[test]
fn an_earlier_deadline_is_not_held_up_by_a_later_one() {
    within(HANG_LIMIT, || {
        let (late, _cancel_late) = Context::background().with_timeout(HOUR);
        assert!(!late.is_done(), "a look, which arms it");
        let (soon, _cancel_soon) = Context::background().with_timeout(SOON);
        assert_eq!(soon.done().wait().reason(), Reason::DeadlineExceeded);
        assert!(!late.is_done());
    });
}

#[test]
fn a_child_wakes_for_the_deadline_of_its_parent() {
    within(HANG_LIMIT, || {
        let (parent, _cancel) = Context::background().with_timeout_cause(SOON, "parent");
        let child = common::child(&parent).named("child");
        assert_eq!(child.done().wait().cause().to_string(), "parent");
    });
}

#[test]
fn a_polling_loop_sees_the_deadline_without_anyone_waiting() {
    within(HANG_LIMIT, || {
        let (ctx, _cancel) = Context::background().with_timeout(SOON);
        while !ctx.is_done() {
            std::thread::yield_now();
        }
        assert!(ctx.clock().now() >= ctx.deadline().unwrap());
    });
}

#[test]
fn waits_and_sleeps_end_at_their_limit() {
    within(HANG_LIMIT, || {
        let root = Context::background();
        let before = root.clock().now();
        let (ctx, _cancel) = root.with_cancel();
        assert!(ctx.done().wait_timeout(SOON).is_none());
        assert!(root.clock().now() >= before + SOON);
        let _child = common::child(&ctx);
        assert!(!ctx.drained().wait_timeout(SOON));
        assert!(ctx.sleep(SOON).wait().is_ok());
        assert!(root.clock().now() >= before + 3 * SOON);
        let (short, _cancel) = ctx.with_timeout(SOON);
        assert!(short.sleep(HOUR).wait().is_err());
    });
}

#[test]
fn a_waker_that_panics_does_not_end_the_timer_thread() {
    within(HANG_LIMIT, || {
        let (ctx, _cancel) = Context::background().with_timeout(SOON);
        let hostile = PanickingWaker::new();
        let mut done = task(ctx.done());
        assert!(done.poll_with(&hostile.waker()).is_pending() || ctx.is_done());
        ctx.done().wait();
        let (next, _cancel) = Context::background().with_timeout(SOON);
        next.done().wait();
    });
}

#[test]
fn a_callback_that_blocks_does_not_hold_up_the_timer() {
    within(HANG_LIMIT, || {
        let gate = Gate::new();
        let (ctx, _cancel) = Context::background().with_timeout(SOON);
        let callback = ctx.after_func({
            let gate = gate.clone();
            move || gate.wait()
        });
        ctx.done().wait();
        let (next, _cancel) = Context::background().with_timeout(SOON);
        next.done().wait();
        gate.open();
        callback.wait().unwrap();
    });
}
