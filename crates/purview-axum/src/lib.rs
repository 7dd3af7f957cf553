//! An extractor that hands an axum handler the context of its request.
//!
//! The context comes from the server layer of `purview-tower`, which goes around the router; [`Ctx`] takes it out.
//!
//! ```
//! use axum::{Router, routing::get};
//! use purview::{Context, Error};
//! use purview_axum::Ctx;
//! use purview_tower::{ServerLayer, Stages};
//!
//! async fn search(Ctx(ctx): Ctx) -> String {
//!     match load(&ctx).await {
//!         Ok(rows) => rows,
//!         Err(error) => error.to_string(), // late, or nobody is there to read it
//!     }
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
//! Put the layer outside of every other that should see the context, with `Router::layer` after the routes; it then ends with the
//! response, as the guide of `purview-tower` says.

#![forbid(unsafe_code)]

use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use purview::Context;
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
