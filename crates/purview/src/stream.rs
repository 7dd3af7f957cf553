//! Streams that stop when a context is done.

use crate::context::Context;
use crate::raw::{Event, Target, Waiting};
use crate::reason::Error;
use crate::run::poll_end;
use futures_core::Stream;
use pin_project_lite::pin_project;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

pin_project! {
    /// A stream under a context: its items, and when the context is done its error as the last one. Made by
    /// [`StreamExt::with_context`].
    ///
    /// # Cancel safety
    ///
    /// As safe to drop as the inner stream: no item is held back.
    ///
    /// # Examples
    ///
    /// See [`StreamExt`].
    #[derive(Debug)]
    #[must_use = "streams do nothing unless polled"]
    pub struct RunStream<S> {
        #[pin]
        stream: S,
        #[pin]
        waiting: Waiting<'static>,
        ended: bool,
    }
}

/// Puts any stream under a context.
///
/// # Examples
///
/// ```
/// use futures::{StreamExt as _, executor::block_on, stream};
/// use purview::{Context, StreamExt};
///
/// let (ctx, canceler) = Context::background().with_cancel();
/// let mut numbers = std::pin::pin!(StreamExt::with_context(stream::iter(1..), &ctx));
/// assert_eq!(block_on(numbers.next()).unwrap().unwrap(), 1);
/// canceler.cancel();
/// assert!(block_on(numbers.next()).unwrap().is_err());
/// assert!(block_on(numbers.next()).is_none());
/// ```
pub trait StreamExt: Stream + Sized {
    /// Each item as `Ok` while `ctx` is not done; then one `Err`, and the end. The context is looked at before each item,
    /// so that a stream that is always ready stops too.
    ///
    /// # Examples
    ///
    /// See [`StreamExt`].
    fn with_context(self, ctx: &Context) -> RunStream<Self> {
        let waiting = Waiting::new(Target::Owned(ctx.0.clone()), Event::Done);
        RunStream { stream: self, waiting, ended: false }
    }
}

impl<S: Stream> StreamExt for S {}

impl<S: Stream> Stream for RunStream<S> {
    type Item = Result<S::Item, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        if *this.ended {
            return Poll::Ready(None);
        }
        let end = match this.waiting.handle().error() {
            Some(error) => error,
            None => match this.stream.poll_next(cx) {
                Poll::Ready(Some(item)) => return Poll::Ready(Some(Ok(item))),
                Poll::Ready(None) => {
                    *this.ended = true;
                    return Poll::Ready(None);
                }
                Poll::Pending => match poll_end(this.waiting, cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(error) => error,
                },
            },
        };
        *this.ended = true;
        Poll::Ready(Some(Err(end)))
    }
}
