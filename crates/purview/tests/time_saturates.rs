//! Durations and instants at their limits: nothing panics, far saturates, past means done at birth.

mod common;

use std::time::Duration;

use common::{HOUR, SECOND, SHORT_TO_HUGE};
use purview::{Context, FutureExt, Reason};
use purview_test::{HANG_LIMIT, manual_root, poll_once, task, within};

#[test]
fn a_timeout_of_zero_is_done_at_birth() {
    let (root, clock) = manual_root();
    let (ctx, cancel) = root.with_timeout(Duration::ZERO);
    assert!(ctx.is_done());
    assert_eq!(ctx.err(), Some(Reason::DeadlineExceeded));
    assert_eq!(ctx.deadline(), Some(clock.now()));
    assert_eq!(ctx.remaining(), Some(Duration::ZERO));
    assert_eq!(clock.armed(), 0, "what is done at birth arms nothing");
    cancel.cancel();
    assert_eq!(ctx.err(), Some(Reason::DeadlineExceeded), "a later cancel changes nothing");
}

#[test]
fn a_deadline_in_the_past_is_done_at_birth_and_keeps_its_instant_and_cause() {
    let (root, clock) = manual_root();
    clock.advance(HOUR);
    let past = clock.now().checked_sub(SECOND).unwrap();
    let (ctx, _cancel) = root.with_deadline_cause(past, "too late");
    assert_eq!(ctx.err(), Some(Reason::DeadlineExceeded));
    assert_eq!(ctx.cause().unwrap().to_string(), "too late");
    assert_eq!(ctx.deadline(), Some(past));
    assert_eq!(ctx.remaining(), Some(Duration::ZERO));

    let (below, _cancel) = ctx.with_timeout(HOUR);
    assert_eq!(below.cause().unwrap().to_string(), "too late");
    assert!(poll_once(below.done()).is_ready());
}

#[test]
fn a_past_deadline_below_a_cancelled_parent_has_the_reason_of_the_parent() {
    let (root, clock) = manual_root();
    let (parent, cancel) = root.with_cancel();
    cancel.cancel_with("parent first");
    let (ctx, _cancel) = parent.with_deadline_cause(clock.now(), "too late");
    assert_eq!(ctx.err(), Some(Reason::Canceled));
    assert_eq!(ctx.cause().unwrap().to_string(), "parent first");
}

#[test]
fn no_duration_makes_a_timeout_panic_on_the_manual_clock() {
    let (root, clock) = manual_root();
    for after in SHORT_TO_HUGE {
        let (ctx, cancel) = root.with_timeout(after);
        assert_eq!(ctx.is_done(), after.is_zero(), "{after:?}");
        assert_eq!(ctx.check_exact().is_err(), after.is_zero(), "{after:?}");
        if let Some(at) = ctx.deadline() {
            let year = Duration::from_secs(86_400 * 365);
            assert!(at >= clock.now() + after.min(year), "{after:?} saturates to what is far");
            let remaining = ctx.remaining().expect("what has a deadline has time left");
            assert!(remaining >= after.min(year) && remaining <= after, "{after:?}: {remaining:?} left");
        } else {
            assert!(after > Duration::from_nanos(i64::MAX as u64), "{after:?} can be represented");
        }
        cancel.cancel();
        assert!(ctx.is_done());
    }
    assert_eq!(clock.armed(), 0);
}

#[test]
fn no_duration_makes_a_timeout_panic_on_the_system_clock() {
    let root = Context::root(purview::Clock::system());
    for after in SHORT_TO_HUGE {
        let (ctx, cancel) = root.with_timeout(after);
        // A look arms the deadline; what is far must neither overflow in the timer nor fire.
        let done = ctx.is_done();
        if after > HOUR {
            assert!(!done, "{after:?}");
            assert!(ctx.remaining().is_none_or(|left| left > HOUR));
            assert!(poll_once(ctx.done()).is_pending());
            cancel.cancel();
            assert_eq!(ctx.err(), Some(Reason::Canceled), "{after:?}");
        }
    }
}

#[test]
fn no_instant_makes_a_deadline_panic() {
    for root in [Context::background(), manual_root().0] {
        let now = root.clock().now();
        for distance in SHORT_TO_HUGE {
            for at in [now.checked_add(distance), now.checked_sub(distance)].into_iter().flatten() {
                let (ctx, cancel) = root.with_deadline(at);
                let deadline = ctx.deadline().unwrap_or(at);
                if distance < Duration::from_nanos(i64::MAX as u64) {
                    assert_eq!(deadline, at, "what 64 bits of nanoseconds reach is kept exactly");
                }
                if at > now + HOUR {
                    assert!(deadline > now + HOUR && !ctx.is_done(), "in {distance:?}");
                }
                if at <= now {
                    assert!(deadline <= now && ctx.is_done(), "{distance:?} ago");
                }
                cancel.cancel();
                assert!(ctx.is_done());
            }
        }
    }
}

