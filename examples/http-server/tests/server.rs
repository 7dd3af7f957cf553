//! The server as a client sees it, on loopback. Deadlines are on a clock that moves by hand; every wait is bounded.
#![forbid(unsafe_code)]

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use purview::{Canceler, Context, FutureExt as _, ManualClock};
use purview_example_http::{App, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Longer than anything takes that does not hang.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running server, and all that a test wants of it.
struct Server {
    addr: SocketAddr,
    clock: ManualClock,
    app: App,
    lines: mpsc::UnboundedReceiver<String>,
    /// What Ctrl-C is to the program.
    ctrl_c: Canceler,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    async fn start() -> Self {
        let clock = ManualClock::new();
        let (log, lines) = mpsc::unbounded_channel();
        let app = App::new(&Context::root(&clock), move |line| drop(log.send(line)));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let (signal, ctrl_c) = Context::background().with_cancel();
        let shutdown = async move {
            signal.done().await;
        };
        let task = tokio::spawn(serve(listener, app.clone(), shutdown));
        Self { addr, clock, app, lines, ctrl_c, task }
    }

    async fn get(&self, query: &str) -> TcpStream {
        let mut client = bounded(TcpStream::connect(self.addr)).await.expect("connects");
        let request = format!("GET {query} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
        bounded(client.write_all(request.as_bytes())).await.expect("sends");
        client
    }

    /// Waits until the server has armed so many timers: then the requests are at work.
    async fn at_work(&self, timers: usize) {
        bounded(async {
            while self.clock.armed() != timers {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    async fn line(&mut self) -> String {
        bounded(self.lines.recv()).await.expect("a line of the log")
    }
}

async fn bounded<F: Future>(future: F) -> F::Output {
    future.with_timeout(&Context::background(), PATIENCE).await.expect("does not hang")
}

/// The status and the body.
async fn answer(mut client: TcpStream) -> (String, String) {
    let mut text = String::new();
    bounded(client.read_to_string(&mut text)).await.expect("reads");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    (head.split(' ').nth(1).expect("a status").to_owned(), body.to_owned())
}

fn test(body: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime").block_on(body);
}

#[test]
fn work_in_time_is_200() {
    test(async {
        let mut server = Server::start().await;
        let client = server.get("/work?ms=1000").await;
        server.at_work(2).await; // the work and the deadline
        server.clock.advance(Duration::from_secs(1));
        assert_eq!(answer(client).await, ("200".into(), "worked for 1000 ms\n".into()));
        assert_eq!(server.line().await, "worked for 1000 ms");
    });
}

#[test]
fn work_past_the_deadline_is_504() {
    test(async {
        let mut server = Server::start().await;
        let client = server.get("/work?ms=1000&deadline_ms=200").await;
        server.at_work(1).await; // the deadline alone: the work would end after it
        server.clock.advance(Duration::from_millis(200));
        assert_eq!(answer(client).await, ("504".into(), "deadline exceeded\n".into()));
        assert_eq!(server.line().await, "stopped after 200 ms: deadline exceeded");
    });
}

#[test]
fn the_default_deadline_is_5_s() {
    test(async {
        let server = Server::start().await;
        let client = server.get("/work?ms=60000").await;
        server.at_work(1).await;
        server.clock.advance(Duration::from_secs(5));
        assert_eq!(answer(client).await.0, "504");
    });
}

#[test]
fn a_client_that_goes_cancels_its_work() {
    test(async {
        let mut server = Server::start().await;
        let client = server.get("/work?ms=1000").await;
        server.at_work(2).await;
        server.clock.advance(Duration::from_millis(300));
        drop(client);
        assert_eq!(server.line().await, "stopped after 300 ms: canceled: client gone");
        // Nothing is left of it, neither a context nor a timer.
        server.at_work(0).await;
        bounded(async {
            while server.app.live() > 0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
    });
}

#[test]
fn shutdown_cancels_all_answers_and_drains() {
    test(async {
        let mut server = Server::start().await;
        let clients = [server.get("/work?ms=1000").await, server.get("/work?ms=2000").await];
        server.at_work(4).await;
        assert_eq!(server.app.live(), 2);
        server.ctrl_c.cancel();
        for client in clients {
            assert_eq!(answer(client).await, ("503".into(), "canceled: server is shutting down\n".into()));
        }
        bounded(server.task).await.expect("no panic").expect("no error");
        let mut lines = Vec::new();
        while let Ok(line) = server.lines.try_recv() {
            lines.push(line);
        }
        let stopped = "stopped after 0 ms: canceled: server is shutting down";
        assert_eq!(lines, ["shutting down, 2 live", stopped, stopped, "drained"]);
        assert_eq!(server.app.live(), 0);
    });
}

#[test]
fn a_query_that_makes_no_sense_is_400() {
    test(async {
        let server = Server::start().await;
        for query in ["/work", "/work?ms=long", "/work?ms=1&deadline_ms=-1"] {
            assert_eq!(answer(server.get(query).await).await.0, "400", "{query}");
        }
    });
}
