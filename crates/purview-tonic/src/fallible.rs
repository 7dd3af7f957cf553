//! A request stream that may fail, which gRPC's clients have no word for.

use futures_core::Stream;
use pin_project_lite::pin_project;
use purview::{BoxError, CancelHandle, Context};
use std::fmt;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};
use tonic::Request;

pin_project! {
    /// The messages of a stream that may fail. Made by [`ContextExt::try_request`](crate::ContextExt::try_request).
    ///
    /// # Examples
    ///
    /// See [`ContextExt::try_request`](crate::ContextExt::try_request).
    #[must_use = "streams do nothing unless polled"]
    pub struct Fallible<S> {
        #[pin]
        stream: S,
        handle: CancelHandle,
        failed: bool,
    }
}

pub(crate) fn request<S>(ctx: &Context, stream: S) -> Request<Fallible<S>> {
    let (ctx, canceler) = ctx.with_cancel();
    let handle = canceler.handle();
    // The stream may be dropped long before the answer has come.
    canceler.detach();
    crate::ContextExt::request(&ctx, Fallible { stream, handle, failed: false })
}

impl<S, T, E> Stream for Fallible<S>
where
    S: Stream<Item = Result<T, E>>,
    E: Into<BoxError>,
{
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<T>> {
        let this = self.project();
        if *this.failed {
            return Poll::Pending;
        }
        match ready!(this.stream.poll_next(cx)) {
            Some(Ok(message)) => Poll::Ready(Some(message)),
            Some(Err(error)) => {
                *this.failed = true;
                this.handle.cancel_with(error);
                // No end: that would make it look finished. The client layer resets the call.
                Poll::Pending
            }
            None => Poll::Ready(None),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.stream.size_hint().1)
    }
}

impl<S> fmt::Debug for Fallible<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fallible").field("failed", &self.failed).finish_non_exhaustive()
    }
}
