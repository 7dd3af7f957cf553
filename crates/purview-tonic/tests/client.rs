//! What a server sees of a client whose calls are under contexts: single frames.

mod common;

use common::raw::{Incoming, Listener};
use common::{Client, Note, channel, limit, note};
use futures::{FutureExt as _, Stream, StreamExt as _, stream};
use h2::Reason;
use hyper_util::rt::TokioIo;
use purview::{Codec, Context, Key, ManualClock};
use purview_propagate::{Policy, extract};
use purview_tonic::{ClientLayer, ClientService, ContextExt as _, StatusExt as _};
use purview_wire::Format;
use std::collections::HashMap;
use std::future::{Pending, pending};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status, Streaming};
use tower::{Layer as _, Service as _};

type Caller = Client<ClientService<Channel>>;
type Calling<T> = JoinHandle<Result<Response<T>, Status>>;

async fn caller() -> (Caller, Listener) {
    let (listener, addr) = Listener::bind().await;
    (Client::new(ClientLayer::new().layer(channel(addr))), listener)
}

fn unary(client: &Caller, request: Request<Note>) -> Calling<Note> {
    let mut client = client.clone();
    tokio::spawn(async move { client.unary(request).await })
}

fn chat(
    client: &Caller,
    ctx: &Context,
    notes: impl Stream<Item = Note> + Send + 'static,
) -> Calling<Streaming<Note>> {
    let mut client = client.clone();
    let request = ctx.request(notes);
    tokio::spawn(async move { client.chat(request).await })
}

/// A unary call under `ctx` that has arrived.
async fn arrived(ctx: &Context) -> (Calling<Note>, Incoming) {
    let (client, listener) = caller().await;
    let calling = unary(&client, ctx.request(note("x")));
    (calling, listener.accept().await.one_call().await)
}

