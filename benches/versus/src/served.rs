//! One service, once with our layers around it and once with tower-http's timeout; both answer a request and read the answer. Called
//! in process, or by hyper's client over HTTP/1 and a connection in memory.

use crate::peers::{HOUR, Root, tokio_runtime};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use purview::{Canceler, Context};
use purview_propagate::Policy;
use purview_tower::{ClientLayer, ServerLayer};
use std::convert::Infallible;
use std::error::Error;
use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use tokio::runtime::Runtime;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_http::timeout::TimeoutLayer;

/// How many bytes a request is answered with.
pub const ANSWER: u64 = 5;

/// How many bytes of the connection wait for whoever reads them: a request and its answer are much smaller.
const PIPE: usize = 64 * 1024;

/// What a caller of ours has: a context with a deadline, below a root that others use too. It is one for all requests: what is
/// measured is what the layers add.
struct Caller {
    root: Root,
    ctx: Context,
    _canceler: Canceler,
}

impl Caller {
    fn new() -> Self {
        let root = Root::new();
        let (ctx, canceler) = root.ctx.with_timeout(HOUR);
        Self { root, ctx, _canceler: canceler }
    }

    /// Asked of the whole caller, so that a closure keeps its canceler too, which cancels when it is dropped.
    fn request(&self) -> Request<Full<Bytes>> {
        request(self.ctx.clone())
    }

    fn server(&self) -> ServerLayer {
        ServerLayer::new(&self.root.ctx).policy(Policy::trusted())
    }
}

fn client() -> ClientLayer {
    ClientLayer::new().policy(Policy::trusted())
}

fn timeout() -> TimeoutLayer {
    TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, HOUR)
}

/// A request through the client's and the server's layer, in process; how many bytes came back.
pub fn layered() -> impl FnMut() -> u64 {
    let (runtime, caller) = (tokio_runtime(), Caller::new());
    let mut service = client().layer(caller.server().layer(service_fn(answer_in_time)));
    move || runtime.block_on(send(&mut service, caller.request()))
}

/// The same request with a timeout of tower-http's around the same service, and with something else in its extensions.
pub fn timed_out() -> impl FnMut() -> u64 {
    let (runtime, something) = (tokio_runtime(), Arc::new(7_u64));
    let mut service = timeout().layer(service_fn(answer));
    move || runtime.block_on(send(&mut service, request(something.clone())))
}

/// A request through the client's layer, hyper's client, a connection that stays, hyper's server and the server's layer.
pub fn layered_over_http() -> impl FnMut() -> u64 {
    let (runtime, caller) = (tokio_runtime(), Caller::new());
    let connection = connect(&runtime, caller.server().layer(service_fn(answer_in_time)));
    let mut service = client().layer(connection);
    move || runtime.block_on(send(&mut service, caller.request()))
}

/// The same without the extension: the handler finds the context as the current one.
pub fn lean_over_http() -> impl FnMut() -> u64 {
    let (runtime, caller) = (tokio_runtime(), Caller::new());
    let connection =
        connect(&runtime, caller.server().without_extension().layer(service_fn(answer_in_current_time)));
    let mut service = client().layer(connection);
    move || runtime.block_on(send(&mut service, caller.request()))
}

/// The same with a timeout of tower-http's in the server, and nothing around hyper's client.
pub fn timed_out_over_http() -> impl FnMut() -> u64 {
    let (runtime, something) = (tokio_runtime(), Arc::new(7_u64));
    let mut service = connect(&runtime, timeout().layer(service_fn(answer)));
    move || runtime.block_on(send(&mut service, request(something.clone())))
}

fn request(extension: impl Clone + Send + Sync + 'static) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::default());
    request.headers_mut().insert("host", HeaderValue::from_static("here"));
    request.headers_mut().insert("accept", HeaderValue::from_static("*/*"));
    request.extensions_mut().insert(extension);
    request
}

/// Pending once, as what waits for a database is: so that both sides have a wait to register.
async fn answer<B>(_request: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    tokio::task::yield_now().await;
    Ok(Response::new(Full::from("hello")))
}

/// The same, where the caller's deadline has to have come along.
async fn answer_in_time<B>(request: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    let ctx = request.extensions().get::<Context>();
    assert!(ctx.is_some_and(|ctx| ctx.deadline().is_some()), "the server's layer tells of the deadline");
    answer(request).await
}

/// The same, where it has to be the current context's.
async fn answer_in_current_time<B>(request: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    let ctx = Context::current();
    assert!(ctx.is_some_and(|ctx| ctx.deadline().is_some()), "the server's layer makes it the current one");
    answer(request).await
}

async fn send<S, B>(service: &mut S, request: Request<Full<Bytes>>) -> u64
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error: Debug>,
    B: Body<Error: Debug>,
{
    let response = service.ready().await.expect("a service that gets ready").call(request).await;
    let response = response.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    let body = response.into_body().collect().await.expect("a whole answer");
    u64::try_from(body.to_bytes().len()).unwrap_or(u64::MAX)
}

/// Serves `service` on one end of a connection in memory, and gives the other end to hyper's client. Both are tasks of `runtime`.
fn connect<S, B>(runtime: &Runtime, service: S) -> Connection
where
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<Box<dyn Error + Send + Sync>>>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let (near, far) = tokio::io::duplex(PIPE);
    let server = hyper::server::conn::http1::Builder::new();
    runtime.spawn(server.serve_connection(TokioIo::new(far), TowerToHyperService::new(service)));
    let shaken = runtime.block_on(hyper::client::conn::http1::handshake(TokioIo::new(near)));
    let (requests, client) = shaken.expect("a handshake that sends nothing");
    runtime.spawn(client);
    Connection(requests)
}

/// hyper's client as a service.
struct Connection(SendRequest<Full<Bytes>>);

impl Service<Request<Full<Bytes>>> for Connection {
    type Response = Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), hyper::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}

#[cfg(test)]
mod tests {
    use super::{ANSWER, layered, layered_over_http, lean_over_http, timed_out, timed_out_over_http};

    #[test]
    fn every_side_answers_one_request_after_the_other() {
        let (mut ours, mut peers) = (layered(), timed_out());
        let (mut ours_over_http, mut peers_over_http) = (layered_over_http(), timed_out_over_http());
        let mut lean = lean_over_http();
        for _ in 0..3 {
            assert_eq!([ours(), peers(), ours_over_http(), peers_over_http(), lean()], [ANSWER; 5]);
        }
    }
}
