//! Two thousand callers at once, of whom most leave at some moment: nothing of them stays in any process.
#![forbid(unsafe_code)]

mod served;

use std::time::Duration;

use futures::future::join_all;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use purview::{Context, FutureExt as _};
use served::{PATIENCE, Served};

const CALLERS: u64 = 2_000;

const ROUNDS: u64 = 3;

/// More than a crowd that left nothing behind can add to a process' memory.
const MEMORY_KIB: u64 = 24 * 1024;

type HttpClient = Client<HttpConnector, Empty<Bytes>>;

/// A caller who leaves after some time, which for some is long enough.
async fn caller(client: HttpClient, http: String, index: u64) {
    // Steps that share nothing with each other: every kind of work meets every kind of patience.
    let (patience, work_ms) = (index * 37 % 400, index * 11 % 8);
    let request = http::Request::get(format!("http://{http}/search?q=lamp&work_ms={work_ms}"));
    let request =
        if index.is_multiple_of(3) { request.header("x-request-timeout-ms", patience + 1) } else { request };
    let answer = async {
        let response = client.request(request.body(Empty::new()).expect("well formed")).await?;
        // Whoever lost their place in the crowd has an error: that is no leak.
        Ok::<_, Box<dyn std::error::Error>>(response.into_body().collect().await?)
    };
    let _ = answer.with_timeout(&Context::background(), Duration::from_millis(patience)).await;
}

async fn crowd(http: &str) {
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    let callers = (0..CALLERS).map(|index| caller(client.clone(), http.to_owned(), index));
    join_all(callers).with_timeout(&Context::background(), PATIENCE).await.expect("every caller leaves");
}

#[test]
fn a_crowd_that_leaves_at_random_leaves_nothing_behind() {
    let served = Served::start(&[]);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let processes = ["http", "catalog", "store"];

    let mut after_first = None;
    for _ in 0..ROUNDS {
        // One who is in there for certain: of the others, on a busy machine, all may leave before anybody has seen them.
        let steady = served.send("http", "/search?q=lamp&work_ms=600000", "");
        served.until("store", "live", |live| live > 0);
        runtime.block_on(crowd(served.addr("http")));
        drop(steady);
        served.until_at_rest();
        // What is left are the connections between the processes, and the one that asks.
        for process in processes {
            served.until(process, "tasks", |tasks| tasks < 12);
        }
        let memory = processes.map(|process| served.stat(process, "memory_kib"));
        let first = *after_first.get_or_insert(memory);
        for (before, now) in first.into_iter().zip(memory) {
            assert!(now < before + MEMORY_KIB, "memory grows: from {first:?} to {memory:?} KiB");
        }
    }
    for process in processes {
        assert!(
            served.stat(process, "client_gone") >= ROUNDS,
            "{process}: who was there was not seen to leave"
        );
    }
}