async fn failed<T>(calling: Calling<T>) -> Status {
    limit(calling).await.unwrap().err().expect("it was answered")
}

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// A root whose clock is moved by hand, and what is below it.
fn for_an_hour() -> (Context, ManualClock, Context) {
    let clock = ManualClock::new();
    let root = Context::root(&clock);
    let ctx = root.derive().timeout(HOUR).build();
    (root, clock, ctx)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_goes_out_rounded_up() {
    for (left, header) in [
        (Duration::from_millis(200), "200000u"),
        (Duration::from_nanos(1), "1n"),
        (SECOND + Duration::from_nanos(1), "1000001u"),
        (Duration::from_secs(86_400), "86400000m"),
        (Duration::from_secs(86_400 * 31), "2147483S"),
    ] {
        let clock = ManualClock::new();
        let ctx = Context::root(&clock).derive().timeout(left).build();
        let (calling, call) = arrived(&ctx).await;
        assert_eq!(call.head["grpc-timeout"], header);
        calling.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_deadline_no_header_goes_out() {
    let (calling, call) = arrived(&Context::background()).await;
    assert!(!call.head.contains_key("grpc-timeout"));
    calling.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn when_nothing_is_left_nothing_is_sent() {
    let (mut client, listener) = caller().await;
    let (late, _canceler) = Context::background().with_timeout(Duration::ZERO);
    let status = limit(client.unary(late.request(note("x")))).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(status.context_error(), late.error());

    let (ctx, canceler) = Context::background().with_cancel();
    canceler.cancel_with("enough");
    let status = limit(client.unary(ctx.request(note("x")))).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Cancelled, "enough"));
    assert!(listener.is_untouched());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waits_for_a_connection_ends_with_its_context() {
    let nowhere = tower::service_fn(|_: http::Uri| pending::<Result<TokioIo<TcpStream>, std::io::Error>>());
    let channel = Endpoint::from_static("http://nowhere").connect_with_connector_lazy(nowhere);
    let client = Client::new(ClientLayer::new().layer(channel));
    let (root, clock, ctx) = for_an_hour();
    let calling = unary(&client, ctx.request(note("x")));
    limit(async {
        while root.derived_count() < 2 && ctx.derived_count() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    clock.advance(HOUR);
    assert_eq!(failed(calling).await.code(), Code::DeadlineExceeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waits_for_its_answer_ends_at_the_deadline_and_resets() {
    let (root, clock, ctx) = for_an_hour();
    let (calling, mut call) = arrived(&ctx).await;
    clock.advance(HOUR);
    let status = failed(calling).await;
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(status.context_error().unwrap().is_deadline_exceeded());
    assert_eq!(call.reset().await, Reason::CANCEL);
    drop(ctx);
    limit(root.drained()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_canceled_says_why_and_resets() {
    let (ctx, canceler) = Context::background().with_cancel();
    let (calling, mut call) = arrived(&ctx).await;
    canceler.cancel_with("the user went to lunch");
    let status = failed(calling).await;
    assert_eq!((status.code(), status.message()), (Code::Cancelled, "the user went to lunch"));
    assert_eq!(call.reset().await, Reason::CANCEL);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_dropped_resets() {
    let (calling, mut call) = arrived(&Context::background()).await;
    calling.abort();
    assert_eq!(call.reset().await, Reason::CANCEL);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_answers_ends_at_the_deadline_and_resets() {
    let (root, clock, ctx) = for_an_hour();
    let (client, listener) = caller().await;
    let calling = chat(&client, &ctx, stream::pending());
    let mut call = listener.accept().await.one_call().await;
    let mut body = call.head(&[], false);
    body.send_data(common::raw::framed(&note("one")), false).unwrap();
    let mut notes = limit(calling).await.unwrap().unwrap().into_inner();
    assert_eq!(limit(notes.message()).await.unwrap(), Some(note("one")));
    clock.advance(HOUR);
    assert_eq!(limit(notes.message()).await.unwrap_err().code(), Code::DeadlineExceeded);
    // The stream is still held: the reset does not wait for it.
    assert_eq!(common::raw::reset(&mut body).await, Reason::CANCEL);
    drop((notes, ctx));
    limit(root.drained()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_answers_that_is_dropped_resets() {
    let (client, listener) = caller().await;
    let calling = chat(&client, &Context::background(), stream::iter([note("one")]).chain(stream::pending()));
    let mut call = listener.accept().await.one_call().await;
    let mut body = call.head(&[], false);
    drop(limit(calling).await.unwrap().unwrap());
    assert_eq!(common::raw::reset(&mut body).await, Reason::CANCEL);
    assert!(matches!(call.read().await, (_, Err(Reason::CANCEL))));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_ends_lets_go_of_its_context() {
    let (root, _clock, ctx) = for_an_hour();
    let (client, listener) = caller().await;
    let calling = chat(&client, &ctx, stream::iter([note("one")]));
    let mut call = listener.accept().await.one_call().await;
    let mut body = call.head(&[], false);
    assert!(matches!(call.read().await, (_, Ok(()))));
    body.send_trailers(http::HeaderMap::from_iter([("grpc-status".parse().unwrap(), "0".parse().unwrap())]))
        .unwrap();
    let mut notes = limit(calling).await.unwrap().unwrap().into_inner();
    assert_eq!(limit(notes.message()).await.unwrap(), None);
    limit(ctx.drained()).await;
    drop((notes, ctx));
    limit(root.drained()).await;
}

/// How a stream of requests ends when its context does: `bytes` were sent, and then a reset or the end.
async fn upload_ended_by<S: Stream<Item = Note> + Send + 'static>(
    notes: impl FnOnce(&Context) -> S,
    end: impl FnOnce(&ManualClock, purview::Canceler),
) -> (usize, Result<(), Reason>) {
    let clock = ManualClock::new();
    let (ctx, canceler) = Context::root(&clock).with_timeout(HOUR);
    let (client, listener) = caller().await;
    let calling = {
        let (mut client, request) = (client.clone(), ctx.request(notes(&ctx)));
        tokio::spawn(async move { client.upload(request).await })
    };
    let mut call = listener.accept().await.one_call().await;
    let first = limit(call.body.data()).await.unwrap().unwrap();
    end(&clock, canceler);
    let (rest, end) = call.read().await;
    drop(failed(calling).await);
    (first.len() + rest, end)
}

fn one_then_stuck(_: &Context) -> impl Stream<Item = Note> + Send + use<> {
    stream::iter([note("one")]).chain(stream::pending())
}

/// As people write it who know that the context may be done: the stream just ends.
fn one_until_done(ctx: &Context) -> impl Stream<Item = Note> + Send + use<> {
    let done = ctx.done().into_owned().map(drop);
    stream::iter([note("one")]).chain(stream::pending()).take_until(done)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_requests_is_reset_and_not_ended_when_its_context_is_done() {
    let reset = (10, Err(Reason::CANCEL));
    assert_eq!(upload_ended_by(one_then_stuck, |clock, _canceler| clock.advance(HOUR)).await, reset);
    assert_eq!(upload_ended_by(one_until_done, |clock, _canceler| clock.advance(HOUR)).await, reset);
    assert_eq!(upload_ended_by(one_then_stuck, |_, canceler| canceler.cancel_with("enough")).await, reset);
    assert_eq!(upload_ended_by(one_until_done, |_, canceler| canceler.cancel_with("enough")).await, reset);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_requests_that_fails_is_reset_and_the_call_says_why() {
    let (client, listener) = caller().await;
    let calling = {
        let mut client = client.clone();
        let notes = stream::iter([Ok(note("one")), Err("the file is torn".to_owned()), Ok(note("two"))]);
        let request = Context::background().try_request(notes);
        tokio::spawn(async move { client.upload(request).await })
    };
    let mut call = listener.accept().await.one_call().await;
    let (_, end) = call.read().await;
    assert_eq!(end, Err(Reason::CANCEL));
    let status = failed(calling).await;
    assert_eq!((status.code(), status.message()), (Code::Cancelled, "the file is torn"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_requests_that_could_have_failed_ends() {
    let (client, listener) = caller().await;
    let calling = {
        let mut client = client.clone();
        let request = Context::background().try_request(stream::iter([Ok::<_, Status>(note("one"))]));
        tokio::spawn(async move { client.upload(request).await })
    };
    let mut call = listener.accept().await.one_call().await;
    assert_eq!(call.read().await, (10, Ok(())));
    let mut body = call.head(&[], false);
    body.send_data(common::raw::framed(&note("stored")), false).unwrap();
    body.send_trailers(http::HeaderMap::from_iter([("grpc-status".parse().unwrap(), "0".parse().unwrap())]))
        .unwrap();
    assert_eq!(limit(calling).await.unwrap().unwrap().into_inner(), note("stored"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_away_ends_the_calls_and_leaves_nothing_alive() {
    for code in 0..=13 {
        let (root, _clock, ctx) = for_an_hour();
        let (client, listener) = caller().await;
        let calling = unary(&client, ctx.request(note("x")));
        let mut accepted = listener.accept().await;
        let call = accepted.call().await;
        accepted.goodbye(Reason::from(code)).await;
        let status = failed(calling).await;
        assert_ne!(status.code(), Code::DeadlineExceeded, "{code}: it was not late");
        drop((call, ctx));
        limit(root.drained()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_that_the_request_has_already_counts_if_it_is_shorter() {
    let clock = ManualClock::new();
    let ctx = Context::root(&clock).derive().timeout(2 * HOUR).build();
    let (client, listener) = caller().await;
    let mut request = ctx.request(note("x"));
    request.set_timeout(HOUR);
    let calling = unary(&client, request);
    let call = listener.accept().await.one_call().await;
    assert_eq!(call.head.get_all("grpc-timeout").iter().count(), 1);
    assert_eq!(call.head["grpc-timeout"], "3600000m");
    clock.advance(HOUR);
    assert_eq!(failed(calling).await.code(), Code::DeadlineExceeded);
    assert!(!ctx.is_done());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_that_the_request_has_already_is_replaced_if_it_is_longer_or_cannot_be_read() {
    for own in ["7200000m", "99999999H", "soon"] {
        let (_root, _clock, ctx) = for_an_hour();
        let (client, listener) = caller().await;
        let mut request = ctx.request(note("x"));
        request.metadata_mut().insert("grpc-timeout", own.parse().unwrap());
        let calling = unary(&client, request);
        let call = listener.accept().await.one_call().await;
        assert_eq!(call.head.get_all("grpc-timeout").iter().collect::<Vec<_>>(), ["3600000m"], "{own}");
        calling.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tonics_own_words_for_a_timeout_mean_late() {
    let (_root, _clock, ctx) = for_an_hour();
    let (calling, mut call) = arrived(&ctx).await;
    call.head(&[("grpc-status", "1"), ("grpc-message", "Timeout%20expired")], true);
    let status = failed(calling).await;
    assert_eq!((status.code(), status.message()), (Code::DeadlineExceeded, "Timeout expired"));

    // Its client's timer, in real time, while the clock of the context stands still.
    let ctx = Context::root(ManualClock::new()).derive().timeout(Duration::from_millis(1)).build();
    let (calling, _call) = arrived(&ctx).await;
    assert_eq!(failed(calling).await.code(), Code::DeadlineExceeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_other_status_of_the_server_is_left_as_it_is() {
    for code in ["1", "2", "4", "14", "16"] {
        let (_root, _clock, ctx) = for_an_hour();
        let (calling, mut call) = arrived(&ctx).await;
        call.head(&[("grpc-status", code), ("grpc-message", "as%20it%20is")], true);
        let status = failed(calling).await;
        assert_eq!((i32::from(status.code()), status.message()), (code.parse().unwrap(), "as it is"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_by_the_server_has_the_status_of_its_code() {
    let rows = [
        (Reason::NO_ERROR, Code::Internal),
        (Reason::PROTOCOL_ERROR, Code::Internal),
        (Reason::INTERNAL_ERROR, Code::Internal),
        (Reason::FLOW_CONTROL_ERROR, Code::Internal),
        (Reason::SETTINGS_TIMEOUT, Code::Internal),
        (Reason::FRAME_SIZE_ERROR, Code::Internal),
        (Reason::REFUSED_STREAM, Code::Unavailable),
        (Reason::CANCEL, Code::Cancelled),
        (Reason::COMPRESSION_ERROR, Code::Internal),
        (Reason::CONNECT_ERROR, Code::Internal),
        (Reason::ENHANCE_YOUR_CALM, Code::ResourceExhausted),
        (Reason::INADEQUATE_SECURITY, Code::PermissionDenied),
    ];
    for (reason, code) in rows {
        let (root, _clock, ctx) = for_an_hour();
        let (calling, mut call) = arrived(&ctx).await;
        call.answer.send_reset(reason);
        assert_eq!(failed(calling).await.code(), code, "{reason:?}");
        drop(ctx);
        limit(root.drained()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_a_status_is_an_error() {
    let (_root, _clock, ctx) = for_an_hour();
    let (calling, mut call) = arrived(&ctx).await;
    call.head(&[], true);
    assert_eq!(failed(calling).await.code(), Code::Unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_in_a_head_that_is_not_the_end_leaves_the_deadline_in_force() {
    let (root, clock, ctx) = for_an_hour();
    let (client, listener) = caller().await;
    let calling = chat(&client, &ctx, stream::pending());
    let mut call = listener.accept().await.one_call().await;
    let mut body = call.head(&[("grpc-status", "0")], false); // and then nothing
    let mut notes = limit(calling).await.unwrap().unwrap().into_inner();
    clock.advance(HOUR);
    assert_eq!(limit(notes.message()).await.unwrap_err().code(), Code::DeadlineExceeded);
    assert_eq!(common::raw::reset(&mut body).await, Reason::CANCEL);
    drop((notes, ctx));
    limit(root.drained()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_answers_is_reset_at_the_deadline_also_when_the_request_was_whole() {
    let (root, clock, ctx) = for_an_hour();
    let (client, listener) = caller().await;
    let calling = {
        let (mut client, request) = (client.clone(), ctx.request(note("x")));
        tokio::spawn(async move { client.download(request).await })
    };
    let mut call = listener.accept().await.one_call().await;
    assert!(matches!(call.read().await, (_, Ok(()))));
    let mut body = call.head(&[], false);
    let mut notes = limit(calling).await.unwrap().unwrap().into_inner();
    clock.advance(HOUR);
    assert_eq!(limit(notes.message()).await.unwrap_err().code(), Code::DeadlineExceeded);
    // The stream is still held: the reset does not wait for it.
    assert_eq!(common::raw::reset(&mut body).await, Reason::CANCEL);
    drop((notes, ctx));
    limit(root.drained()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_answers_that_ends_without_a_status_is_never_a_whole_one() {
    let (root, _clock, ctx) = for_an_hour();
    let (client, listener) = caller().await;
    let calling = chat(&client, &ctx, stream::pending());
    let mut call = listener.accept().await.one_call().await;
    let mut body = call.head(&[], false);
    body.send_data(common::raw::framed(&note("one")), true).unwrap();
    let mut notes = limit(calling).await.unwrap().unwrap().into_inner();
    assert_eq!(limit(notes.message()).await.unwrap(), Some(note("one")));
    assert_eq!(limit(notes.message()).await.unwrap_err().code(), Code::Unknown);
    drop((notes, ctx));
    limit(root.drained()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intermediary_that_answers_in_the_servers_place_has_the_status_of_its_http_code() {
    for (http, code) in [(401, Code::Unauthenticated), (404, Code::Unimplemented), (504, Code::Unavailable)] {
        let (_root, _clock, ctx) = for_an_hour();
        let (calling, mut call) = arrived(&ctx).await;
        let mut answer = http::Response::new(());
        *answer.status_mut() = http::StatusCode::from_u16(http).unwrap();
        let mut body = call.answer.send_response(answer, false).unwrap();
        body.send_data(bytes::Bytes::new(), true).unwrap();
        assert_eq!(failed(calling).await.code(), code, "{http}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn details_that_are_not_base64_do_no_harm() {
    let (_root, _clock, ctx) = for_an_hour();
    let (calling, mut call) = arrived(&ctx).await;
    call.head(&[("grpc-status", "5"), ("grpc-status-details-bin", "!!!")], true);
    let status = failed(calling).await;
    assert_eq!((status.code(), status.details()), (Code::NotFound, &b""[..]));

    let (calling, mut call) = arrived(&ctx).await;
    let mut body = call.head(&[], false);
    let trailers = [("grpc-status", "5"), ("grpc-status-details-bin", "A")];
    let trailers = trailers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    body.send_trailers(http::HeaderMap::from_iter(trailers)).unwrap();
    assert_eq!(failed(calling).await.code(), Code::NotFound);
}

static TENANT: Key<String> =
    Key::new("tenant").crossing(Codec { encode: |t| Some(t.clone()), decode: |text| Ok(text.to_owned()) });

#[tokio::test(flavor = "multi_thread")]
async fn values_of_allowed_keys_go_out_and_binary_metadata_is_left_alone() {
    let ctx = Context::background().with_value(&TENANT, "acme".to_owned());
    let allowing = || Policy::trusted().allow(&TENANT).unwrap();
    let listing = || allowing().destinations(["svc.local"]).unwrap();
    for (layer, baggage) in [
        (ClientLayer::new(), None),
        (ClientLayer::new().policy(Policy::trusted()), None),
        (ClientLayer::new().policy(allowing()), Some("tenant=acme")),
        (ClientLayer::new().policy(listing()), None),
        (ClientLayer::new().policy(listing()).destination("api.elsewhere"), None),
        (ClientLayer::new().policy(listing()).destination("api.svc.local:443"), Some("tenant=acme")),
    ] {
        let (listener, addr) = Listener::bind().await;
        let client = Client::new(layer.layer(channel(addr)));
        let mut request = ctx.request(note("x"));
        request
            .metadata_mut()
            .insert_bin("trace-bin", tonic::metadata::MetadataValue::from_bytes(&[1, 2, 3]));
        let calling = unary(&client, request);
        let call = listener.accept().await.one_call().await;
        assert_eq!(call.head.get("baggage").map(|value| value.to_str().unwrap()), baggage);
        assert_eq!(call.head["trace-bin"], "AQID");
        calling.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_that_was_told_nothing_passes_on_no_baggage_and_no_trace() {
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let came = HashMap::from([("baggage", "user=ada"), ("traceparent", trace)]);
    let ctx = extract(&came, &Context::background(), &Policy::trusted()).unwrap();
    for (layer, goes) in [(ClientLayer::new(), false), (ClientLayer::new().policy(Policy::trusted()), true)] {
        let (listener, addr) = Listener::bind().await;
        let client = Client::new(layer.layer(channel(addr)));
        let calling = unary(&client, ctx.request(note("x")));
        let call = listener.accept().await.one_call().await;
        for name in ["baggage", "traceparent"] {
            assert_eq!(call.head.contains_key(name), goes, "{name}");
        }
        calling.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_form_the_policy_sends_the_deadline_goes_as_grpc_has_it() {
    let clock = ManualClock::new();
    let ctx = Context::root(&clock).derive().timeout(HOUR).build();
    let (listener, addr) = Listener::bind().await;
    let layer = ClientLayer::new().policy(Policy::untrusted().send(Format::Millis));
    let calling = unary(&Client::new(layer.layer(channel(addr))), ctx.request(note("x")));
    let call = listener.accept().await.one_call().await;
    assert_eq!(call.head["grpc-timeout"], "3600000m");
    assert!(!call.head.contains_key("x-request-timeout-ms"));
    calling.abort();
}

/// A channel that is ready for a call as soon as it is open, and shows what it is given.
#[derive(Clone)]
struct Gated {
    open: Arc<AtomicBool>,
    given: mpsc::UnboundedSender<http::Request<Body>>,
}

impl tower::Service<http::Request<Body>> for Gated {
    type Response = http::Response<Body>;
    type Error = Status;
    type Future = Pending<Result<Self::Response, Status>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Status>> {
        // Polled by hand: there is nobody to wake.
        if self.open.load(Ordering::Relaxed) { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        self.given.send(request).unwrap();
        pending()
    }
}

#[test]
fn what_is_left_is_read_when_the_channel_is_ready_for_the_call() {
    let (_root, clock, ctx) = for_an_hour();
    let (given, mut told) = mpsc::unbounded_channel();
    let open = Arc::new(AtomicBool::new(false));
    let channel = Gated { open: Arc::clone(&open), given };
    let mut request = http::Request::new(Body::empty());
    request.extensions_mut().insert(ctx);
    let mut calling = purview_test::task(ClientLayer::new().layer(channel).call(request));
    assert!(calling.poll().is_pending());
    clock.advance(HOUR / 2);
    open.store(true, Ordering::Relaxed);
    assert!(calling.poll().is_pending());
    let request = told.try_recv().expect("the channel is ready");
    assert_eq!(request.headers()["grpc-timeout"], "1800000m");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_a_context_of_its_own_is_under_the_current_one() {
    let clock = ManualClock::new();
    let ctx = Context::root(&clock).derive().timeout(SECOND).build();
    let (client, listener) = caller().await;
    let mut calling = client.clone();
    let calling = tokio::spawn(ctx.scoped(async move { calling.unary(note("x")).await }));
    let call = listener.accept().await.one_call().await;
    assert_eq!(call.head["grpc-timeout"], "1000000u");
    calling.abort();

    let own = Context::root(&clock).derive().timeout(HOUR).build();
    let (mut client, listener) = caller().await;
    let calling = tokio::spawn(ctx.scoped(async move { client.unary(own.request(note("x"))).await }));
    let call = listener.accept().await.one_call().await;
    assert_eq!(call.head["grpc-timeout"], "3600000m");
    calling.abort();
}
