//! A real server on loopback, with handlers for each way in which a request goes well or wrong.

use super::{Script, Step};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use purview::{BoxError, Context, ManualClock};
use purview_test::{HANG_LIMIT, manual_root};
use purview_tower::{Counts, End, ServerLayer};
use std::convert::Infallible;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tower::{Layer, service_fn};

type Answered = Response<UnsyncBoxBody<Bytes, BoxError>>;

/// Waits for what has to come, and says so if it does not.
#[track_caller]
pub fn within<F: Future>(what: &'static str, future: F) -> impl Future<Output = F::Output> {
    let place = std::panic::Location::caller();
    async move {
        let output = tokio::time::timeout(HANG_LIMIT, future).await;
        output.unwrap_or_else(|late| panic!("{place}: hangs, {late}: {what}"))
    }
}

pub struct Server {
    pub address: SocketAddr,
    pub clock: ManualClock,
    pub root: Context,
    pub counts: Counts,
    handled: mpsc::UnboundedReceiver<Context>,
    /// How many requests have reached a handler, as far as was looked.
    reached: u64,
    accepting: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Server {
    pub async fn start() -> Self {
        Self::with(|layer| layer).await
    }

    pub async fn with(set_up: impl FnOnce(ServerLayer) -> ServerLayer) -> Self {
        let (root, clock) = manual_root();
        let layer = set_up(ServerLayer::new(&root));
        let counts = layer.counts();
        let (note, handled) = mpsc::unbounded_channel();
        let service = layer.layer(service_fn(move |request: Request<Incoming>| {
            let ctx = request.extensions().get::<Context>().expect("the layer puts it there").clone();
            // The test may be over.
            let _ = note.send(ctx.clone());
            handle(ctx, request)
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = TowerToHyperService::new(service.clone());
                tokio::spawn(async move {
                    let builder = auto::Builder::new(TokioExecutor::new());
                    // How a connection ends is what the tests look at from the other side.
                    let _ = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { address, clock, root, counts, handled, reached: 0, accepting }
    }

    /// The context of the next request that reaches a handler.
    pub async fn handled(&mut self) -> Context {
        self.reached += 1;
        within("a request reaches the handler", self.handled.recv()).await.expect("the server is there")
    }

    /// Nobody holds a context any more.
    pub async fn drained(&mut self) {
        let drained = async {
            tokio::select! {
                () = self.root.drained() => {}
                // What waits here holds contexts too.
                () = async { while self.handled.recv().await.is_some() { self.reached += 1 } } => {}
            }
        };
        within("contexts are left alive", drained).await;
        assert_eq!(self.counts.live(), 0, "{:?}", self.counts);
    }

    /// Nobody holds a context any more, and all requests came to these ends.
    pub async fn assert_ends(&mut self, ends: &[End]) {
        self.drained().await;
        assert_eq!(self.clock.armed(), 0);
        for end in End::ALL {
            let expected = ends.iter().filter(|&&each| each == end).count() as u64;
            assert_eq!(self.counts.ended(end), expected, "{end} in {:?}", self.counts);
        }
    }

    /// Nobody holds a context any more, and each request that reached a handler came to one end.
    pub async fn assert_each_has_ended(&mut self) {
        self.drained().await;
        assert_eq!(self.clock.armed(), 0);
        let ended: u64 = End::ALL.into_iter().map(|end| self.counts.ended(end)).sum();
        assert_eq!(ended, self.reached, "{:?}", self.counts);
    }

    /// Round trips over other connections, so that whatever the server can see, it has seen.
    pub async fn goes_on(&mut self) {
        for _ in 0..20 {
            let mut client = Client::connect(self).await;
            client.send("GET /ok HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n").await;
            assert!(client.rest().await.ends_with("ok"));
            drop(self.handled().await);
        }
    }
}

/// A client of HTTP/1 that writes and reads text.
pub struct Client(pub TcpStream);

impl Client {
    pub async fn connect(server: &Server) -> Self {
        Self(within("connects", TcpStream::connect(server.address)).await.expect("a connection"))
    }

    pub async fn send(&mut self, text: &str) {
        within("is read", self.0.write_all(text.as_bytes())).await.expect("a connection that is open");
    }

    pub async fn get(&mut self, path: &str) {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: here\r\nx-request-timeout-ms: 1000\r\n\r\n")).await;
    }

    /// Reads until this text has come.
    pub async fn read_to(&mut self, end: &str) -> String {
        let mut text = Vec::new();
        while !String::from_utf8_lossy(&text).ends_with(end) {
            let byte = within("more of the response", self.0.read_u8()).await;
            text.push(
                byte.unwrap_or_else(|error| panic!("{error} after {:?}", String::from_utf8_lossy(&text))),
            );
        }
        String::from_utf8(text).expect("text")
    }

    pub async fn head(&mut self) -> String {
        self.read_to("\r\n\r\n").await
    }

    /// Reads until the server closes.
    pub async fn rest(&mut self) -> String {
        let mut text = Vec::new();
        // A reset is an end too.
        let _ = within("the server closes", self.0.read_to_end(&mut text)).await;
        String::from_utf8_lossy(&text).into_owned()
    }
}

fn answer(body: Script) -> Answered {
    Response::new(body.boxed_unsync())
}

fn status(status: StatusCode, body: Script) -> Answered {
    let mut answer = answer(body);
    *answer.status_mut() = status;
    answer
}

async fn handle(ctx: Context, mut request: Request<Incoming>) -> Result<Answered, Infallible> {
    use Step::{Data, Panic, Trailers, Wait};
    Ok(match request.uri().path() {
        "/wait" => std::future::pending().await,
        "/panic" => panic!("the handler panics on purpose"),
        "/panic-later" => answer(Script::new([Data("a"), Panic])),
        "/stream" => answer(Script::new([Data("first"), Wait])),
        "/flood" => answer(Script::flood()),
        "/trailers" => answer(Script::new([Data("first"), Trailers])),
        "/length" => answer(Script::new([Data("first"), Wait]).exact(5)),
        "/204" => status(StatusCode::NO_CONTENT, Script::new([Wait])),
        "/304" => status(StatusCode::NOT_MODIFIED, Script::new([Wait])),
        "/read" => match within("the request's body", request.body_mut().collect()).await {
            Ok(_) => answer(Script::new([Data("read")]).telling()),
            Err(error) => {
                status(StatusCode::BAD_REQUEST, Script::new([Step::Text(error.to_string())]).telling())
            }
        },
        "/hold" => {
            let never = std::future::pending().await;
            drop(request);
            never
        }
        "/upgrade" => {
            tunnel(ctx, request);
            upgrade_answer()
        }
        _ if request.method() == http::Method::CONNECT => {
            tunnel(ctx, request);
            answer(Script::new([]).telling())
        }
        _ => answer(Script::new([Data("ok")]).exact(2)),
    })
}

/// Goes on in another protocol: says whether its context is live, and ends with the other side.
fn tunnel(ctx: Context, request: Request<Incoming>) {
    tokio::spawn(async move {
        if let Ok(upgraded) = hyper::upgrade::on(request).await {
            let mut io = TokioIo::new(upgraded);
            let word: &[u8] = if ctx.is_done() { b"done" } else { b"live" };
            let _ = io.write_all(word).await;
            let _ = io.read(&mut [0; 16]).await;
        }
    });
}

fn upgrade_answer() -> Answered {
    let mut answer = status(StatusCode::SWITCHING_PROTOCOLS, Script::new([]).telling());
    answer.headers_mut().insert("upgrade", http::HeaderValue::from_static("echo"));
    answer.headers_mut().insert("connection", http::HeaderValue::from_static("upgrade"));
    answer
}
