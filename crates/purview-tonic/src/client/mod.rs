//! The side that calls: what is left of the time goes out with the call, and the call ends with its context.

mod body;
mod future;
mod meaning;
mod upload;

pub use self::body::ClientBody;
pub use self::future::ClientFuture;

use crate::request::context_of;
use http::{Request, Response};
use purview::{BoxError, Canceler, Context, Error};
use purview_propagate::{Policy, inject, inject_to};
use purview_wire::Format;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use tonic::Status;
use tonic::body::Body;
use tower_layer::Layer;
use tower_service::Service;

/// Puts every call of a client under a context. Goes around a tonic's `Channel`, or any service that is
/// like one; generated clients take the result as their channel.
///
/// The context is the one in the [extensions](tonic::Request::extensions) of the request
/// ([`ContextExt::request`](crate::ContextExt::request), [`RequestExt::with_context`](crate::RequestExt::with_context)), else the
/// [current one](Context::current), which in a handler is that of the call it serves; else none, and the call has no
/// deadline.
///
/// # What holds
///
/// - `grpc-timeout` says what is left of the context's time, read when the channel is ready for the call, and rounded up. If the
///   request has one already ([`tonic::Request::set_timeout`]), the shorter one counts. If nothing is left, nothing is sent.
/// - Of the context's values those go along as `baggage` that the [`policy`](Self::policy) allows. Other metadata is left
///   as it is.
/// - As soon as the context is done the call fails with [`to_status`](crate::to_status) of its error, wherever it is: waiting for a
///   connection, for the head, or for any message of the answer up to the end of the stream. The peer is told by a reset, also when the
///   request's own stream is still going on: it then never looks as if it had ended regularly. If both are ready, the
///   context wins.
/// - A call that is dropped by its caller is reset in the same way.
/// - `CANCELLED` becomes `DEADLINE_EXCEEDED` when the deadline has passed by this side's clock, and always where tonic says
///   so of its own timeout, which it does with the wrong code.
///
/// # Examples
///
/// ```
/// use purview::{Context, Reason};
/// use purview_tonic::{ClientLayer, ContextExt, StatusExt};
/// use std::time::Duration;
/// use tonic::transport::Endpoint;
/// use tower::ServiceBuilder;
/// # struct CatalogClient<T>(tonic::client::Grpc<T>);
/// # impl<T> CatalogClient<T>
/// # where
/// #     T: tonic::client::GrpcService<tonic::body::Body>,
/// #     T::Error: Into<purview::BoxError>,
/// #     T::ResponseBody: http_body::Body<Data = bytes::Bytes> + Send + 'static,
/// #     <T::ResponseBody as http_body::Body>::Error: Into<purview::BoxError> + Send,
/// # {
/// #     fn new(channel: T) -> Self { Self(tonic::client::Grpc::new(channel)) }
/// #     async fn search(&mut self, query: tonic::Request<String>) -> Result<tonic::Response<String>, tonic::Status> {
/// #         self.0.ready().await.map_err(|error| tonic::Status::unknown(error.into().to_string()))?;
/// #         let path = http::uri::PathAndQuery::from_static("/purview.demo.v1.Catalog/Search");
/// #         self.0.unary(query, path, tonic_prost::ProstCodec::default()).await
/// #     }
/// # }
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
///
/// let channel = Endpoint::from_static("http://127.0.0.1:50051").connect_lazy();
/// let channel = ServiceBuilder::new().layer(ClientLayer::new()).service(channel);
/// let mut client = CatalogClient::new(channel); // as generated
///
/// let (ctx, _canceler) = Context::background().with_timeout(Duration::ZERO); // no time at all: nothing is sent
/// let status = client.search(ctx.request("rust".to_owned())).await.unwrap_err();
/// assert_eq!(status.reason(), Some(Reason::DeadlineExceeded));
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct ClientLayer {
    sending: Sending,
}

impl ClientLayer {
    /// A layer that sends the deadline, and no values.
    ///
    /// # Examples
    ///
    /// See [`ClientLayer`].
    pub fn new() -> Self {
        Self { sending: Sending { policy: Policy::untrusted().send(Format::GrpcTimeout), to: None } }
    }

    /// Which values go along, and to which hosts anything does. The form of the deadline is always `grpc-timeout`.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview_propagate::Policy;
    /// use purview_tonic::ClientLayer;
    ///
    /// let layer = ClientLayer::new().policy(Policy::trusted());
    /// # drop(layer);
    /// ```
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.sending.policy = policy.send(Format::GrpcTimeout);
        self
    }

    /// The host that the channel goes to, maybe with a port, for a policy whose
    /// [`destinations`](Policy::destinations) are named: a channel does not tell where it goes. Without it such a policy sends
    /// no values; the deadline goes anywhere.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview_propagate::{Policy, PolicyError};
    /// use purview_tonic::ClientLayer;
    ///
    /// # fn main() -> Result<(), PolicyError> {
    /// let policy = Policy::trusted().destinations(["svc.cluster.local"])?;
    /// let layer = ClientLayer::new().policy(policy).destination("catalog.svc.cluster.local:443");
    /// # drop(layer);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn destination(mut self, authority: impl Into<Arc<str>>) -> Self {
        self.sending.to = Some(authority.into());
        self
    }
}

impl Default for ClientLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for ClientLayer {
    type Service = ClientService<S>;

    fn layer(&self, inner: S) -> ClientService<S> {
        ClientService { inner, sending: self.sending.clone() }
    }
}

/// A channel whose calls are under contexts. Made by [`ClientLayer`], which says what holds.
///
/// It is always ready: a call waits for the channel by itself, so that this time counts too.
///
/// # Examples
///
/// See [`ClientLayer`].
#[derive(Clone, Debug)]
pub struct ClientService<S> {
    inner: S,
    sending: Sending,
}

impl<S, B> Service<Request<Body>> for ClientService<S>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone,
    S::Error: Into<BoxError>,
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    type Response = Response<ClientBody<B>>;
    type Error = Status;
    type Future = ClientFuture<S>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> ClientFuture<S> {
        let call = Call::begin(&context_of(request.extensions()), &request);
        let request = request.map(|body| upload::guarded(body, &call.ctx));
        ClientFuture::new(self.inner.clone(), self.sending.clone(), request, call)
    }
}

/// What goes out with a call.
#[derive(Clone, Debug)]
struct Sending {
    policy: Policy,
    to: Option<Arc<str>>,
}

impl Sending {
    fn inject(&self, ctx: &Context, request: &mut Request<Body>) -> Result<(), Error> {
        match &self.to {
            Some(authority) => inject_to(ctx, request.headers_mut(), &self.policy, authority),
            None => inject(ctx, request.headers_mut(), &self.policy),
        }
    }
}

/// A call that is not over: dropping it ends its context, which resets what is left of it.
#[derive(Debug)]
struct Call {
    ctx: Context,
    _canceler: Canceler,
}

impl Call {
    fn begin<B>(parent: &Context, request: &Request<B>) -> Self {
        let header = request.headers().get(crate::TIMEOUT);
        // tonic would enforce what the caller set there only up to the head, and call it CANCELLED.
        let limit = header.and_then(|value| Format::GrpcTimeout.decode(value.as_bytes()).ok().flatten());
        let (ctx, canceler) = match limit {
            Some(limit) => parent.derive().timeout(limit).cancelable(),
            None => parent.with_cancel(),
        };
        Self { ctx, _canceler: canceler }
    }
}
