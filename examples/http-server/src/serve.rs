//! Serves, and shuts down: cancel everything, let it answer, and wait until all has let go.

use std::fmt;
use std::io;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::{App, DRAIN, request, work};

/// Serves until `shutdown` comes, and then until all requests have answered and all work has let go.
pub async fn serve(listener: TcpListener, app: App, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let router = Router::new()
        .route("/work", get(work::handler))
        .layer(from_fn_with_state(app.clone(), request::with_context))
        .with_state(app.clone());

    // The context above all requests is the server's signal to stop, too.
    let done = app.requests.done().into_owned();
    let stop = async {
        done.await;
    };
    let server = tokio::spawn(axum::serve(listener, router).with_graceful_shutdown(stop).into_future());

    shutdown.await;
    app.log(format!("shutting down, {} live", app.live()));
    app.cancel.cancel_with(ShuttingDown);

    // Under the root: a limit that is derived from `requests` would be done already, and never let it drain.
    let (limit, _cancel) = app.root.with_timeout(DRAIN);
    let drained = limit.run(async {
        let outcome = server.await;
        app.requests.drained().await;
        outcome
    });
    let Ok(outcome) = drained.await else {
        // Some client does not read its answer, or some work does not look at its context.
        app.log(format!("not drained after {DRAIN:?}, {} live", app.live()));
        return Ok(());
    };
    app.log("drained");
    outcome.map_err(io::Error::other)?
}

/// The cause when the server shuts down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShuttingDown;

impl fmt::Display for ShuttingDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("server is shutting down")
    }
}

impl std::error::Error for ShuttingDown {}
