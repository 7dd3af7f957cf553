//! Handlers that go on for a while after they were dropped, as tasks of tokio.

use http::Request;
use purview::Context;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tower_layer::Layer;
use tower_service::Service;

/// Lets handlers that are dropped before they are ready go on as tasks of tokio, for a bounded time and in bounded number: for those
/// that must not be cut at any `await`.
///
/// Put it right inside of [`ServerLayer`](crate::ServerLayer), which drops a handler when its context is done: late, client gone, shutdown. The
/// handler still sees that its context is done, can put its things away, and ends after the grace at the latest, dropped where it
/// waits then. What it gives in the end goes to nobody. It is dropped at once, as without this layer, when so many
/// run already, outside of a tokio runtime, if its request has no context, and if it was never polled: then it is in the middle of
/// nothing.
///
/// It boxes each handler: one allocation.
///
/// # Examples
///
/// ```
/// use purview::Context;
/// use purview_tower::{DetachLayer, ServerLayer};
/// use std::time::Duration;
/// use tower::ServiceBuilder;
///
/// let detach = DetachLayer::new(Duration::from_secs(5), 1_000);
/// let stack = ServiceBuilder::new()
///     .layer(ServerLayer::new(&Context::background()))
///     .layer(detach.clone());
/// assert_eq!(detach.running(), 0);
/// # drop(stack);
/// ```
#[derive(Clone)]
#[must_use = "a layer does nothing before it is put around a service"]
pub struct DetachLayer {
    shared: Arc<Shared>,
}

struct Shared {
    grace: Duration,
    at_most: usize,
    permits: Arc<Semaphore>,
    refused: AtomicU64,
}

impl DetachLayer {
    /// Handlers go on for `grace` at most, measured by the clock of their context, and no more than `at_most` of them at once.
    ///
    /// The bound is what stands between a client that opens requests and resets them at once, and a server that is full of
    /// handlers nobody waits for. More than `usize::MAX >> 3` counts as that.
    ///
    /// # Examples
    ///
    /// See [`DetachLayer`].
    pub fn new(grace: Duration, at_most: usize) -> Self {
        let at_most = at_most.min(Semaphore::MAX_PERMITS);
        let permits = Arc::new(Semaphore::new(at_most));
        Self { shared: Arc::new(Shared { grace, at_most, permits, refused: AtomicU64::new(0) }) }
    }

    /// How many go on at this moment.
    ///
    /// # Examples
    ///
    /// See [`DetachLayer`].
    pub fn running(&self) -> usize {
        self.shared.at_most - self.shared.permits.available_permits()
    }

    /// How many were dropped at once since so many ran already, or there was no runtime.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// let detach = purview_tower::DetachLayer::new(Duration::from_secs(5), 0); // none
    /// assert_eq!(detach.refused(), 0);
    /// ```
    pub fn refused(&self) -> u64 {
        self.shared.refused.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for DetachLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DetachLayer")
            .field("grace", &self.shared.grace)
            .field("at_most", &self.shared.at_most)
            .field("running", &self.running())
            .field("refused", &self.refused())
            .finish()
    }
}

impl<S> Layer<S> for DetachLayer {
    type Service = DetachService<S>;

    fn layer(&self, inner: S) -> DetachService<S> {
        DetachService { inner, layer: self.clone() }
    }
}

/// A service whose handlers may go on. Made by [`DetachLayer`].
///
/// # Examples
///
/// See [`DetachLayer`].
#[derive(Clone, Debug)]
pub struct DetachService<S> {
    inner: S,
    layer: DetachLayer,
}

impl<S, Q> Service<Request<Q>> for DetachService<S>
where
    S: Service<Request<Q>>,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = DetachFuture<Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let ctx = request.extensions().get().cloned().or_else(Context::current);
        let handler = Some(Box::pin(self.inner.call(request)) as Handler<_>);
        DetachFuture { handler, begun: false, ctx, layer: self.layer.clone() }
    }
}

/// A handler that goes on by itself if this is dropped before it is ready. Made by [`DetachService`].
///
/// # Examples
///
/// See [`DetachLayer`].
#[must_use = "futures do nothing unless polled"]
pub struct DetachFuture<R: Send + 'static> {
    /// None while it is polled, so that one that panics does not go on, and when it is ready.
    handler: Option<Handler<R>>,
    begun: bool,
    ctx: Option<Context>,
    layer: DetachLayer,
}

type Handler<R> = Pin<Box<dyn Future<Output = R> + Send>>;

impl<R: Send + 'static> Future for DetachFuture<R> {
    type Output = R;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<R> {
        let Some(mut handler) = self.handler.take() else {
            panic!("the handler was polled after it was ready")
        };
        self.begun = true;
        let polled = handler.as_mut().poll(cx);
        if polled.is_pending() {
            self.handler = Some(handler);
        }
        polled
    }
}

impl<R: Send + 'static> Drop for DetachFuture<R> {
    fn drop(&mut self) {
        if let (true, Some(handler), Some(ctx)) = (self.begun, self.handler.take(), self.ctx.take()) {
            self.layer.shared.go_on(handler, &ctx);
        }
    }
}

impl Shared {
    fn go_on<R: Send + 'static>(&self, handler: Handler<R>, ctx: &Context) {
        let permit = Arc::clone(&self.permits).try_acquire_owned();
        let (Ok(permit), Ok(runtime)) = (permit, Handle::try_current()) else {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let grace = ctx.derive().without_cancel().timeout(self.grace).build();
        let handler = ctx.scoped(handler);
        runtime.spawn(async move {
            let _permit = permit;
            // An answer that comes now is for nobody.
            drop(grace.run(handler).await);
        });
    }
}

impl<R: Send + 'static> fmt::Debug for DetachFuture<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DetachFuture").field("ctx", &self.ctx).finish_non_exhaustive()
    }
}
