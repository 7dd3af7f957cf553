//! An extractor that hands an axum handler the context of its request, and the answer of a handler whose context has ended.
//!
//! The context comes from the server layer of `purview-tower`, which goes around the router; [`Ctx`] takes it out. A handler that is
//! told first that its context is done answers for itself: [`Stopped`] gives it the layer's statuses.
//!
//! ```
//! use axum::{Router, routing::get};
//! use purview::{Context, Error};
//! use purview_axum::{Ctx, Stopped};
//! use purview_tower::{ServerLayer, Stages};
//!
//! async fn search(Ctx(ctx): Ctx) -> Result<String, Stopped> {
//!     Ok(load(&ctx).await?) // 504 if it is late, 503 if the server shuts down
//! }
//!
//! /// Stops when the request does: at its deadline, when the client hangs up, when the server shuts down.
//! async fn load(ctx: &Context) -> Result<String, Error> {
//!     ctx.run(async { "7 rows".to_owned() }).await
//! }
//!
//! let stages = Stages::new(&Context::background());
//! let app: Router = Router::new().route("/search", get(search)).layer(ServerLayer::new(stages.context()));
//! // axum::serve(listener, app).await
//! # drop(app);
//! ```
//!
//! With a shutdown in two stages: on a signal the server takes no more connections, and what still runs after ten seconds is stopped.
//!
//! ```
//! use axum::Router;
//! use purview_tower::{Stages, draining_context};
//! use std::time::Duration;
//!
//! async fn serve(app: Router, stages: Stages, signal: impl Future + Send + 'static) -> std::io::Result<()> {
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//!     // The first stage, not the second, which is the end of `stages.context()` itself.
//!     let draining = draining_context(stages.context()).expect("of these stages");
//!     tokio::spawn(async move {
//!         signal.await;
//!         stages.shutdown_after(Duration::from_secs(10));
//!     });
//!     axum::serve(listener, app).with_graceful_shutdown(async move { _ = draining.done().await }).await
//! }
//! # let stages = Stages::new(&purview::Context::background());
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
//! # runtime.block_on(serve(Router::new(), stages, std::future::ready(()))).unwrap();
//! ```
//!
//! Put the layer outside of every other that should see the context, with `Router::layer` after the routes; it then ends with the
//! response, as the guide of `purview-tower` says.

#![forbid(unsafe_code)]

use axum_core::body::Body;
use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use purview::{Context, Reason};
use purview_tower::{Answer, HttpAnswer, Why};
use std::error::Error;
use std::fmt;
use std::ops::Deref;

/// The context of the request: the one that the server layer put into its extensions, else the
/// [current](Context::current) one.
///
/// It is done when the request is over, however that comes; keep it to stop with the request, and not to outlive it.
///
/// # Examples
///
/// ```
/// use purview_axum::Ctx;
///
/// async fn remaining(Ctx(ctx): Ctx) -> String {
///     format!("{:?} left", ctx.remaining())
/// }
/// # drop(remaining);
/// ```
#[derive(Clone, Debug)]
pub struct Ctx(pub Context);

impl<S: Sync> FromRequestParts<S> for Ctx {
    type Rejection = NoContext;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, NoContext> {
        parts.extensions.get().cloned().or_else(Context::current).map(Self).ok_or(NoContext(()))
    }
}

impl Deref for Ctx {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.0
    }
}

/// The answer of a handler whose context has ended, by the table of [`HttpAnswer`]: what the server layer says where the handler says nothing.
///
/// | how the context ended | status |
/// |---|---|
/// | [`Reason::DeadlineExceeded`] | 504 |
/// | [`Reason::Canceled`]: the server shuts down, or whoever else canceled it | 503; nobody reads it if the client is gone |
/// | (there is none: [`NoContext`]) | 500 |
///
/// Its text is the table's: causes are for us, and are not told to the client.
///
/// # Examples
///
/// ```
/// use axum::response::IntoResponse;
/// use purview::Context;
/// use purview_axum::{Ctx, Stopped};
/// use std::time::Duration;
///
/// async fn search(Ctx(ctx): Ctx) -> Result<String, Stopped> {
///     ctx.check()?;
///     Ok("7 rows".to_owned())
/// }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let late = Context::background().derive().timeout(Duration::ZERO).build();
/// let answer = search(Ctx(late)).await.into_response();
/// assert_eq!(answer.status(), 504);
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct Stopped(pub purview::Error);

impl From<purview::Error> for Stopped {
    fn from(error: purview::Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// It shows the text of the error inside, whose source is the source.
impl Error for Stopped {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

impl IntoResponse for Stopped {
    fn into_response(self) -> Response {
        let why = match self.0.reason() {
            Reason::DeadlineExceeded => Why::Late(&self.0),
            Reason::Canceled => Why::Shutdown(&self.0),
        };
        HttpAnswer::new().answer(&why).map(Body::from)
    }
}

/// There is no context: the server layer is missing around the route. Answered with 500, since it is the server's mistake.
///
/// # Examples
///
/// ```
/// use axum::response::IntoResponse;
/// use axum::{Router, body::Body, http::Request, routing::get};
/// use purview_axum::Ctx;
/// use tower::ServiceExt;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let app: Router = Router::new().route("/", get(|_: Ctx| async {})); // and no layer
/// let response = app.oneshot(Request::new(Body::empty())).await.unwrap();
/// assert_eq!(response.status(), 500);
/// # });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoContext(());

impl fmt::Display for NoContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "no context in this request: the server layer of purview-tower is missing around the route",
        )
    }
}

impl Error for NoContext {}

impl IntoResponse for NoContext {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, self.to_string()).into_response()
    }
}
