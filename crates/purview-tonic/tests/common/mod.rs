//! A service with all four kinds of calls, whose handlers each test gives; the client that a generator would make; raw HTTP/2.

#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod raw;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use http::uri::PathAndQuery;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use purview::{Context, ManualClock};
use purview_tonic::{ClientLayer, ClientService, ServerLayer};
use purview_tower::{Counts, End};
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::server::{
    ClientStreamingService, NamedService, ServerStreamingService, StreamingService, UnaryService,
};
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{IntoRequest, IntoStreamingRequest, Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;
use tower::{Layer as _, Service};

/// No wait of a test is longer.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

pub(crate) async fn limit<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future).await.expect("it hangs")
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Note {
    #[prost(string, tag = "1")]
    pub(crate) text: String,
}

pub(crate) fn note(text: impl Into<String>) -> Note {
    Note { text: text.into() }
}

pub(crate) type Notes = BoxStream<'static, Result<Note, Status>>;
type Handler<I, O> = Arc<dyn Fn(Request<I>) -> BoxFuture<'static, Result<Response<O>, Status>> + Send + Sync>;

/// What the service does; a kind of call that a test does not set answers `UNIMPLEMENTED`.
#[derive(Clone)]
pub(crate) struct Scribe {
    unary: Handler<Note, Note>,
    download: Handler<Note, Notes>,
    upload: Handler<Streaming<Note>, Note>,
    chat: Handler<Streaming<Note>, Notes>,
}

