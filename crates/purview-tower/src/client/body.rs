//! The body of a response, which stops with the context of its call.

use super::error::ClientError;
use crate::wait::poll_done;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use purview::{Context, Done};
use std::fmt;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

pin_project! {
    /// The body of a response of a [`ClientService`](crate::ClientService).
    ///
    /// When the context is done before its end, the inner body is dropped at once, which ends the call, and the error is that of
    /// the context. If both are there, the context wins, so that a stream that always has something stops too. At its end it
    /// lets go of the context.
    ///
    /// # Examples
    ///
    /// See [`ClientLayer`](crate::ClientLayer).
    pub struct ClientBody<B> {
        // None once the context ended it.
        #[pin]
        body: Option<B>,
        // Made when the body is first found waiting.
        #[pin]
        done: Option<Done<'static>>,
        // Until its end.
        ctx: Option<Context>,
    }
}

impl<B: Body> ClientBody<B> {
    /// `body`, for as long as `ctx` is live. For adapters of clients that are no tower services.
    ///
    /// # Examples
    ///
    /// ```
    /// use http_body_util::Empty;
    /// use purview::Context;
    /// use purview_tower::ClientBody;
    ///
    /// let body = ClientBody::within(&Context::background(), Empty::<&[u8]>::new());
    /// # drop(body);
    /// ```
    pub fn within(ctx: &Context, body: B) -> Self {
        Self::new(body, Some(ctx.clone()))
    }

    pub(super) fn new(body: B, ctx: Option<Context>) -> Self {
        let ctx = ctx.filter(|_| !body.is_end_stream());
        Self { body: Some(body), done: None, ctx }
    }
}

impl<B: Body> Body for ClientBody<B> {
    type Data = B::Data;
    type Error = ClientError<B::Error>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, Self::Error>>> {
        let mut this = self.project();
        let Some(mut body) = this.body.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        let error = match this.ctx {
            Some(ctx) if ctx.is_done() => ctx.error(),
            _ => match body.as_mut().poll_frame(cx) {
                Poll::Ready(frame) => {
                    if !matches!(frame, Some(Ok(_))) || body.is_end_stream() {
                        this.done.set(None);
                        *this.ctx = None;
                    }
                    return Poll::Ready(frame.map(|frame| frame.map_err(ClientError::Inner)));
                }
                Poll::Pending => match this.ctx {
                    Some(ctx) => Some(ready!(poll_done(this.done.as_mut(), ctx, cx))),
                    None => return Poll::Pending,
                },
            },
        };
        this.body.set(None);
        this.done.set(None);
        *this.ctx = None;
        Poll::Ready(error.map(|error| Err(ClientError::Done(error))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl<B> fmt::Debug for ClientBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBody").field("ctx", &self.ctx).finish_non_exhaustive()
    }
}
