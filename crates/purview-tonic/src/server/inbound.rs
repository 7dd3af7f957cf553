//! What stands between the layer and the services.

use super::upload::guarded;
use crate::request::context_of;
use bytes::Bytes;
use http::Request;
use pin_project_lite::pin_project;
use purview::{BoxError, Context};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use tonic::body::Body;
use tower_service::Service;

/// Services behind a [`ServerLayer`](super::ServerLayer): hands them the request without its `grpc-timeout`, and with a body
/// that fails when the client has left.
///
/// # Examples
///
/// See [`ServerLayer`](super::ServerLayer).
#[derive(Clone, Debug)]
pub struct Inbound<S> {
    inner: S,
}

impl<S> Inbound<S> {
    pub(super) fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S, B> Service<Request<B>> for Inbound<S>
where
    S: Service<Request<Body>>,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = InboundFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        request.headers_mut().remove(crate::TIMEOUT);
        let ctx = context_of(request.extensions());
        let inner = self.inner.call(request.map(|body| guarded(body, ctx.clone())));
        InboundFuture { inner, ctx }
    }
}

pin_project! {
    /// The answer of [`Inbound`] services to come.
    ///
    /// # Cancel safety
    ///
    /// As the one inside.
    ///
    /// # Examples
    ///
    /// See [`ServerLayer`](super::ServerLayer).
    #[must_use = "futures do nothing unless polled"]
    pub struct InboundFuture<F> {
        #[pin]
        inner: F,
        ctx: Context,
    }
}

impl<F: Future> Future for InboundFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<F::Output> {
        let this = self.project();
        let answer = this.inner.poll(cx);
        if answer.is_pending() {
            // Asks the clock, which marks a deadline that has passed: tonic's timer is looked at next, and may not come first.
            drop(this.ctx.check_exact());
        }
        answer
    }
}

impl<F> fmt::Debug for InboundFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InboundFuture").field("ctx", &self.ctx).finish_non_exhaustive()
    }
}
