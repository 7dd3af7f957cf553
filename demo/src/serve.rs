//! Serves HTTP/1 and HTTP/2 (by prior knowledge) on one port, and ends well.

use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use purview::Context;
use tokio::net::{TcpListener, TcpStream};

use crate::process::Process;

/// Requests at a time over one connection: the gateway has a single one to the catalog, for all of its callers.
const STREAMS: u32 = 10_000;

/// Resets that may wait to be seen. Callers who leave in crowds are what this is for; the default takes them for an attack.
const RESETS: usize = 10_000;

/// A peer that says nothing for so long is asked, and is gone if it does not answer.
const SILENCE: Duration = Duration::from_secs(20);

/// After this a connection that cannot be ended well is dropped.
const CLOSE: Duration = Duration::from_secs(2);

/// How long accepting rests after an error, such as too many open files.
const REST: Duration = Duration::from_millis(50);

/// Serves until `stopping` is done, then until the work of `process` has let go. Whether it did.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    process: &Process,
    stopping: &Context,
) -> bool {
    let connections = GracefulShutdown::new();
    let builder = builder();
    while let Ok(accepted) = stopping.run(listener.accept()).await {
        match accepted {
            Ok((stream, _)) => serve_connection(&builder, &connections, stream, router.clone()),
            Err(error) => {
                eprintln!("{}: cannot accept: {error}", process.role.name());
                let _ = stopping.sleep(REST).await;
            }
        }
    }
    drop(listener);

    // Connections take no more requests from here on; those that are under way end by themselves or are canceled.
    let closing = tokio::spawn(connections.shutdown());
    let drained = process.drain().await;
    let limit = Context::root(process.requests().clock()).derive().timeout(CLOSE).build();
    let _ = limit.run(closing).await;
    drained
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new());
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_pending_accept_reset_streams(RESETS)
        .max_local_error_reset_streams(RESETS)
        .keep_alive_interval(SILENCE)
        .keep_alive_timeout(SILENCE);
    builder
}

fn serve_connection(
    builder: &Builder<TokioExecutor>,
    connections: &GracefulShutdown,
    stream: TcpStream,
    router: Router,
) {
    // Small frames should not wait for each other; where that cannot be set they do.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router);
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        // A peer that breaks off is no error of ours: what it had asked for was told by its context.
        let _ = connection.await;
    });
}
