//! A handler whose work runs in a task of its own: nobody drops that task when the client goes, it stops by its context.

use std::time::Duration;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use purview::{Context, Error, Reason};
use serde::Deserialize;

use crate::{App, ShuttingDown};

/// The part of the query string that is for the handler.
#[derive(Deserialize)]
pub(crate) struct Amount {
    ms: u64,
}

/// `GET /work?ms=1000`: works for so long, if the request's context lets it.
pub(crate) async fn handler(
    State(app): State<App>,
    Extension(ctx): Extension<Context>,
    Query(amount): Query<Amount>,
) -> (StatusCode, String) {
    // A context derived from the request's, for a task that may outlive the handler: the server drains only when it is gone.
    let task = tokio::spawn(work(ctx.named("work"), app, Duration::from_millis(amount.ms)));
    match task.await {
        Ok(Ok(text)) => (StatusCode::OK, text),
        Ok(Err(error)) => (status(&error), format!("{}\n", told(&error))),
        Err(panic) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{panic}\n")),
    }
}

/// The work itself: here it sleeps. Real work would hand the context on to its queries and calls.
async fn work(ctx: Context, app: App, amount: Duration) -> Result<String, Error> {
    let start = ctx.clock().now();
    let worked = ctx.sleep(amount).await;
    let spent = ctx.clock().now().duration_since(start).as_millis();
    match worked {
        Ok(()) => {
            app.log(format!("worked for {spent} ms"));
            Ok(format!("worked for {} ms\n", amount.as_millis()))
        }
        Err(error) => {
            app.log(format!("stopped after {spent} ms: {}", told(&error)));
            Err(error)
        }
    }
}

/// What the client is told by the status. One that is gone sees none of it; 499 is what logs show then.
fn status(error: &Error) -> StatusCode {
    match error.reason() {
        Reason::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Reason::Canceled if error.cause().is::<ShuttingDown>() => StatusCode::SERVICE_UNAVAILABLE,
        Reason::Canceled => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
    }
}

/// What happened, and why.
fn told(error: &Error) -> String {
    match error.reason() {
        Reason::DeadlineExceeded => "deadline exceeded".to_owned(),
        Reason::Canceled => format!("canceled: {}", error.cause()),
    }
}
