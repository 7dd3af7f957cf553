//! The store: gRPC over SQLite. Queries run on a few blocking threads and stop when their context is done.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use futures::Stream;
use purview::Context;
use purview_tonic::{RequestExt as _, to_status};
use rusqlite::Connection;
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use crate::account::Open;
use crate::database::{self, Database, QueryError, Search, TENANTS, locked};
use crate::layers::{self, TENANT};
use crate::process::Process;
use crate::proto::store_server::{Store, StoreServer};
use crate::proto::{
    Hit, ImportReply, InsertRequest, SearchReply, SearchRequest, StatsReply, StatsRequest, WatchEvent,
};
use crate::stats;

/// Queries at a time, each in a thread with a connection of its own. Others wait.
const THREADS: usize = 8;

/// Limits of what a caller may ask.
pub(crate) const MAX_TEXT: usize = 256;
pub(crate) const MAX_WORK_MS: u32 = 600_000;
pub(crate) const MAX_TITLES: usize = 10_000;

/// Pieces of a scan that may wait for a caller who reads slowly.
const AHEAD: usize = 4;

#[derive(Debug)]
struct Service {
    process: Process,
    pool: Arc<Pool>,
}

pub(crate) fn router(process: &Process) -> io::Result<Router> {
    let name = format!("purview-demo-{}-{}", std::process::id(), process.ledger.stamps().now());
    let database = Database::create(&std::env::temp_dir(), &name)?;
    let service = Service { process: process.clone(), pool: Arc::new(Pool::new(database)) };
    let routes = Routes::new(StoreServer::new(service)).into_axum_router();
    Ok(stats::offer(layers::grpc_server(routes, process)?, process))
}

#[tonic::async_trait]
impl Store for Service {
    type ScanStream = Pin<Box<dyn Stream<Item = Result<WatchEvent, Status>> + Send>>;

    async fn find(&self, request: Request<SearchRequest>) -> Result<Response<SearchReply>, Status> {
        let (ctx, ask, id) = accept(request)?;
        let ledger = self.process.ledger.clone();
        let tenant = ask.tenant.clone();
        let work = move |connection: &mut Connection, ctx: &Context| {
            let open = Arc::new(Mutex::new(ledger.begin(ctx, id)));
            let mut hits = Vec::new();
            let rows = database::search(connection, ctx, &ask, &open, |more, _| {
                hits = best(std::mem::take(&mut hits), more);
                true
            })?;
            answered(open);
            Ok((hits, rows))
        };
        let (hits, rows) = self.pool.run(&ctx, work).await?;
        Ok(Response::new(SearchReply { hits, rows, tenant }))
    }

