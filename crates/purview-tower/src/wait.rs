//! Waiting for a context only once there is something to wait for.

use purview::{Context, Done, Error};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

/// Polls the end of `ctx`; the wait is made at the first call, since most responses never have to wait.
pub(crate) fn poll_done(
    mut done: Pin<&mut Option<Done<'static>>>,
    ctx: &Context,
    cx: &mut TaskContext<'_>,
) -> Poll<Error> {
    if done.is_none() {
        done.set(Some(ctx.done().into_owned()));
    }
    match done.as_pin_mut() {
        Some(done) => done.poll(cx),
        None => unreachable!("it was set above"),
    }
}
