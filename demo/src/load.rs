//! The load client: callers of different patience, some of whom hang up. It knows nothing of contexts on the other side;
//! it speaks HTTP and gRPC as any client does.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use purview::{Clock, Context};
use tonic::transport::Channel;
use tonic::{Code, Request};

use crate::account::{Micros, Stamps};
use crate::catalog::endpoint;
use crate::plan::{Caller, Via};
use crate::proto::SearchRequest;
use crate::proto::catalog_client::CatalogClient;

/// What all callers search for.
const QUERY: &str = "red lamp";

type HttpClient = Client<HttpConnector, Empty<Bytes>>;

/// The clients that the callers share.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    gateway: SocketAddr,
    http1: HttpClient,
    http2: HttpClient,
    catalog: CatalogClient<Channel>,
    root: Context,
    stamps: Stamps,
    progress: Arc<Progress>,
}

/// How far the load is, for whoever watches.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) begun: AtomicUsize,
    pub(crate) answered: AtomicUsize,
    pub(crate) gone: AtomicUsize,
}

/// What became of a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Visit {
    pub(crate) caller: Caller,
    pub(crate) came: Micros,
    /// When the answer was there, or the caller went without.
    pub(crate) left: Micros,
    pub(crate) outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Answered,
    TimedOut,
    HungUp,
    /// Nothing that a caller should see.
    Failed(String),
}

impl Visit {
    /// When the caller went without an answer, if so.
    pub(crate) fn gone(&self) -> Option<Micros> {
        matches!(self.outcome, Outcome::TimedOut | Outcome::HungUp).then_some(self.left)
    }
}

/// What came back, if something did.
enum Answer {
    Good,
    /// The service says that the time was over.
    Late,
    Bad(String),
}

impl Load {
    pub(crate) fn new(gateway: SocketAddr, catalog: SocketAddr) -> io::Result<Self> {
        let mut client = Client::builder(TokioExecutor::new());
        let clock = Clock::system();
        Ok(Self {
            gateway,
            http1: client.build_http(),
            http2: client.http2_only(true).build_http(),
            catalog: CatalogClient::new(endpoint(catalog)?.connect_lazy()),
            root: Context::root(clock.clone()),
            stamps: Stamps::new(clock),
            progress: Arc::default(),
        })
    }

    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// How many contexts a process holds at the moment, by its own account.
    pub(crate) async fn contexts_held(&self, process: SocketAddr) -> io::Result<u64> {
        let uri = format!("http://{process}/debug/contexts").parse().map_err(io::Error::other)?;
        let response = self.http1.get(uri).await.map_err(io::Error::other)?;
        let body = response.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
        let stats: serde_json::Value = serde_json::from_slice(&body)?;
        stats["contexts"].as_u64().ok_or_else(|| io::Error::other(format!("no count of contexts in {stats}")))
    }

    /// Sends them all, each at its time, and waits until the last one has left.
    pub(crate) async fn run(&self, callers: &[Caller]) -> Vec<Visit> {
        let start = self.root.clock().now();
        let visits = callers.iter().map(|&caller| {
            let load = self.clone();
            tokio::spawn(async move {
                let wait = (start + caller.starts).saturating_duration_since(load.root.clock().now());
                let _ = load.root.sleep(wait).await;
                load.visit(caller).await
            })
        });
        let visits = join_all(visits.collect::<Vec<_>>()).await;
        visits.into_iter().map(|visit| visit.expect("a caller does not panic")).collect()
    }

    async fn visit(&self, caller: Caller) -> Visit {
        self.progress.begun.fetch_add(1, Ordering::Relaxed);
        let came = self.stamps.now();
        let patience = self.root.derive().timeout(caller.patience).build();
        let mut answer = Box::pin(patience.run(self.ask(caller)));
        let answered = answer.as_mut().await;
        // First the moment, then what hangs up.
        let left = self.stamps.now();
        drop(answer);

        let outcome = match answered {
            Ok(Answer::Good) => Outcome::Answered,
            Ok(Answer::Late) => Outcome::TimedOut,
            Ok(Answer::Bad(what)) => Outcome::Failed(what),
            Err(_) if caller.tells => Outcome::TimedOut,
            Err(_) => Outcome::HungUp,
        };
        let counter =
            if outcome == Outcome::Answered { &self.progress.answered } else { &self.progress.gone };
        counter.fetch_add(1, Ordering::Relaxed);
        Visit { caller, came, left, outcome }
    }

    async fn ask(&self, caller: Caller) -> Answer {
        match caller.via {
            Via::Http1 => self.ask_gateway(&self.http1, caller).await,
            Via::Http2 => self.ask_gateway(&self.http2, caller).await,
            Via::Grpc => self.ask_catalog(caller).await,
        }
    }

    async fn ask_gateway(&self, client: &HttpClient, caller: Caller) -> Answer {
        let query = QUERY.replace(' ', "+");
        let (gateway, work_ms, id) = (self.gateway, caller.work.as_millis(), caller.id);
        let uri = format!("http://{gateway}/search?q={query}&work_ms={work_ms}&id={id}");
        let mut request = http::Request::get(uri).header("baggage", format!("tenant={}", caller.tenant));
        if caller.tells {
            request = request.header("x-request-timeout-ms", caller.patience.as_millis().to_string());
        }
        let request = request.body(Empty::new()).expect("well formed");
        let response = match client.request(request).await {
            Ok(response) => response,
            Err(error) => return Answer::Bad(error.to_string()),
        };
        let status = response.status();
        match (status, response.into_body().collect().await) {
            (http::StatusCode::OK, Ok(_)) => Answer::Good,
            (http::StatusCode::GATEWAY_TIMEOUT, _) => Answer::Late,
            (_, Ok(body)) => {
                Answer::Bad(format!("{status}: {}", String::from_utf8_lossy(&body.to_bytes()).trim()))
            }
            (_, Err(error)) => Answer::Bad(format!("{status}, then {error}")),
        }
    }

    async fn ask_catalog(&self, caller: Caller) -> Answer {
        let work_ms = u32::try_from(caller.work.as_millis()).unwrap_or(u32::MAX);
        let message = SearchRequest { query: QUERY.to_owned(), work_ms, request_id: caller.id };
        let mut request = Request::new(message);
        let baggage = format!("tenant={}", caller.tenant);
        request.metadata_mut().insert("baggage", baggage.parse().expect("visible characters"));
        if caller.tells {
            request.set_timeout(caller.patience);
        }
        match self.catalog.clone().search(request).await {
            Ok(_) => Answer::Good,
            Err(status) if status.code() == Code::DeadlineExceeded => Answer::Late,
            // What tonic's own client makes of a time that is over.
            Err(status) if status.code() == Code::Cancelled && status.message() == "Timeout expired" => {
                Answer::Late
            }
            Err(status) => Answer::Bad(format!("{:?}: {}", status.code(), status.message())),
        }
    }
}
