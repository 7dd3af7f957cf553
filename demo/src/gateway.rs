//! The gateway: HTTP, by way of the catalog.

use std::io;
use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures::StreamExt as _;
use purview_axum::Ctx;
use purview_tonic::ContextExt as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::catalog::endpoint;
use crate::layers::{self, Client};
use crate::process::Process;
use crate::proto::catalog_client::CatalogClient;
use crate::proto::{Hit, SearchRequest};
use crate::stats;

#[derive(Clone, Debug)]
struct App {
    process: Process,
    catalog: CatalogClient<Client>,
}

/// `catalog` is where that listens.
pub(crate) fn router(process: &Process, catalog: SocketAddr) -> io::Result<Router> {
    let client = layers::grpc_client(&endpoint(catalog)?)?;
    let app = App { process: process.clone(), catalog: CatalogClient::new(client) };
    let routes = Router::new().route("/search", get(search)).route("/watch", get(watch)).with_state(app);
    Ok(stats::offer(layers::http_server(routes, process)?, process))
}

/// `?q=WORDS&work_ms=MILLISECONDS&id=NUMBER`: see the protocol.
#[derive(Debug, Deserialize)]
struct Params {
    q: String,
    #[serde(default)]
    work_ms: u32,
    #[serde(default)]
    id: u64,
}

impl From<Params> for SearchRequest {
    fn from(params: Params) -> Self {
        Self { query: params.q, work_ms: params.work_ms, request_id: params.id }
    }
}

/// `GET /search`: the best hits, as JSON.
async fn search(
    State(mut app): State<App>,
    Ctx(ctx): Ctx,
    Query(params): Query<Params>,
) -> Result<Json<Value>, Response> {
    let mut open = app.process.ledger.begin(&ctx, params.id);
    let reply = app.catalog.search(ctx.request(params.into())).await;
    let reply = reply.map_err(|status| refusal(&status))?.into_inner();
    open.rows(reply.hits.len() as u64);
    open.answered();
    Ok(Json(json!({ "tenant": reply.tenant, "rows": reply.rows, "hits": hits(&reply.hits) })))
}

/// `GET /watch`: the same search as it goes on, a line of JSON for each piece.
async fn watch(
    State(mut app): State<App>,
    Ctx(ctx): Ctx,
    Query(params): Query<Params>,
) -> Result<Response, Response> {
    let mut open = app.process.ledger.begin(&ctx, params.id);
    let events = app.catalog.watch(ctx.request(params.into())).await;
    let events = events.map_err(|status| refusal(&status))?.into_inner();
    let lines = events.map(move |event| {
        event.map(|event| {
            open.rows(event.hits.len() as u64);
            let line = json!({ "tenant": event.tenant, "rows": event.rows, "hits": hits(&event.hits) });
            format!("{line}\n")
        })
    });
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response())
}

fn hits(hits: &[Hit]) -> Value {
    hits.iter().map(|hit| json!({ "id": hit.id, "title": hit.title, "score": hit.score })).collect()
}

/// What the catalog's refusal is over HTTP.
fn refusal(status: &Status) -> Response {
    let code = match status.code() {
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::InvalidArgument => StatusCode::BAD_REQUEST,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::Cancelled | Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_GATEWAY,
    };
    (code, format!("{}\n", status.message())).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_of_the_catalog_has_a_status_of_http() {
        for (code, status) in [
            (Code::DeadlineExceeded, 504),
            (Code::Cancelled, 503),
            (Code::Unavailable, 503),
            (Code::InvalidArgument, 400),
            (Code::PermissionDenied, 403),
            (Code::Internal, 502),
            (Code::Unknown, 502),
        ] {
            assert_eq!(refusal(&Status::new(code, "why")).status(), status, "{code:?}");
        }
    }
}