#[test]
fn a_far_deadline_neither_hides_nor_extends_a_near_one() {
    let (root, clock) = manual_root();
    let (far, _cancel_far) = root.with_timeout(Duration::MAX);
    let (near, _cancel_near) = far.with_timeout(SECOND);
    let (farther, _cancel_farther) = near.with_timeout(Duration::MAX);
    assert_eq!(near.deadline(), Some(clock.now() + SECOND));
    assert_eq!(farther.deadline(), near.deadline());
    clock.advance(SECOND);
    assert_eq!(farther.err(), Some(Reason::DeadlineExceeded));
    assert!(!far.is_done());
}

#[test]
fn the_builder_saturates_as_the_methods_do() {
    let (root, clock) = manual_root();
    clock.advance(HOUR);
    let (zero, _cancel) = root.derive().timeout(Duration::ZERO).cause("builder").cancelable();
    assert_eq!(zero.cause().unwrap().to_string(), "builder");
    let past = root.derive().deadline(clock.now().checked_sub(SECOND).unwrap()).build();
    assert_eq!(past.err(), Some(Reason::DeadlineExceeded));
    let (far, cancel) = root.derive().timeout(Duration::MAX).named("far").cancelable();
    assert!(!far.is_done());
    cancel.cancel();
    assert!(far.is_done());
}

#[test]
fn waits_take_every_limit() {
    within(HANG_LIMIT, || {
        let (root, clock) = manual_root();
        let (ctx, cancel) = root.with_cancel();
        let now = clock.now();
        assert!(ctx.done().wait_timeout(Duration::ZERO).is_none());
        assert!(ctx.done().wait_deadline(now).is_none());
        clock.advance(HOUR);
        assert!(ctx.done().wait_deadline(now).is_none(), "a limit in the past is over");
        let child = common::child(&ctx);
        assert!(!ctx.drained().wait_timeout(Duration::ZERO));
        assert!(!ctx.drained().wait_deadline(now));
        drop(child);
        assert!(ctx.drained().wait_timeout(Duration::MAX));

        let waiting = std::thread::spawn({
            let ctx = ctx.clone();
            move || ctx.done().wait_timeout(Duration::MAX)
        });
        cancel.cancel();
        assert!(waiting.join().unwrap().is_some_and(|error| error.is_canceled()));
        assert!(ctx.done().wait_timeout(Duration::ZERO).is_some(), "what is done is seen without any time");
        assert!(ctx.done().wait_deadline(now).is_some());
    });
}

#[test]
fn sleeps_take_every_duration() {
    let (root, clock) = manual_root();
    let (ctx, cancel) = root.with_cancel();
    assert!(poll_once(ctx.sleep(Duration::ZERO)).is_ready());
    let mut endless = task(ctx.sleep(Duration::MAX));
    let mut minute = task(ctx.sleep(Duration::from_secs(60)));
    assert!(endless.poll().is_pending());
    assert!(minute.poll().is_pending());
    clock.advance(Duration::from_secs(60));
    assert!(minute.is_woken());
    assert!(matches!(minute.poll(), std::task::Poll::Ready(Ok(()))));
    assert!(endless.poll().is_pending());
    cancel.cancel();
    assert!(endless.is_woken());
    assert!(matches!(endless.poll(), std::task::Poll::Ready(Err(_))));
    assert!(matches!(poll_once(ctx.sleep(Duration::ZERO)), std::task::Poll::Ready(Err(_))));
}

#[test]
fn combinators_take_every_duration() {
    let (root, _clock) = manual_root();
    for after in SHORT_TO_HUGE {
        let ready = poll_once(std::future::ready(3).with_timeout(&root, after));
        match ready {
            std::task::Poll::Ready(Ok(value)) => assert!(value == 3 && !after.is_zero()),
            std::task::Poll::Ready(Err(error)) => assert!(error.is_deadline_exceeded() && after.is_zero()),
            std::task::Poll::Pending => panic!("a ready future is ready in {after:?}"),
        }
    }
}

#[test]
fn the_manual_clock_takes_every_step() {
    for step in SHORT_TO_HUGE {
        let (root, clock) = manual_root();
        let (ctx, _cancel) = root.with_timeout(SECOND);
        let before = clock.now();
        clock.advance(step);
        assert!(clock.now() >= before);
        assert_eq!(ctx.is_done(), step >= SECOND, "{step:?}");
        clock.advance_to(before);
        assert!(clock.now() >= before, "time does not run backwards");
        assert_eq!(ctx.is_done(), step >= SECOND, "{step:?}");
    }
}

#[test]
fn what_is_further_than_time_reaches_is_a_deadline_all_the_same() {
    let (root, clock) = manual_root();
    for _ in 0..2 {
        let (ctx, _cancel) = root.with_timeout(Duration::MAX);
        assert!(ctx.deadline().is_some() && ctx.remaining().is_some());
        if let Some(at) = clock.now().checked_add(Duration::from_secs(u64::from(u32::MAX) * 5)) {
            let (ctx, _cancel) = root.with_deadline(at);
            assert!(ctx.deadline().is_some() && ctx.remaining().is_some());
        }
        clock.advance(SECOND);
    }
}
