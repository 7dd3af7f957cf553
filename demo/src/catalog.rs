//! The catalog: gRPC, by way of the store.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use axum::Router;
use futures::{Stream, StreamExt as _};
use purview_tonic::{ContextExt as _, RequestExt as _, to_status};
use tonic::service::Routes;
use tonic::transport::Endpoint;
use tonic::{Request, Response, Status, Streaming};

use crate::layers::{self, Client};
use crate::process::Process;
use crate::proto::catalog_server::{Catalog, CatalogServer};
use crate::proto::store_client::StoreClient;
use crate::proto::{
    ImportItem, ImportReply, InsertRequest, SearchReply, SearchRequest, StatsReply, StatsRequest, WatchEvent,
};
use crate::stats;
use crate::store::{MAX_TEXT, MAX_TITLES, check};

#[derive(Debug)]
struct Service {
    process: Process,
    store: StoreClient<Client>,
}

/// `store` is where that listens.
pub(crate) fn router(process: &Process, store: SocketAddr) -> io::Result<Router> {
    let client = layers::grpc_client(&endpoint(store)?)?;
    let service = Service { process: process.clone(), store: StoreClient::new(client) };
    let routes = Routes::new(CatalogServer::new(service)).into_axum_router();
    Ok(stats::offer(layers::grpc_server(routes, process)?, process))
}

pub(crate) fn endpoint(addr: SocketAddr) -> io::Result<Endpoint> {
    Ok(Endpoint::from_shared(format!("http://{addr}")).map_err(io::Error::other)?.tcp_nodelay(true))
}

#[tonic::async_trait]
impl Catalog for Service {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<WatchEvent, Status>> + Send>>;

    async fn search(&self, request: Request<SearchRequest>) -> Result<Response<SearchReply>, Status> {
        let ctx = request.context();
        let message = request.into_inner();
        check(&message)?;
        let mut open = self.process.ledger.begin(&ctx, message.request_id);
        let mut store = self.store.clone();
        // A task of its own, as services start them in many places. That the caller leaves drops this handler and not the
        // task: only its context stops it.
        let task = tokio::spawn(async move {
            let reply = ctx.run(store.find(ctx.request(message))).await;
            let reply = reply.map_err(to_status)??.into_inner();
            open.rows(reply.hits.len() as u64);
            open.answered();
            Ok(Response::new(reply))
        });
        task.await.map_err(|error| Status::internal(format!("the search did not end: {error}")))?
    }

    async fn watch(&self, request: Request<SearchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let ctx = request.context();
        let message = request.into_inner();
        check(&message)?;
        let mut open = self.process.ledger.begin(&ctx, message.request_id);
        let mut store = self.store.clone();
        let scan = ctx.run(store.scan(ctx.request(message))).await;
        let events = scan.map_err(to_status)??.into_inner();
        let events = events.map(move |event| event.inspect(|event| open.rows(event.hits.len() as u64)));
        Ok(Response::new(Box::pin(events)))
    }

    async fn import(&self, request: Request<Streaming<ImportItem>>) -> Result<Response<ImportReply>, Status> {
        let ctx = request.context();
        let mut items = ctx.messages(request.into_inner());
        let (mut titles, mut whole) = (Vec::new(), false);
        // All of it first: only an upload that came to its end has anything to insert.
        while let Some(item) = items.next().await {
            let item = item?;
            if titles.len() == MAX_TITLES || item.title.len() > MAX_TEXT {
                let message = format!("at most {MAX_TITLES} titles of {MAX_TEXT} bytes are accepted");
                return Err(Status::invalid_argument(message));
            }
            titles.push(item.title);
            whole = item.last;
        }
        if !whole {
            return Err(Status::aborted("the upload ended before its last item"));
        }
        let insert = ctx.request(InsertRequest { titles });
        let reply = ctx.run(self.store.clone().insert(insert)).await;
        reply.map_err(to_status)?
    }

    async fn stats(&self, _request: Request<StatsRequest>) -> Result<Response<StatsReply>, Status> {
        Ok(Response::new(StatsReply { json: stats::snapshot(&self.process).to_string() }))
    }
}
