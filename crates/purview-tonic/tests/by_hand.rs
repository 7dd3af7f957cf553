//! The streams of messages, polled by hand: who wins when two things come together, and who is woken.

use futures::stream;
use http_body::Frame;
use purview::{Context, ManualClock};
use purview_test::{poll_once, task, unwoken_root};
use purview_tonic::{ClientLayer, ContextExt as _, StatusExt as _};
use std::future::{poll_fn, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;
use tonic::body::Body;
use tonic::codec::Codec as _;
use tonic::{Code, Status, Streaming};
use tonic_prost::ProstCodec;
use tower::{Layer as _, Service as _};

const HOUR: Duration = Duration::from_secs(3600);

type Polled = Poll<Option<Result<Frame<bytes::Bytes>, Status>>>;

/// A body that is what a function says, and does what it does.
struct By<F>(F);

impl<F: FnMut() -> Polled + Unpin> http_body::Body for By<F> {
    type Data = bytes::Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Polled {
        (self.0)()
    }
}

/// A stream of requests whose body is that.
fn streaming(body: impl FnMut() -> Polled + Send + Unpin + 'static) -> Streaming<String> {
    let decoder = ProstCodec::<String, String>::default().decoder();
    Streaming::new_request(decoder, Body::new(By(body)), None, None)
}

#[test]
fn messages_that_are_waited_for_end_at_the_deadline_though_the_peer_does_nothing() {
    let clock = ManualClock::new();
    let ctx = Context::root(&clock).derive().timeout(HOUR).build();
    let mut messages = ctx.messages(streaming(|| Poll::Pending));
    let mut waiting = task(messages.message());
    assert!(waiting.poll().is_pending());
    clock.advance(HOUR);
    assert!(waiting.is_woken());
    let Poll::Ready(Err(status)) = waiting.poll() else { panic!("it is late") };
    assert_eq!(status.code(), Code::DeadlineExceeded);
    drop(waiting);
    assert!(matches!(poll_once(messages.message()), Poll::Ready(Ok(None))), "once, and no more");
}

#[test]
fn an_end_that_comes_after_the_deadline_is_no_end_though_nobody_noticed_that() {
    let (root, clock) = unwoken_root();
    let ctx = root.derive().timeout(HOUR).build();
    assert!(!ctx.is_done());
    let ends_late = move || {
        clock.pass(2 * HOUR);
        Poll::Ready(None)
    };
    let Poll::Ready(Err(status)) = poll_once(ctx.messages(streaming(ends_late)).message()) else {
        panic!("it looks finished")
    };
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

#[test]
fn a_stream_that_breaks_as_its_context_ends_says_why_that_ended() {
    let (ctx, canceler) = Context::background().with_cancel();
    let mut canceler = Some(canceler);
    let breaks = move || {
        if let Some(canceler) = canceler.take() {
            canceler.cancel_with("enough");
        }
        Poll::Ready(Some(Err(Status::data_loss("torn"))))
    };
    let Poll::Ready(Err(status)) = poll_once(ctx.messages(streaming(breaks)).message()) else {
        panic!("it is torn")
    };
    assert_eq!((status.code(), status.message()), (Code::Cancelled, "enough"));
}

#[test]
fn a_stream_of_requests_that_failed_has_no_more_and_no_end() {
    let notes = stream::iter([Ok("one"), Err("torn"), Ok("two")]);
    let request = Context::background().try_request(notes);
    let ctx = purview_tonic::RequestExt::context(&request);
    let mut notes = request.into_inner();
    let mut next = || poll_once(poll_fn(|cx| futures::Stream::poll_next(Pin::new(&mut notes), cx)));
    assert_eq!(next(), Poll::Ready(Some("one")));
    assert!(!ctx.is_done());
    for _ in 0..3 {
        assert_eq!(next(), Poll::Pending);
        assert_eq!(ctx.cause().unwrap().to_string(), "torn");
    }
}

#[test]
fn the_context_wins_over_an_answer_that_is_there_too() {
    let (ctx, canceler) = Context::background().with_cancel();
    let (send, answer) = tokio::sync::oneshot::channel();
    let answer = Arc::new(Mutex::new(Some(answer)));
    let answers = move |_: http::Request<Body>| answer.lock().unwrap().take().expect("one call");
    let mut request = http::Request::new(Body::empty());
    request.extensions_mut().insert(ctx);
    let mut calling = task(ClientLayer::new().layer(tower::service_fn(answers)).call(request));
    assert!(calling.poll().is_pending());
    send.send(http::Response::new(Body::empty())).unwrap();
    canceler.cancel_with("enough");
    let Poll::Ready(Err(status)) = calling.poll() else { panic!("it is canceled") };
    assert_eq!(status.message(), "enough");
    assert!(status.context_error().unwrap().is_canceled());
}

#[test]
fn answers_that_end_after_the_deadline_without_a_status_are_late() {
    let (root, clock) = unwoken_root();
    let ctx = root.derive().timeout(HOUR).build();
    let answers = move |_: http::Request<Body>| {
        let clock = clock.clone();
        let body = By(move || {
            clock.pass(2 * HOUR);
            Poll::Ready(None)
        });
        ready(Ok::<_, Status>(http::Response::new(body)))
    };
    let mut request = http::Request::new(Body::empty());
    request.extensions_mut().insert(ctx);
    let mut client = ClientLayer::new().layer(tower::service_fn(answers));
    let Poll::Ready(Ok(response)) = poll_once(client.call(request)) else { panic!("it is answered") };
    let mut body = Box::pin(response.into_body());
    let frame = poll_once(poll_fn(|cx| http_body::Body::poll_frame(body.as_mut(), cx)));
    let Poll::Ready(Some(Err(status))) = frame else { panic!("it looks finished") };
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

#[test]
fn a_peer_that_stopped_after_the_deadline_means_late_though_nobody_noticed_that() {
    let in_the_head = || {
        let response = http::Response::builder().header("grpc-status", "1").body(Body::empty());
        Ok(response.unwrap())
    };
    let by_a_reset = || Err(Status::cancelled("stopped"));
    for stopped in [in_the_head as fn() -> Result<http::Response<Body>, Status>, by_a_reset] {
        let (root, clock) = unwoken_root();
        let ctx = root.derive().timeout(HOUR).build();
        let answers = move |_: http::Request<Body>| {
            clock.pass(2 * HOUR);
            ready(stopped())
        };
        let mut request = http::Request::new(Body::empty());
        request.extensions_mut().insert(ctx);
        let answer = poll_once(ClientLayer::new().layer(tower::service_fn(answers)).call(request));
        let status = match answer {
            Poll::Ready(Ok(response)) => Status::from_header_map(response.headers()).expect("a status"),
            Poll::Ready(Err(status)) => status,
            Poll::Pending => panic!("it is answered"),
        };
        assert_eq!(status.code(), Code::DeadlineExceeded);
    }
}
