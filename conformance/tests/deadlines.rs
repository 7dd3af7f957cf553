//! Deadlines and timeouts, on a clock that is moved by hand.

use std::io;
use std::time::Duration;

use purview::{Context, ManualClock, Reason};
use purview_conformance::{CANCELED, DEADLINE_EXCEEDED, Opaque, VERY_LONG, assert_done, assert_live};

/// By hand it costs nothing, and it is out of reach for the system's clock, by which the deadline of a foreign parent is kept
/// as well: what ends a wrapped context here is what it wraps.
const HOUR: Duration = Duration::from_secs(3600);

/// Asserts that the context is pending until an hour has passed, to the nanosecond, and then done.
#[track_caller]
fn ends_after_an_hour(clock: &ManualClock, ctx: &Context) {
    let nanosecond = Duration::from_nanos(1);
    assert_live(ctx);
    clock.advance(HOUR.saturating_sub(nanosecond));
    assert_live(ctx);
    clock.advance(nanosecond);
    assert_done(ctx, Reason::DeadlineExceeded, DEADLINE_EXCEEDED);
}

#[test]
fn a_deadline_is_kept_and_printed() {
    let clock = ManualClock::new();
    let at = clock.now() + HOUR;
    let (ctx, _cancel) = Context::root(&clock).with_deadline(at);
    assert_eq!(ctx.deadline(), Some(at));
    assert!(ctx.to_string().starts_with("root.with_"), "{ctx}");
    assert!(ctx.to_string().contains("left"), "{ctx}");
    ends_after_an_hour(&clock, &ctx);
    assert_eq!(ctx.deadline(), Some(at), "a deadline does not change when it has passed");
}

#[test]
fn a_deadline_is_kept_through_a_users_wrapper() {
    let clock = ManualClock::new();
    let at = clock.now() + HOUR;
    let (inner, _cancel) = Context::root(&clock).with_deadline(at);
    let ctx = Opaque::wrap(&inner);
    assert_eq!(ctx.deadline(), Some(at));
    ends_after_an_hour(&clock, &ctx);
}

#[test]
fn a_later_deadline_on_top_of_a_wrapped_earlier_one_changes_nothing() {
    let clock = ManualClock::new();
    let at = clock.now() + HOUR;
    let (inner, _cancel) = Context::root(&clock).with_deadline(at);
    let (ctx, _outer) = Opaque::wrap(&inner).with_deadline(clock.now() + VERY_LONG);
    assert_eq!(ctx.deadline(), Some(at));
    ends_after_an_hour(&clock, &ctx);
}

#[test]
fn a_deadline_in_the_past_is_done_at_birth() {
    let clock = ManualClock::new();
    let at =
        clock.now().checked_sub(Duration::from_millis(1)).expect("the clock is older than a millisecond");
    let (ctx, _cancel) = Context::root(&clock).with_deadline(at);
    assert_done(&ctx, Reason::DeadlineExceeded, DEADLINE_EXCEEDED);
    assert_eq!(ctx.deadline(), Some(at));
}

#[test]
fn a_deadline_of_now_is_done_at_birth() {
    let clock = ManualClock::new();
    let (ctx, _cancel) = Context::root(&clock).with_deadline(clock.now());
    assert_done(&ctx, Reason::DeadlineExceeded, DEADLINE_EXCEEDED);
}

#[test]
fn a_timeout_is_a_deadline_from_now() {
    let clock = ManualClock::new();
    clock.advance(HOUR);
    let (ctx, _cancel) = Context::root(&clock).with_timeout(HOUR);
    assert_eq!(ctx.deadline(), Some(clock.now() + HOUR));
    assert!(ctx.to_string().starts_with("root.with_timeout("), "{ctx}");
    ends_after_an_hour(&clock, &ctx);
}

#[test]
fn a_timeout_is_kept_through_a_users_wrapper() {
    let clock = ManualClock::new();
    let (inner, _cancel) = Context::root(&clock).with_timeout(HOUR);
    ends_after_an_hour(&clock, &Opaque::wrap(&inner));
}

#[test]
fn a_longer_timeout_on_top_of_a_wrapped_shorter_one_changes_nothing() {
    let clock = ManualClock::new();
    let (inner, _cancel) = Context::root(&clock).with_timeout(HOUR);
    let (ctx, _outer) = Opaque::wrap(&inner).with_timeout(VERY_LONG);
    ends_after_an_hour(&clock, &ctx);
}

#[test]
fn a_timeout_that_is_canceled_was_canceled() {
    let clock = ManualClock::new();
    let (inner, _inner_cancel) = Context::root(&clock).with_timeout(HOUR);
    let (ctx, cancel) = Opaque::wrap(&inner).with_timeout(VERY_LONG);
    cancel.cancel();
    assert_done(&ctx, Reason::Canceled, CANCELED);
    assert_live(&inner);
    clock.advance(VERY_LONG);
    assert_done(&ctx, Reason::Canceled, CANCELED);
}

#[test]
fn a_deadline_exceeded_says_that_it_is_a_timeout() {
    let (ctx, _cancel) = Context::root(ManualClock::new()).with_timeout(Duration::ZERO);
    let error = ctx.check().expect_err("its deadline is now");
    assert!(error.is_deadline_exceeded());
    assert!(!error.is_canceled());
}

#[test]
fn a_deadline_exceeded_is_a_timeout_of_std_io_and_a_cancel_is_not() {
    let root = Context::root(ManualClock::new());
    let (late, _cancel) = root.with_timeout(Duration::ZERO);
    let error = io::Error::from(late.check().expect_err("its deadline is now"));
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert_eq!(error.to_string(), DEADLINE_EXCEEDED);

    let (canceled, cancel) = root.with_cancel();
    cancel.cancel();
    let error = io::Error::from(canceled.check().expect_err("it was canceled"));
    assert_ne!(error.kind(), io::ErrorKind::TimedOut);
    assert_ne!(error.kind(), io::ErrorKind::Interrupted, "std's loops would try again");
    assert_eq!(error.to_string(), CANCELED);
}
