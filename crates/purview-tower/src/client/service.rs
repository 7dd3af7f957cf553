//! The service around the connection.

use super::body::ClientBody;
use super::error::ClientError;
use super::future::ClientFuture;
use http::header::HOST;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Body;
use purview::{Context, Error};
use purview_propagate::{Policy, inject, inject_to};
use std::task::{Context as TaskContext, Poll};
use tower_service::Service;

/// A service whose calls stop with their context. Made by [`ClientLayer`](crate::ClientLayer).
///
/// # Examples
///
/// See [`ClientLayer`](crate::ClientLayer).
#[derive(Clone, Debug)]
pub struct ClientService<S> {
    inner: S,
    policy: Policy,
}

impl<S> ClientService<S> {
    pub(super) fn new(inner: S, policy: Policy) -> Self {
        Self { inner, policy }
    }
}

impl<S, Q, B> Service<Request<Q>> for ClientService<S>
where
    S: Service<Request<Q>, Response = Response<B>>,
    B: Body,
{
    type Response = Response<ClientBody<B>>;
    type Error = ClientError<S::Error>;
    type Future = ClientFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(ClientError::Inner)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let Some(ctx) = request.extensions().get::<Context>().cloned().or_else(Context::current) else {
            return ClientFuture::without_context(self.inner.call(request));
        };
        let (mut parts, body) = request.into_parts();
        let sent = match parts.uri.authority() {
            Some(authority) => inject_to(&ctx, &mut parts.headers, &self.policy, authority.as_str()),
            None => self.inject_to_host(&ctx, &mut parts.headers),
        };
        match sent {
            Ok(()) => ClientFuture::within(ctx, self.inner.call(Request::from_parts(parts, body))),
            Err(error) => ClientFuture::failed(error),
        }
    }
}

impl<S> ClientService<S> {
    /// Where the URI is only a path, the destination stands in the `Host` header.
    fn inject_to_host(&self, ctx: &Context, headers: &mut HeaderMap) -> Result<(), Error> {
        let allowed = |host: &&HeaderValue| host.to_str().is_ok_and(|host| self.policy.sends_values_to(host));
        // Copied only where values go: most calls send none.
        let host = headers.get(HOST).filter(allowed).cloned();
        match host.as_ref().and_then(|host| host.to_str().ok()) {
            Some(host) => inject_to(ctx, headers, &self.policy, host),
            None => inject(ctx, headers, &self.policy),
        }
    }
}
