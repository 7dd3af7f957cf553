//! The side that is called: a context for each call, which ends with the call.

mod answer;
mod inbound;
mod upload;

pub use self::answer::GrpcAnswer;
pub use self::inbound::{Inbound, InboundFuture};

use purview::Context;
use purview_propagate::Policy;
use purview_tower::{Counts, ServerService};
use purview_wire::Format;
use tower_layer::Layer;

/// Begins a context for every call of a gRPC server, and ends it with the call.
///
/// It is [`purview_tower::ServerLayer`] with the words of gRPC ([`GrpcAnswer`]), `grpc-timeout` as the only form of a deadline, and
/// request streams that never look finished when their client has left. A handler gets its context by
/// [`RequestExt::context`](crate::RequestExt::context), or as the [current one](Context::current).
///
/// # What holds
///
/// - A call whose time is up ends with `DEADLINE_EXCEEDED` (4), before the head and in the middle of a stream. The handler is
///   polled once more when its context is done, so that it may say something better, and is then dropped.
/// - The context lives to the end of the response's body, and is the current one around each poll of the handler and of the body.
/// - When the client leaves, the context is canceled with [`ClientGone`](purview_tower::ClientGone), and the handler is dropped where
///   it waits. Whoever else reads the request stream (a task, a call that it is passed on by) sees an `Err`, and its context done, not
///   the end, which tonic alone makes of a reset with `CANCEL`. As tonic does so by the code, the code seen is `ABORTED`;
///   [`Messages`](crate::Messages) has it right.
/// - `grpc-timeout` is taken out of the metadata: it is stale as soon as it is read. [`Context::remaining`] has it.
///
/// # Where to put it
///
/// Around the [`Routes`](https://docs.rs/tonic/latest/tonic/service/struct.Routes.html), served by axum (feature `http2`) or
/// hyper: then nothing but this layer reads `grpc-timeout`, and all of the above holds.
///
/// Or in tonic's own server, by `Server::builder().layer(..)`. There it is *inside* of tonic's own timeout, which reads the same header
/// and answers `CANCELLED` (1), with the text "Timeout expired". Our deadline begins first, and is looked at first and by the exact
/// clock at every poll, while tonic's timer counts in whole milliseconds, rounded up. What is left is a gap: a call that is polled just
/// before its deadline, in a thread that is taken off the processor between these two looks until after it. And tonic enforces the header
/// also where the policy does not: where it gives more time (`floor`), ignores what tonic can read (`+5m`), or is switched
/// off. Do not set `Server::timeout`: the policy's `cap` does the same, with the right status.
///
/// # Examples
///
/// Served by axum:
///
/// ```
/// use purview::Context;
/// use purview_tonic::ServerLayer;
/// use tonic::service::Routes;
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let routes = Routes::default();
/// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
/// let (root, canceler) = Context::background().with_cancel(); // or `purview_tower::Stages`
/// let app = routes.into_axum_router().layer(ServerLayer::new(&root)); // Routes::new(CatalogServer::new(catalog))
/// let server = axum::serve(listener, app).with_graceful_shutdown(async move { drop(root.done().await) });
/// # canceler.cancel();
/// server.await.unwrap();
/// # });
/// ```
///
/// In tonic's own server:
///
/// ```
/// use purview::Context;
/// use purview_tonic::ServerLayer;
/// use tonic::service::Routes;
/// use tonic::transport::Server;
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let (routes, addr) = (Routes::default(), "127.0.0.1:0".parse().unwrap());
/// let (root, canceler) = Context::background().with_cancel();
/// let server = Server::builder().layer(ServerLayer::new(&root)).add_routes(routes);
/// # canceler.cancel();
/// server.serve_with_shutdown(addr, async move { drop(root.done().await) }).await.unwrap();
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct ServerLayer(purview_tower::ServerLayer);

impl ServerLayer {
    /// A layer whose contexts are below `root`: when that is canceled, every call ends.
    ///
    /// # Examples
    ///
    /// See [`ServerLayer`].
    pub fn new(root: &Context) -> Self {
        let layer = purview_tower::ServerLayer::new(root).answer(GrpcAnswer);
        Self(layer).policy(Policy::untrusted())
    }

    /// What a caller may ask for. The form of the deadline is always `grpc-timeout`.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    /// use purview_propagate::Policy;
    /// use purview_tonic::ServerLayer;
    /// use std::time::Duration;
    ///
    /// let policy = Policy::untrusted().cap(Duration::from_secs(30));
    /// let layer = ServerLayer::new(&Context::background()).policy(policy);
    /// # drop(layer);
    /// ```
    #[must_use]
    pub fn policy(self, policy: Policy) -> Self {
        Self(self.0.policy(policy.read_formats([Format::GrpcTimeout])))
    }

    /// How many calls there are, and how the others ended.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    /// use purview_tonic::ServerLayer;
    ///
    /// let counts = ServerLayer::new(&Context::background()).counts();
    /// assert_eq!(counts.live(), 0);
    /// ```
    pub fn counts(&self) -> Counts {
        self.0.counts()
    }
}

impl<S> Layer<S> for ServerLayer {
    type Service = ServerService<Inbound<S>>;

    fn layer(&self, inner: S) -> Self::Service {
        self.0.layer(Inbound::new(inner))
    }
}
