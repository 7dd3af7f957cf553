//! What "pending" and "done" mean, asked of every way in which a context can be read.

use std::future::Future;
use std::pin::pin;
use std::task::{Context as Task, Poll, Waker};
use std::time::Duration;

use purview::{Context, Reason};

/// What a context says that was canceled, and its cause where none was given.
pub const CANCELED: &str = "context canceled";

/// What a context says whose deadline has passed, and its cause where none was given.
pub const DEADLINE_EXCEEDED: &str = "context deadline exceeded";

/// A thousand hours: longer than any test, as in Go's.
pub const VERY_LONG: Duration = Duration::from_secs(1000 * 3600);

/// Asserts that every read of this context says that it is not done.
///
/// # Panics
///
/// If one of them says otherwise.
#[track_caller]
pub fn assert_live(ctx: &Context) {
    assert!(!ctx.is_done(), "{ctx} is done");
    assert_eq!(ctx.err(), None, "err of {ctx}");
    assert!(ctx.cause().is_none(), "{ctx} has a cause");
    assert!(ctx.error().is_none(), "{ctx} has an error");
    assert!(ctx.check().is_ok(), "{ctx} fails its check");
    assert!(poll_done(ctx).is_pending(), "{ctx} lets its waiters go");
}

/// Asserts that every read of this context gives this reason and a cause of this text.
///
/// Where no cause was given, its text is that of the reason.
///
/// # Panics
///
/// If one of them says otherwise.
#[track_caller]
pub fn assert_done(ctx: &Context, reason: Reason, cause: &str) {
    assert!(ctx.is_done(), "{ctx} is not done");
    assert_eq!(ctx.err(), Some(reason), "err of {ctx}");
    assert_eq!(ctx.cause().map(|cause| cause.to_string()).as_deref(), Some(cause), "cause of {ctx}");
    let error = ctx.check().expect_err("a context that is done fails its check");
    assert_eq!(error.reason(), reason, "reason of the error of {ctx}");
    assert_eq!(error.cause().to_string(), cause, "cause of the error of {ctx}");
    assert_eq!(error.to_string(), reason.to_string(), "text of the error of {ctx}");
    match poll_done(ctx) {
        Poll::Ready(error) => assert_eq!(error.reason(), reason, "what the waiters of {ctx} get"),
        Poll::Pending => panic!("{ctx} keeps its waiters"),
    }
}

/// Polls a fresh `done()` once.
fn poll_done(ctx: &Context) -> Poll<purview::Error> {
    pin!(ctx.done()).poll(&mut Task::from_waker(Waker::noop()))
}
