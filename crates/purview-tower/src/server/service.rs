//! The service around the handler.

use super::body::ServerBody;
use super::ending::Exchange;
use super::future::ServerFuture;
use super::request::Shared;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use purview::{BoxError, Context};
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use tower_service::Service;

/// A service whose requests have a context. Made by [`ServerLayer`](crate::ServerLayer).
///
/// It answers whatever the inner service answers, or in its place when the context ends first; its own errors are those of the
/// inner service, unchanged.
///
/// # Examples
///
/// See [`ServerLayer`](crate::ServerLayer).
#[derive(Clone, Debug)]
pub struct ServerService<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> ServerService<S> {
    pub(super) fn new(inner: S, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }
}

impl<S, Q, B> Service<Request<Q>> for ServerService<S>
where
    S: Service<Request<Q>, Response = Response<B>>,
    B: Body,
    B::Data: From<Bytes>,
    B::Error: Into<BoxError>,
{
    type Response = Response<ServerBody<B>>;
    type Error = S::Error;
    type Future = ServerFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Q>) -> Self::Future {
        let exchange = Exchange::of(&request);
        let mut begun = match self.shared.begin(request.headers()) {
            Ok(begun) => begun,
            Err(answer) => return ServerFuture::answered(answer, exchange),
        };
        if self.shared.in_extensions {
            request.extensions_mut().insert::<Context>(begun.ctx().clone());
        }
        let handler = begun.watch(|ctx| ctx.scoped(ctx.scope(|| self.inner.call(request))));
        ServerFuture::running(handler, begun, exchange)
    }
}
