//! One service, once with our layers around it and once with tower-http's timeout; both answer a request and read the answer.

use crate::peers::{HOUR, Root, tokio_runtime};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use purview_propagate::Policy;
use purview_tower::{ClientLayer, ServerLayer};
use std::convert::Infallible;
use std::fmt::Debug;
use std::sync::Arc;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_http::timeout::TimeoutLayer;

/// How many bytes a request is answered with.
pub const ANSWER: u64 = 5;

/// A request through the client's and the server's layer; how many bytes came back.
///
/// The context of the client is one for all requests: what is measured is what the layers add.
pub fn layered() -> impl FnMut() -> u64 {
    let runtime = tokio_runtime();
    let root = Root::new();
    let (ctx, canceler) = root.ctx.with_timeout(HOUR);
    let server = ServerLayer::new(&root.ctx).policy(Policy::trusted()).layer(service_fn(answer));
    let mut service = ClientLayer::new().policy(Policy::trusted()).layer(server);
    move || {
        let _live = (&canceler, &root);
        runtime.block_on(send(&mut service, request(ctx.clone())))
    }
}

/// The same request with a timeout of tower-http's around the same service, and with something else in its extensions.
pub fn timed_out() -> impl FnMut() -> u64 {
    let runtime = tokio_runtime();
    let mut service =
        TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, HOUR).layer(service_fn(answer));
    let something = Arc::new(7_u64);
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
async fn answer(_request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    tokio::task::yield_now().await;
    Ok(Response::new(Full::from("hello")))
}

async fn send<S, B>(service: &mut S, request: Request<Full<Bytes>>) -> u64
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error: Debug>,
    B: Body<Error: Debug>,
{
    let response = service.ready().await.expect("a service that is always ready").call(request).await;
    let response = response.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    let body = response.into_body().collect().await.expect("a whole answer");
    u64::try_from(body.to_bytes().len()).unwrap_or(u64::MAX)
}
