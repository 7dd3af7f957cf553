//! The body of a request, which never looks finished when its client has left.

use crate::map::to_status;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;
use purview::{BoxError, Context};
use purview_tower::ClientGone;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};
use tonic::body::Body;
use tonic::{Code, Status};

pin_project! {
    struct Upload<B> {
        #[pin]
        inner: B,
        ctx: Context,
        failed: Option<Status>,
        doubted: bool,
        over: bool,
    }
}

/// The same body, whose every end but the regular one is an error that tonic's decoder does not take for an end.
pub(super) fn guarded<B>(body: B, ctx: Context) -> Body
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    Body::new(Upload { inner: body, ctx, failed: None, doubted: false, over: false })
}

impl<B> http_body::Body for Upload<B>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let mut this = self.project();
        if *this.over {
            return Poll::Ready(None);
        }
        if let Some(error) = this.ctx.error() {
            *this.over = true;
            return Poll::Ready(Some(Err(not_an_end(to_status(error)))));
        }
        if let Some(status) = this.failed.take() {
            *this.over = true;
            return Poll::Ready(Some(Err(status)));
        }
        let frame = match ready!(this.inner.as_mut().poll_frame(cx)) {
            // hyper makes a reset with NO_ERROR look like this.
            None if !*this.doubted && !this.inner.is_end_stream() => {
                *this.doubted = true;
                return ask_again(cx);
            }
            Some(Err(error)) => {
                *this.failed = Some(left(Status::from_error(error.into())));
                return ask_again(cx);
            }
            Some(Ok(frame)) => Some(Ok(frame)),
            None => None,
        };
        *this.over = !matches!(frame, Some(Ok(_)));
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// hyper looks for resets whenever a call is pending, and drops it then: so its context ends as it should, before its handler
/// can answer what nobody hears. If there was none, or somebody else reads, we are asked again.
fn ask_again<T>(cx: &TaskContext<'_>) -> Poll<T> {
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// A stream that was canceled has lost its client; any other error is as it is.
fn left(status: Status) -> Status {
    if status.code() != Code::Cancelled {
        return status;
    }
    let mut left = Status::aborted(ClientGone.to_string());
    left.set_source(Arc::new(ClientGone));
    left
}

/// tonic's decoder gives `None` for `CANCELLED`.
fn not_an_end(status: Status) -> Status {
    if status.code() != Code::Cancelled {
        return status;
    }
    let mut other = Status::aborted(status.message());
    other.set_source(Arc::new(status));
    other
}
