//! Futures that stop when a context is done.

use crate::context::Context;
use crate::raw::{Event, Target, Waiting};
use crate::reason::Error;
use pin_project_lite::pin_project;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

pin_project! {
    /// A future under a context: its output, or the error of the context as soon as that is done. Made by
    /// [`Context::run`] and [`FutureExt::with_context`].
    ///
    /// # Cancel safety
    ///
    /// When the context is done, the inner future is not polled again; it is dropped with this one. It must be safe to
    /// drop where it waits, as in any `select`.
    ///
    /// # Examples
    ///
    /// See [`Context::run`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Run<F> {
        #[pin]
        future: F,
        #[pin]
        waiting: Waiting<'static>,
    }
}

impl Context {
    /// Runs `future` until it is ready or this context is done.
    ///
    /// The context is looked at first, on every poll, so that a future that is always ready stops too; if both are ready,
    /// the context wins. The result owns a handle to the context.
    ///
    /// # Cancel safety
    ///
    /// See [`Run`].
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    ///
    /// # futures::executor::block_on(async {
    /// let (ctx, canceler) = Context::background().with_cancel();
    /// assert_eq!(ctx.run(async { 3 }).await.unwrap(), 3);
    ///
    /// canceler.cancel();
    /// let error = ctx.run(std::future::pending::<()>()).await.unwrap_err();
    /// assert!(error.is_canceled());
    /// # });
    /// ```
    pub fn run<F: Future>(&self, future: F) -> Run<F> {
        Run { future, waiting: Waiting::new(Target::Owned(self.0.clone()), Event::Done) }
    }
}

impl<F: Future> Future for Run<F> {
    type Output = Result<F::Output, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(error) = this.waiting.handle().error() {
            return Poll::Ready(Err(error));
        }
        if let Poll::Ready(output) = this.future.poll(cx) {
            return Poll::Ready(Ok(output));
        }
        poll_end(this.waiting, cx).map(Err)
    }
}

/// Registers with the context; ready with its error if it was done meanwhile.
pub(crate) fn poll_end(mut waiting: Pin<&mut Waiting<'static>>, cx: &TaskContext<'_>) -> Poll<Error> {
    match waiting.as_mut().poll(cx) {
        Poll::Pending => Poll::Pending,
        Poll::Ready(()) => match waiting.handle().error() {
            Some(error) => Poll::Ready(error),
            None => unreachable!("what is ready is done for ever"),
        },
    }
}

/// Puts any future under a context, in the order in which people think of it.
///
/// # Examples
///
/// ```
/// use purview::{Context, FutureExt};
/// use std::time::Duration;
///
/// # futures::executor::block_on(async {
/// let ctx = Context::background();
/// assert_eq!(async { 3 }.with_context(&ctx).await.unwrap(), 3);
///
/// let slow = std::future::pending::<()>();
/// let error = slow.with_timeout(&ctx, Duration::ZERO).await.unwrap_err();
/// assert!(error.is_deadline_exceeded());
/// # });
/// ```
pub trait FutureExt: Future + Sized {
    /// The same as [`Context::run`].
    ///
    /// # Examples
    ///
    /// See [`FutureExt`].
    fn with_context(self, ctx: &Context) -> Run<Self> {
        ctx.run(self)
    }

    /// The same under `ctx` with a timeout.
    ///
    /// # Examples
    ///
    /// See [`FutureExt`].
    fn with_timeout(self, ctx: &Context, after: Duration) -> Run<Self> {
        ctx.derive().timeout(after).build().run(self)
    }
}

impl<F: Future> FutureExt for F {}
