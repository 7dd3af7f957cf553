//! What a user sets up.

use super::request::Shared;
use super::service::ServerService;
use crate::answer::Answer;
use crate::counts::Counts;
use purview::Context;
use purview_propagate::Policy;
use std::sync::Arc;
use tower_layer::Layer;

/// Gives each request a context, and ends it with the request.
///
/// The context is below the root that the layer was made with, has what the [`Policy`] let in of the caller's deadline and
/// values, lies in the extensions of the request, and is the [current](Context::current) one around each poll of the handler and of the
/// response's body. The guide at the root of this crate says when it ends and with which cause.
///
/// Clones share the counts.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use purview::Context;
/// use purview_tower::ServerLayer;
/// use std::convert::Infallible;
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # futures::executor::block_on(async {
/// async fn handle(request: Request<()>) -> Result<Response<Full<Bytes>>, Infallible> {
///     let ctx = request.extensions().get::<Context>().unwrap();
///     assert!(!ctx.is_done());
///     Ok(Response::new(Full::from("hello")))
/// }
///
/// let layer = ServerLayer::new(&Context::background());
/// let response = layer.layer(service_fn(handle)).oneshot(Request::new(())).await.unwrap();
/// assert_eq!(layer.counts().live(), 1); // until the body is at its end
/// # drop(response);
/// # });
/// ```
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing before it is put around a service"]
pub struct ServerLayer {
    shared: Shared,
}

impl ServerLayer {
    /// A layer whose requests are below `root` and end with it: cancel the root to shut down, or let [`Stages`](crate::Stages) do so. Its clock is
    /// the one by which deadlines are measured. It begins with [`Policy::untrusted`] and [`HttpAnswer`](crate::HttpAnswer).
    ///
    /// # Examples
    ///
    /// See [`ServerLayer`].
    pub fn new(root: &Context) -> Self {
        Self { shared: Shared::new(root) }
    }

    /// What to believe of the headers that arrive.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    /// use purview_propagate::Policy;
    /// use purview_tower::ServerLayer;
    ///
    /// let layer = ServerLayer::new(&Context::background()).policy(Policy::trusted());
    /// ```
    pub fn policy(mut self, policy: Policy) -> Self {
        self.shared.policy = policy;
        self
    }

    /// What to say in the handler's place.
    ///
    /// # Examples
    ///
    /// See [`Answer`].
    pub fn answer(mut self, answer: impl Answer) -> Self {
        self.shared.answer = Arc::new(answer);
        self
    }

    /// Does not put the context into the extensions of the request: handlers then find it by
    /// [`Context::current`](Context::current) only. It saves one allocation, and three where nothing else is in there.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    /// use purview_tower::ServerLayer;
    ///
    /// let layer = ServerLayer::new(&Context::background()).without_extension();
    /// ```
    pub fn without_extension(mut self) -> Self {
        self.shared.in_extensions = false;
        self
    }

    /// The counts of all services that this layer, or a clone of it, is around.
    ///
    /// # Examples
    ///
    /// See [`Counts`].
    pub fn counts(&self) -> Counts {
        self.shared.counts.clone()
    }
}

impl<S> Layer<S> for ServerLayer {
    type Service = ServerService<S>;

    fn layer(&self, inner: S) -> ServerService<S> {
        ServerService::new(inner, Arc::new(self.shared.clone()))
    }
}
