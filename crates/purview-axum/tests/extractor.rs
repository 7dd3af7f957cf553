//! The extractor, in a router and over a real connection.

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::{Request, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Router, serve};
use http_body_util::BodyExt;
use purview::{Context, Error};
use purview_axum::{Ctx, Stopped};
use purview_test::{HANG_LIMIT, manual_root, poll_once, task};
use purview_tower::{ClientGone, End, ServerLayer, Shutdown};
use std::task::Poll;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tower::ServiceExt;

#[tokio::test]
async fn a_handler_gets_the_context_of_its_request() {
    let (root, _clock) = manual_root();
    let layer = ServerLayer::new(&root);
    let left = |Ctx(ctx): Ctx| async move { format!("{:?}", ctx.remaining()) };
    let app: Router = Router::new().route("/", get(left)).layer(layer.clone());
    let request = Request::builder().header("grpc-timeout", "2S").body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    let text = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(text, format!("{:?}", Some(Duration::from_secs(2))));
    assert_eq!((layer.counts().live(), layer.counts().ended(End::Finished)), (0, 1));
}

#[tokio::test]
async fn head_of_a_route_for_get_is_finished_though_nobody_asks_for_its_body() {
    let layer = ServerLayer::new(&Context::background());
    let app: Router = Router::new().route("/", get(|| async { "text" })).layer(layer.clone());
    let request = Request::builder().method("HEAD").body(Body::empty()).unwrap();
    drop(app.oneshot(request).await.unwrap());
    assert_eq!(layer.counts().ended(End::Finished), 1);
}

#[tokio::test]
async fn the_current_context_stands_in_where_the_extensions_have_none() {
    let layer = ServerLayer::new(&Context::background()).without_extension();
    let app: Router = Router::new().route("/", get(|ctx: Ctx| async move { drop(ctx) })).layer(layer);
    assert_eq!(app.oneshot(Request::new(Body::empty())).await.unwrap().status(), StatusCode::OK);
}

#[test]
fn the_context_in_the_extensions_wins_over_the_current_one() {
    let (ours, other) = (Context::background().named("ours"), Context::background().named("other"));
    let mut parts = Request::new(()).into_parts().0;
    parts.extensions.insert(ours.clone());
    let taken = other.scope(|| poll_once(Ctx::from_request_parts(&mut parts, &())));
    assert!(matches!(taken, Poll::Ready(Ok(Ctx(ctx))) if ctx.ptr_eq(&ours)));
}

#[tokio::test]
async fn without_the_layer_it_is_the_servers_mistake() {
    let app: Router = Router::new().route("/", get(|_: Ctx| async {}));
    let response = app.oneshot(Request::new(Body::empty())).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let text = response.into_body().collect().await.unwrap().to_bytes();
    assert!(text.starts_with(b"no context in this request"));
}

fn status_of(error: Error) -> StatusCode {
    Stopped::from(error).into_response().status()
}

#[test]
fn a_handler_that_is_late_answers_504() {
    let ctx = Context::background().derive().timeout(Duration::ZERO).build();
    assert_eq!(status_of(ctx.error().unwrap()), StatusCode::GATEWAY_TIMEOUT);
}

#[test]
fn a_handler_that_is_shut_down_or_canceled_answers_503_and_tells_no_cause() {
    let (shut_down, stop) = Context::background().with_cancel();
    stop.cancel_with(Shutdown);
    assert_eq!(status_of(shut_down.error().unwrap()), StatusCode::SERVICE_UNAVAILABLE);
    let (canceled, stop) = Context::background().with_cancel();
    stop.cancel_with("s3cret");
    let answer = Stopped(canceled.error().unwrap()).into_response();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let Poll::Ready(Ok(text)) = poll_once(answer.into_body().collect()) else { panic!("it is there") };
    let text = text.to_bytes();
    assert!(!String::from_utf8_lossy(&text).contains("s3cret"), "{text:?}");
}

#[test]
fn the_error_of_a_handler_has_the_text_and_the_source_of_its_context() {
    let (ctx, stop) = Context::background().with_cancel();
    stop.cancel_with(Shutdown);
    let stopped = Stopped::from(ctx.error().unwrap());
    assert_eq!(stopped.to_string(), ctx.error().unwrap().to_string());
    assert!(std::error::Error::source(&stopped).unwrap().is::<Shutdown>());
}

#[tokio::test]
async fn a_handler_that_is_told_first_has_the_status_of_the_layer() {
    let (root, clock) = manual_root();
    let layer = ServerLayer::new(&root);
    let waits = |Ctx(ctx): Ctx| async move { ctx.run(std::future::pending::<()>()).await.map_err(Stopped) };
    let app: Router = Router::new().route("/", get(waits)).layer(layer.clone());
    let request = Request::builder().header("grpc-timeout", "2S").body(Body::empty()).unwrap();
    let mut answer = task(app.oneshot(request));
    assert!(answer.poll().is_pending());
    clock.advance(Duration::from_secs(2));
    let Poll::Ready(Ok(response)) = answer.poll() else { panic!("it is late") };
    assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    drop(response);
    assert_eq!((layer.counts().live(), layer.counts().ended(End::Deadline)), (0, 1));
}

#[tokio::test]
async fn a_client_that_hangs_up_ends_the_context_that_the_handler_was_given() {
    let (note, mut noted) = mpsc::unbounded_channel();
    let handler = move |Ctx(ctx): Ctx| async move {
        note.send(ctx.clone()).unwrap();
        std::future::pending::<()>().await;
    };
    let app = Router::new().route("/", get(handler)).layer(ServerLayer::new(&Context::background()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { serve(listener, app).await });

    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n").await.unwrap();
    let ctx = timeout(HANG_LIMIT, noted.recv()).await.expect("the handler runs").unwrap();
    assert!(!ctx.is_done());
    drop(client);
    let error = timeout(HANG_LIMIT, ctx.done()).await.expect("the hang-up is seen");
    assert!(error.cause().is::<ClientGone>());
    server.abort();
}
