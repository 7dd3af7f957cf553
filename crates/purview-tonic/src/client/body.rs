//! The body of an answer, to its end.

use super::{Call, meaning};
use crate::map::to_status;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;
use purview::{BoxError, Context, Done};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use tonic::Status;

pin_project! {
    /// The body of an answer, which ends with its context. Made by [`ClientService`](super::ClientService).
    ///
    /// # Cancel safety
    ///
    /// Dropping it before its end resets the call.
    ///
    /// # Examples
    ///
    /// See [`ClientLayer`](super::ClientLayer).
    pub struct ClientBody<B> {
        #[pin]
        inner: Option<B>,
        #[pin]
        done: Option<Done<'static>>,
        call: Option<Call>,
    }
}

impl<B> ClientBody<B> {
    /// Without a call if that is over with the head: then there is nothing to wait for.
    pub(super) fn new(inner: B, call: Option<Call>) -> Self {
        let done = call.as_ref().map(|call| call.ctx.done().into_owned());
        Self { inner: Some(inner), done, call }
    }
}

impl<B> http_body::Body for ClientBody<B>
where
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    type Data = B::Data;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, Status>>> {
        let mut this = self.project();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        let Some(call) = this.call.as_ref() else {
            return inner.poll_frame(cx).map_err(|error| Status::from_error(error.into()));
        };
        let frame = match call.ctx.error() {
            Some(error) => Some(Err(to_status(error))),
            None => match inner.poll_frame(cx) {
                Poll::Ready(frame) => understood(frame, &call.ctx),
                Poll::Pending => match this.done.as_mut().as_pin_mut() {
                    Some(done) => match done.poll(cx) {
                        Poll::Ready(error) => Some(Err(to_status(error))),
                        Poll::Pending => return Poll::Pending,
                    },
                    None => unreachable!("a call has an end to wait for"),
                },
            },
        };
        if !matches!(&frame, Some(Ok(frame)) if frame.is_data()) {
            // Over: the stream is let go first, so that a late reset finds nothing to do.
            this.inner.set(None);
            this.done.set(None);
            *this.call = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), http_body::Body::size_hint)
    }
}

fn understood<D, E: Into<BoxError>>(
    frame: Option<Result<Frame<D>, E>>,
    ctx: &Context,
) -> Option<Result<Frame<D>, Status>> {
    match frame {
        Some(Ok(mut frame)) => {
            if let Some(trailers) = frame.trailers_mut() {
                meaning::of_head(trailers, Some(ctx));
            }
            Some(Ok(frame))
        }
        Some(Err(error)) => Some(Err(meaning::of(Status::from_error(error.into()), ctx))),
        // No status came: a server that was reset at the deadline has none to give.
        None => ctx.check_exact().err().map(|error| Err(to_status(error))),
    }
}

impl<B> fmt::Debug for ClientBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBody").field("call", &self.call).finish_non_exhaustive()
    }
}