    async fn scan(&self, request: Request<SearchRequest>) -> Result<Response<Self::ScanStream>, Status> {
        let (ctx, ask, id) = accept(request)?;
        let (sender, receiver) = mpsc::channel(AHEAD);
        let (ledger, pool) = (self.process.ledger.clone(), Arc::clone(&self.pool));
        tokio::spawn(async move {
            let events = sender.clone();
            let work = move |connection: &mut Connection, ctx: &Context| {
                let open = Arc::new(Mutex::new(ledger.begin(ctx, id)));
                database::search(connection, ctx, &ask, &open, |hits, rows| {
                    let event = WatchEvent { hits, rows, tenant: ask.tenant.clone() };
                    events.blocking_send(Ok(event)).is_ok()
                })?;
                answered(open);
                Ok(())
            };
            if let Err(status) = pool.run(&ctx, work).await {
                // Nobody reads any more: then nobody needs to know.
                let _ = ctx.run(sender.send(Err(status))).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn insert(&self, request: Request<InsertRequest>) -> Result<Response<ImportReply>, Status> {
        let ctx = request.context();
        let titles = request.into_inner().titles;
        if titles.len() > MAX_TITLES || titles.iter().any(|title| title.len() > MAX_TEXT) {
            return Err(Status::invalid_argument("at most 10,000 titles of 256 bytes are accepted"));
        }
        let tenant = tenant(&ctx)?;
        let work = move |connection: &mut Connection, ctx: &Context| {
            database::insert(connection, ctx, &tenant, &titles)
        };
        let imported = self.pool.run(&ctx, work).await?;
        Ok(Response::new(ImportReply { imported }))
    }

    async fn stats(&self, _request: Request<StatsRequest>) -> Result<Response<StatsReply>, Status> {
        Ok(Response::new(StatsReply { json: stats::snapshot(&self.process).to_string() }))
    }
}

/// The context of a search, what it is for, and whom it is counted for.
fn accept(request: Request<SearchRequest>) -> Result<(Context, Search, u64), Status> {
    let ctx = request.context();
    let message = request.into_inner();
    check(&message)?;
    let work = Duration::from_millis(message.work_ms.into());
    let ask = Search { tenant: tenant(&ctx)?, query: message.query, work };
    Ok((ctx, ask, message.request_id))
}

/// Whether a search is within limits.
pub(crate) fn check(message: &SearchRequest) -> Result<(), Status> {
    if message.query.len() > MAX_TEXT {
        let length = message.query.len();
        return Err(Status::invalid_argument(format!(
            "a query of {length} bytes: at most {MAX_TEXT} are accepted"
        )));
    }
    if message.work_ms > MAX_WORK_MS {
        let work_ms = message.work_ms;
        return Err(Status::invalid_argument(format!(
            "work_ms {work_ms}: at most {MAX_WORK_MS} is accepted"
        )));
    }
    Ok(())
}

/// Whose rows: the caller's, who is known by the value that crossed.
fn tenant(ctx: &Context) -> Result<String, Status> {
    let name = ctx.value(&TENANT).map_or("public", String::as_str);
    match TENANTS.into_iter().find(|known| *known == name) {
        Some(known) => Ok(known.to_owned()),
        None => {
            Err(Status::permission_denied(format!("tenant {name:?} has nothing here: known are {TENANTS:?}")))
        }
    }
}

fn best(mut hits: Vec<Hit>, more: Vec<Hit>) -> Vec<Hit> {
    hits.extend(more);
    hits.sort_by_key(|hit| (std::cmp::Reverse(hit.score), hit.id));
    hits.dedup_by_key(|hit| hit.id);
    hits.truncate(database::BEST as usize);
    hits
}

fn answered(open: Arc<Mutex<Open>>) {
    if let Some(open) = Arc::into_inner(open) {
        open.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).answered();
    }
}

/// The connections, and the right to use one.
#[derive(Debug)]
struct Pool {
    database: Database,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Pool {
    fn new(database: Database) -> Self {
        Self { database, idle: Mutex::default(), permits: Arc::new(Semaphore::new(THREADS)) }
    }

    /// Runs `work` in a blocking thread as soon as one is free, unless `ctx` is done before. What runs already goes on if
    /// this future is dropped; only `ctx` stops it.
    async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        ctx: &Context,
        work: impl FnOnce(&mut Connection, &Context) -> Result<T, QueryError> + Send + 'static,
    ) -> Result<T, Status> {
        let free = ctx.run(Arc::clone(&self.permits).acquire_owned()).await;
        let permit = free.map_err(to_status)?.expect("never closed");
        let (pool, ctx) = (Arc::clone(self), ctx.clone());
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let mut connection = pool.take()?;
            let result = work(&mut connection, &ctx);
            locked(&pool.idle).push(connection);
            result
        });
        match task.await {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(QueryError::Stopped(error))) => Err(to_status(error)),
            Ok(Err(QueryError::Sqlite(error))) => {
                Err(Status::internal(format!("the database failed: {error}")))
            }
            Err(error) => Err(Status::internal(format!("the query did not end: {error}"))),
        }
    }

    fn take(&self) -> rusqlite::Result<Connection> {
        let idle = locked(&self.idle).pop();
        idle.map_or_else(|| self.database.connect(), Ok)
    }
}
