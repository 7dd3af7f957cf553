//! The body of a request, which never looks finished when its client has left.

use crate::map::{find_source, to_status};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;
use purview::{BoxError, Context, Done};
use std::future::Future;
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
        doubted: bool,
        #[pin]
        end: End,
    }
}

pin_project! {
    /// How far the end has come.
    #[project = EndProj]
    enum End {
        Open,
        /// Failed by itself: told at the next poll.
        Failed { status: Option<Status> },
        /// The client has left: the context will tell.
        Left { #[pin] done: Done<'static> },
        Over,
    }
}

/// The same body, whose every end but the regular one is an error that tonic's decoder does not take for an end.
pub(super) fn guarded<B>(body: B, ctx: Context) -> Body
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    Body::new(Upload { inner: body, ctx, doubted: false, end: End::Open })
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
        if let Some(error) = this.ctx.error().filter(|_| !matches!(*this.end, End::Over)) {
            this.end.set(End::Over);
            return Poll::Ready(Some(Err(not_an_end(to_status(error)))));
        }
        let frame = match this.end.as_mut().project() {
            EndProj::Over => None,
            EndProj::Failed { status } => status.take().map(Err),
            EndProj::Left { done } => Some(Err(not_an_end(to_status(ready!(done.poll(cx)))))),
            EndProj::Open => match ready!(this.inner.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => return Poll::Ready(Some(Ok(frame))),
                Some(Err(error)) => {
                    let status = Status::from_error(error.into());
                    if find_source::<h2::Error>(&status).is_some() {
                        // hyper drops the call for it, which ends the context: nobody is told before that, so that whoever
                        // ends something of his own by this error finds the context done.
                        this.end.set(End::Left { done: this.ctx.done().into_owned() });
                    } else {
                        this.end.set(End::Failed { status: Some(not_an_end(status)) });
                    }
                    return ask_again(cx);
                }
                // hyper makes a reset with NO_ERROR look like this, and drops the call when we are pending.
                None if !*this.doubted && !this.inner.is_end_stream() => {
                    *this.doubted = true;
                    return ask_again(cx);
                }
                None => None,
            },
        };
        this.end.set(End::Over);
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.end {
            End::Over => true,
            End::Open => self.inner.is_end_stream(),
            End::Failed { .. } | End::Left { .. } => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

fn ask_again<T>(cx: &TaskContext<'_>) -> Poll<T> {
    cx.waker().wake_by_ref();
    Poll::Pending
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

#[cfg(test)]
mod tests {
    use super::guarded;
    use bytes::Bytes;
    use http_body::{Body as _, Frame};
    use purview::{BoxError, Context};
    use purview_test::task;
    use purview_tower::ClientGone;
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::task::{Context as TaskContext, Poll};
    use tonic::body::Body;
    use tonic::{Code, Status};

    /// Fails at once, and is over.
    struct Fails(Option<BoxError>);

    impl http_body::Body for Fails {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut TaskContext<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            Poll::Ready(self.0.take().map(Err))
        }
    }

    fn next(body: &mut Body) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        task(poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx))).poll()
    }

    #[test]
    fn a_reset_is_told_only_when_the_context_is_done() {
        let (ctx, canceler) = Context::background().with_cancel();
        let reset = h2::Error::from(h2::Reason::CANCEL);
        let mut body = guarded(Fails(Some(reset.into())), ctx);
        for _ in 0..3 {
            assert!(next(&mut body).is_pending());
            assert!(!body.is_end_stream());
        }
        canceler.cancel_with(ClientGone);
        let frame = next(&mut body);
        let Poll::Ready(Some(Err(status))) = frame else { panic!("{frame:?}") };
        assert_eq!((status.code(), status.message()), (Code::Aborted, ClientGone.to_string().as_str()));
        assert!(matches!(next(&mut body), Poll::Ready(None)));
    }

    #[test]
    fn whoever_waits_for_what_a_reset_means_is_woken_when_the_context_is_done() {
        let (ctx, canceler) = Context::background().with_cancel();
        let mut body = guarded(Fails(Some(h2::Error::from(h2::Reason::CANCEL).into())), ctx);
        let mut reading = task(poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)));
        assert!(reading.poll().is_pending() && reading.poll().is_pending());
        let before = reading.wakes();
        canceler.cancel_with(ClientGone);
        assert_eq!(reading.wakes(), before + 1);
    }

    #[test]
    fn an_error_that_is_no_reset_waits_for_nothing() {
        let (ctx, _canceler) = Context::background().with_cancel();
        for (error, code) in [
            (Status::out_of_range("too long"), Code::OutOfRange),
            (Status::cancelled("by a layer"), Code::Aborted),
        ] {
            let mut body = guarded(Fails(Some(error.into())), ctx.clone());
            assert!(next(&mut body).is_pending());
            let frame = next(&mut body);
            let Poll::Ready(Some(Err(status))) = frame else { panic!("{frame:?}") };
            assert_eq!(status.code(), code);
        }
    }

    #[test]
    fn an_end_that_is_not_said_to_be_one_is_asked_for_twice() {
        let mut body = guarded(Fails(None), Context::background());
        assert!(next(&mut body).is_pending());
        assert!(matches!(next(&mut body), Poll::Ready(None)));
    }
}
