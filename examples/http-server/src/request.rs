//! Each request's context: made by a middleware, so that handlers only take it.

use std::fmt;
use std::time::Duration;

use axum::extract::{Query, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use purview::Canceler;
use serde::Deserialize;

use crate::App;

/// The deadline of a request that does not ask for one.
const DEFAULT: Duration = Duration::from_secs(5);

/// The part of the query string that is for the middleware.
#[derive(Deserialize)]
pub(crate) struct Limits {
    deadline_ms: Option<u64>,
}

/// Gives the request a context, for handlers to take as `Extension<Context>`, and ends it with the answer.
pub(crate) async fn with_context(
    State(app): State<App>,
    Query(limits): Query<Limits>,
    mut request: Request,
    next: Next,
) -> Response {
    let limit = limits.deadline_ms.map_or(DEFAULT, Duration::from_millis);
    let (ctx, canceler) = app.requests.derive().timeout(limit).named("request").cancelable();
    let client = Client(Some(canceler));
    request.extensions_mut().insert(ctx);

    let response = next.run(request).await;
    client.answered();
    response
}

/// Watches the client. When it disconnects, the server drops the future above, and this with it, before its answer.
struct Client(Option<Canceler>);

impl Client {
    /// The request is over: what it has started and left behind is canceled as well, by the canceler's own drop.
    fn answered(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // A handler that panics is dropped too, and that is not the client's doing: the canceler's own drop cancels then.
        if let Some(canceler) = self.0.take().filter(|_| !std::thread::panicking()) {
            canceler.cancel_with(ClientGone);
        }
    }
}

/// The cause when the client disconnects before it has its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientGone;

impl fmt::Display for ClientGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("client gone")
    }
}

impl std::error::Error for ClientGone {}
