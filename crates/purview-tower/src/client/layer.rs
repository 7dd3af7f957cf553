//! What a user sets up.

use super::service::ClientService;
use purview_propagate::Policy;
use tower_layer::Layer;

/// Sends with each call what is left of its context's time, and the values that the policy lets out; stops the call, and the
/// body of its response, when the context is done.
///
/// The context is the one in the extensions of the request, else the [current](purview::Context::current) one. A call that has
/// neither goes through untouched.
///
/// Put it innermost, next to the connection: what is left is read when it is called, and time that is spent in queues, retries or
/// rate limits around it is then counted. Each retry or redirect that comes through it sends what is left then; headers
/// of an earlier attempt are replaced.
///
/// # Examples
///
/// ```
/// use http::{Request, Response};
/// use purview::Context;
/// use purview_tower::ClientLayer;
/// use std::convert::Infallible;
/// use std::time::Duration;
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # futures::executor::block_on(async {
/// async fn send(request: Request<()>) -> Result<Response<String>, Infallible> {
///     Ok(Response::new(request.headers()["x-request-timeout-ms"].to_str().unwrap().to_owned()))
/// }
///
/// let (ctx, _canceler) = Context::background().with_timeout(Duration::from_secs(3600));
/// let mut request = Request::new(());
/// request.extensions_mut().insert(ctx);
/// let response = ClientLayer::new().layer(service_fn(send)).oneshot(request).await.unwrap();
/// # drop(response);
/// # });
/// ```
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing before it is put around a service"]
pub struct ClientLayer {
    policy: Policy,
}

impl ClientLayer {
    /// A layer with [`Policy::untrusted`]: it sends what is left, and no values.
    ///
    /// # Examples
    ///
    /// See [`ClientLayer`].
    pub fn new() -> Self {
        Self { policy: Policy::untrusted() }
    }

    /// What to send, and to whom.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview_propagate::Policy;
    /// let layer = purview_tower::ClientLayer::new().policy(Policy::trusted());
    /// ```
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
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
        ClientService::new(inner, self.policy.clone())
    }
}
