//! The body of a request, which never looks finished when its call was given up.

use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;
use purview::{Context, Done};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use tonic::Status;
use tonic::body::Body;

pin_project! {
    struct Upload {
        #[pin]
        inner: Option<Body>,
        ctx: Context,
        #[pin]
        done: Done<'static>,
    }
}

/// The same body as long as the call lasts; then an error that makes the transport reset the stream.
pub(super) fn guarded(body: Body, ctx: &Context) -> Body {
    Body::new(Upload { inner: Some(body), ctx: ctx.clone(), done: ctx.done().into_owned() })
}

impl http_body::Body for Upload {
    type Data = <Body as http_body::Body>::Data;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Status>>> {
        let mut this = self.project();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        let frame = if this.ctx.is_done() {
            Some(Err(reset()))
        } else {
            match inner.poll_frame(cx) {
                // The stream may have ended because its context did: the end is what a server commits on.
                Poll::Ready(None) => this.ctx.check_exact().is_err().then(|| Err(reset())),
                Poll::Ready(frame) => frame,
                Poll::Pending if this.done.poll(cx).is_ready() => Some(Err(reset())),
                Poll::Pending => return Poll::Pending,
            }
        };
        if !matches!(frame, Some(Ok(_))) {
            this.inner.set(None);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(http_body::Body::is_end_stream) && !self.ctx.is_done()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), http_body::Body::size_hint)
    }
}

/// What makes hyper reset the stream with `CANCEL`: it looks for the code among the sources of the error.
fn reset() -> Status {
    let mut status = Status::cancelled("the call was given up before its stream had ended");
    status.set_source(Arc::new(h2::Error::from(h2::Reason::CANCEL)));
    status
}

#[cfg(test)]
mod tests {
    use super::guarded;
    use http_body::{Body as _, Frame};
    use purview::{Canceler, Context};
    use purview_test::task;
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::task::{Context as TaskContext, Poll};
    use tonic::body::Body;
    use tonic::{Code, Status};

    /// Its call is canceled while it ends.
    struct EndsCanceling(Option<Canceler>);

    impl http_body::Body for EndsCanceling {
        type Data = bytes::Bytes;
        type Error = Status;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut TaskContext<'_>,
        ) -> Poll<Option<Result<Frame<bytes::Bytes>, Status>>> {
            drop(self.0.take());
            Poll::Ready(None)
        }
    }

    #[test]
    fn a_body_that_ends_in_the_moment_its_call_is_canceled_is_reset() {
        let (ctx, canceler) = Context::background().with_cancel();
        let mut body = guarded(Body::new(EndsCanceling(Some(canceler))), &ctx);
        let frame = task(poll_fn(|cx| Pin::new(&mut body).poll_frame(cx))).poll();
        let Poll::Ready(Some(Err(status))) = frame else { panic!("{frame:?}") };
        assert_eq!(status.code(), Code::Cancelled);
    }
}