fn handler<I, O, F>(f: impl Fn(Request<I>) -> F + Send + Sync + 'static) -> Handler<I, O>
where
    F: Future<Output = Result<Response<O>, Status>> + Send + 'static,
{
    Arc::new(move |request| Box::pin(f(request)))
}

fn unset<I: 'static, O: Send + 'static>() -> Handler<I, O> {
    handler(|_| std::future::ready(Err(Status::unimplemented("not in this test"))))
}

impl Scribe {
    pub(crate) fn new() -> Self {
        Self { unary: unset(), download: unset(), upload: unset(), chat: unset() }
    }

    pub(crate) fn unary<F>(mut self, f: impl Fn(Request<Note>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Response<Note>, Status>> + Send + 'static,
    {
        self.unary = handler(f);
        self
    }

    pub(crate) fn download<F>(mut self, f: impl Fn(Request<Note>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Response<Notes>, Status>> + Send + 'static,
    {
        self.download = handler(f);
        self
    }

    pub(crate) fn upload<F>(
        mut self,
        f: impl Fn(Request<Streaming<Note>>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Response<Note>, Status>> + Send + 'static,
    {
        self.upload = handler(f);
        self
    }

    pub(crate) fn chat<F>(mut self, f: impl Fn(Request<Streaming<Note>>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Response<Notes>, Status>> + Send + 'static,
    {
        self.chat = handler(f);
        self
    }
}

impl NamedService for Scribe {
    const NAME: &'static str = "purview.test.Scribe";
}

struct Unary(Handler<Note, Note>);
struct Download(Handler<Note, Notes>);
struct Upload(Handler<Streaming<Note>, Note>);
struct Chat(Handler<Streaming<Note>, Notes>);

type Answer<O> = BoxFuture<'static, Result<Response<O>, Status>>;

impl UnaryService<Note> for Unary {
    type Response = Note;
    type Future = Answer<Note>;
    fn call(&mut self, request: Request<Note>) -> Self::Future {
        (self.0)(request)
    }
}

impl ServerStreamingService<Note> for Download {
    type Response = Note;
    type ResponseStream = Notes;
    type Future = Answer<Notes>;
    fn call(&mut self, request: Request<Note>) -> Self::Future {
        (self.0)(request)
    }
}

impl ClientStreamingService<Note> for Upload {
    type Response = Note;
    type Future = Answer<Note>;
    fn call(&mut self, request: Request<Streaming<Note>>) -> Self::Future {
        (self.0)(request)
    }
}

impl StreamingService<Note> for Chat {
    type Response = Note;
    type ResponseStream = Notes;
    type Future = Answer<Notes>;
    fn call(&mut self, request: Request<Streaming<Note>>) -> Self::Future {
        (self.0)(request)
    }
}

impl Service<http::Request<Body>> for Scribe {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let scribe = self.clone();
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(ProstCodec::<Note, Note>::default());
            Ok(match request.uri().path() {
                UNARY => grpc.unary(Unary(scribe.unary), request).await,
                DOWNLOAD => grpc.server_streaming(Download(scribe.download), request).await,
                UPLOAD => grpc.client_streaming(Upload(scribe.upload), request).await,
                CHAT => grpc.streaming(Chat(scribe.chat), request).await,
                _ => Status::unimplemented("no such method").into_http(),
            })
        })
    }
}

pub(crate) const UNARY: &str = "/purview.test.Scribe/Unary";
pub(crate) const DOWNLOAD: &str = "/purview.test.Scribe/Download";
pub(crate) const UPLOAD: &str = "/purview.test.Scribe/Upload";
pub(crate) const CHAT: &str = "/purview.test.Scribe/Chat";

/// A server on loopback.
pub(crate) struct Served {
    pub(crate) addr: SocketAddr,
    pub(crate) counts: Counts,
    task: JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// By tonic's server, inside of its timeout.
pub(crate) async fn serve(scribe: Scribe, layer: ServerLayer) -> Served {
    let (listener, addr) = listen().await;
    let counts = layer.counts();
    let server = Server::builder().layer(layer).add_service(scribe);
    let task = tokio::spawn(async move {
        server.serve_with_incoming(TcpListenerStream::new(listener)).await.unwrap();
    });
    Served { addr, counts, task }
}

/// By axum, with nothing around the layer.
pub(crate) async fn serve_by_axum(scribe: Scribe, layer: ServerLayer) -> Served {
    let (listener, addr) = listen().await;
    let counts = layer.counts();
    let app = Routes::new(scribe).into_axum_router().layer(layer);
    let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    Served { addr, counts, task }
}

/// By hyper, with nothing around the layer: as the guide shows.
pub(crate) async fn serve_by_hyper(scribe: Scribe, layer: ServerLayer) -> Served {
    let (listener, addr) = listen().await;
    let counts = layer.counts();
    let service = TowerToHyperService::new(layer.layer(Routes::new(scribe).prepare()));
    let task = tokio::spawn(async move {
        let builder = Builder::new(TokioExecutor::new()).http2_only();
        while let Ok((stream, _)) = listener.accept().await {
            let connection = builder.serve_connection(TokioIo::new(stream), service.clone());
            tokio::spawn(connection.into_owned());
        }
    });
    Served { addr, counts, task }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    (listener, addr)
}

/// A server whose contexts are on a clock that is moved by hand.
pub(crate) async fn serve_by_hand(scribe: Scribe) -> (Served, ManualClock) {
    let clock = ManualClock::new();
    let served = serve(scribe, ServerLayer::new(&Context::root(&clock))).await;
    (served, clock)
}

impl Served {
    /// Once every call is over: how many ended in this way.
    pub(crate) async fn ended(&self, end: End) -> u64 {
        self.wait_until_quiet().await;
        self.counts.ended(end)
    }

    /// Waits until no context is alive.
    pub(crate) async fn wait_until_quiet(&self) {
        limit(async {
            while self.counts.live() > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    }

    pub(crate) fn client(&self) -> Client<ClientService<Channel>> {
        Client::new(ClientLayer::new().layer(channel(self.addr)))
    }
}

pub(crate) fn channel(addr: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{addr}")).unwrap().connect_lazy()
}

/// What a generator would make.
#[derive(Clone)]
pub(crate) struct Client<T>(tonic::client::Grpc<T>);

impl<T, B> Client<T>
where
    T: tonic::client::GrpcService<Body, ResponseBody = B>,
    T::Error: Into<purview::BoxError>,
    B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<purview::BoxError> + Send,
{
    pub(crate) fn new(channel: T) -> Self {
        Self(tonic::client::Grpc::new(channel))
    }

    async fn ready(&mut self) -> Result<(), Status> {
        let ready = self.0.ready().await;
        ready.map_err(|error| Status::unknown(format!("service was not ready: {}", error.into())))
    }

    pub(crate) async fn unary(&mut self, request: impl IntoRequest<Note>) -> Result<Response<Note>, Status> {
        self.ready().await?;
        let codec = ProstCodec::<Note, Note>::default();
        self.0.unary(request.into_request(), PathAndQuery::from_static(UNARY), codec).await
    }

    pub(crate) async fn download(
        &mut self,
        request: impl IntoRequest<Note>,
    ) -> Result<Response<Streaming<Note>>, Status> {
        self.ready().await?;
        let codec = ProstCodec::<Note, Note>::default();
        self.0.server_streaming(request.into_request(), PathAndQuery::from_static(DOWNLOAD), codec).await
    }

    pub(crate) async fn upload(
        &mut self,
        request: impl IntoStreamingRequest<Message = Note>,
    ) -> Result<Response<Note>, Status> {
        self.ready().await?;
        let codec = ProstCodec::<Note, Note>::default();
        let request = request.into_streaming_request();
        self.0.client_streaming(request, PathAndQuery::from_static(UPLOAD), codec).await
    }

    pub(crate) async fn chat(
        &mut self,
        request: impl IntoStreamingRequest<Message = Note>,
    ) -> Result<Response<Streaming<Note>>, Status> {
        self.ready().await?;
        let codec = ProstCodec::<Note, Note>::default();
        let request = request.into_streaming_request();
        self.0.streaming(request, PathAndQuery::from_static(CHAT), codec).await
    }
}
