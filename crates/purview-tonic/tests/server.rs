//! What a peer sees of a server whose calls end otherwise than by their handler: single frames.

mod common;

use common::raw::{Answered, Peer};
use common::{
    CHAT, DOWNLOAD, Notes, Scribe, Served, UNARY, UPLOAD, limit, note, serve, serve_by_axum, serve_by_hand,
    serve_by_hyper,
};
use futures::{FutureExt as _, StreamExt as _, stream};
use purview::{Codec, Context, Key, ManualClock};
use purview_propagate::{Malformed, Policy, inject};
use purview_test::{task, unwoken_root};
use purview_tonic::{RequestExt as _, ServerLayer, to_status};
use purview_tower::{End, Stages};
use purview_wire::Format;
use std::collections::HashMap;
use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::mpsc;
use tonic::body::Body;
use tonic::{Request, Response, Status};
use tower::{Layer as _, Service as _};

const HOUR: Duration = Duration::from_secs(3600);
const ONE_HOUR: (&str, &[u8]) = ("grpc-timeout", b"1H");

/// Every kind of call: tells of its context, and then never gets on. Streams give one note first.
fn stuck() -> (Scribe, mpsc::UnboundedReceiver<Context>) {
    let (tell, told) = mpsc::unbounded_channel();
    let telling = [(); 4].map(|()| tell.clone());
    let [unary, download, upload, chat] = telling;
    let scribe = Scribe::new()
        .unary(move |request| {
            unary.send(request.context()).unwrap();
            pending()
        })
        .download(move |request| {
            download.send(request.context()).unwrap();
            async { Ok(Response::new(one_then_stuck())) }
        })
        .upload(move |request| {
            upload.send(request.context()).unwrap();
            async move {
                let mut notes = request.into_inner();
                while notes.message().await?.is_some() {}
                pending().await
            }
        })
        .chat(move |request| {
            chat.send(request.context()).unwrap();
            async { Ok(Response::new(one_then_stuck())) }
        });
    (scribe, told)
}

fn one_then_stuck() -> Notes {
    stream::iter([Ok(note("one"))]).chain(stream::pending()).boxed()
}

/// A call of that kind that was begun and has reached its handler is brought to its end.
async fn ended_by(path: &str, end: impl FnOnce(&Stages, &ManualClock, &Context)) -> (Answered, Context) {
    let clock = ManualClock::new();
    let root = Context::root(&clock);
    let stages = Stages::new(&root);
    let (scribe, mut told) = stuck();
    let served = serve(scribe, ServerLayer::new(stages.context())).await;
    let mut peer = Peer::connect(served.addr).await;
    let mut called = peer.begin(path, &[ONE_HOUR]).await;
    called.send(&note("first"));
    if path == UNARY || path == DOWNLOAD {
        called.body.send_data(bytes::Bytes::new(), true).unwrap();
    }
    let ctx = limit(told.recv()).await.unwrap();
    end(&stages, &clock, &ctx);
    let answered = called.end().await.unwrap();
    served.wait_until_quiet().await;
    assert_eq!(served.counts.live(), 0);
    (answered, ctx)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unary_call_whose_time_is_up_ends_with_status_4_in_trailers_only() {
    let (answered, ctx) = ended_by(UNARY, |_, clock, _| clock.advance(HOUR)).await;
    assert_eq!(answered.status(), ("4", "context%20deadline%20exceeded"));
    assert!(answered.is_trailers_only());
    assert!(ctx.error().unwrap().is_deadline_exceeded());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_stream_whose_time_is_up_ends_with_status_4_in_trailers() {
    let (answered, _) = ended_by(DOWNLOAD, |_, clock, _| clock.advance(HOUR)).await;
    assert_eq!(answered.status().0, "4");
    assert!(answered.trailers.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_stream_whose_time_is_up_ends_with_status_4() {
    let (answered, _) = ended_by(UPLOAD, |_, clock, _| clock.advance(HOUR)).await;
    assert_eq!(answered.status().0, "4");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bidirectional_stream_whose_time_is_up_ends_with_status_4() {
    let (answered, _) = ended_by(CHAT, |_, clock, _| clock.advance(HOUR)).await;
    assert_eq!(answered.status().0, "4");
    assert!(answered.trailers.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_ends_a_moment_before_the_deadline() {
    let (scribe, mut told) = stuck();
    let (served, clock) = serve_by_hand(scribe).await;
    let mut peer = Peer::connect(served.addr).await;
    let called = peer.call(UNARY, &[ONE_HOUR], &note("x")).await;
    let ctx = limit(told.recv()).await.unwrap();
    clock.advance(HOUR.checked_sub(Duration::from_nanos(1)).unwrap());
    assert_eq!(ctx.check_exact(), Ok(()));
    clock.advance(Duration::from_nanos(1));
    assert_eq!(called.end().await.unwrap().status().0, "4");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_ends_every_kind_of_call_with_status_14() {
    for path in [UNARY, DOWNLOAD, UPLOAD, CHAT] {
        let (answered, _) = ended_by(path, |stages, _, _| stages.shutdown()).await;
        assert_eq!(answered.status().0, "14", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_that_is_canceled_ends_calls_with_status_1_and_the_cause() {
    let (scribe, mut told) = stuck();
    let (root, canceler) = Context::background().with_cancel();
    let served = serve(scribe, ServerLayer::new(&root)).await;
    let mut peer = Peer::connect(served.addr).await;
    let unary = peer.call(UNARY, &[], &note("x")).await;
    let stream = peer.call(DOWNLOAD, &[], &note("x")).await;
    limit(told.recv()).await.unwrap();
    limit(told.recv()).await.unwrap();
    canceler.cancel_with("the disk is full");
    for called in [unary, stream] {
        assert_eq!(called.end().await.unwrap().status(), ("1", "the%20disk%20is%20full"));
    }
    served.wait_until_quiet().await;
    limit(root.drained()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_comes_with_no_time_left_never_reaches_its_handler() {
    let entered = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&entered);
    let scribe = Scribe::new().unary(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        async { Ok(Response::new(note("late"))) }
    });
    let served = serve(scribe, ServerLayer::new(&Context::background())).await;
    let mut peer = Peer::connect(served.addr).await;
    for none in [&b"0n"[..], b"0S", b"00000000H"] {
        let called = peer.call(UNARY, &[("grpc-timeout", none)], &note("x")).await;
        assert_eq!(called.end().await.unwrap().status().0, "4");
    }
    assert_eq!(entered.load(Ordering::Relaxed), 0);
    assert_eq!(served.ended(End::Deadline).await, 3);
}

const MALFORMED: [&[u8]; 14] = [
    b"5",
    b"S",
    b"",
    b"100X",
    b"1e2m",
    b"-5m",
    b"+5m",
    b"1.5S",
    b"100 m",
    b"000000100m",
    b"123456789m",
    b"99999999999999S",
    b"\xff\xfem",
    b"1H,2H",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_timeout_is_status_13_by_default() {
    let served = serve(Scribe::new(), ServerLayer::new(&Context::background())).await;
    let mut peer = Peer::connect(served.addr).await;
    for value in MALFORMED {
        let answered = peer.call(UNARY, &[("grpc-timeout", value)], &note("x")).await.end().await.unwrap();
        let (code, message) = answered.status();
        assert_eq!(code, "13", "{value:?}");
        assert!(message.contains("grpc-timeout"), "{message}");
        assert!(answered.is_trailers_only());
    }
    assert_eq!(served.ended(End::Refused).await, 14);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_timeouts_the_smaller_holds_and_one_that_is_malformed_spoils_both() {
    let clock = ManualClock::new();
    let (scribe, mut told) = stuck();
    let served = serve_by_axum(scribe, ServerLayer::new(&Context::root(&clock))).await;
    let mut peer = Peer::connect(served.addr).await;
    for two in [[&b"1H"[..], b"1S"], [b"1S", b"1H"]] {
        let headers = two.map(|value| ("grpc-timeout", value));
        let called = peer.call(UNARY, &headers, &note("x")).await;
        assert_eq!(limit(told.recv()).await.unwrap().remaining(), Some(Duration::from_secs(1)));
        clock.advance(Duration::from_secs(1));
        assert_eq!(called.end().await.unwrap().status().0, "4");
    }
    for two in [[&b"1H"[..], b"soon"], [b"soon", b"1H"]] {
        let headers = two.map(|value| ("grpc-timeout", value));
        assert_eq!(peer.call(UNARY, &headers, &note("x")).await.end().await.unwrap().status().0, "13");
    }
    assert_eq!((served.ended(End::Deadline).await, served.ended(End::Refused).await), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_are_too_long_or_not_ascii_are_status_13_and_shown_in_part() {
    let served =
        serve(Scribe::new(), ServerLayer::new(&Context::background()).policy(Policy::trusted())).await;
    let mut peer = Peer::connect(served.addr).await;
    let long = [b'9'; 4_000];
    for (name, value) in [
        ("grpc-timeout", &long[..]),
        ("grpc-timeout", b"\xff\xfe"),
        ("baggage", b"tenant=\xff"),
        ("baggage", b"two words=1"),
    ] {
        let answered = peer.call(UNARY, &[(name, value)], &note("x")).await.end().await.unwrap();
        let (code, message) = answered.status();
        assert_eq!(code, "13", "{name}: {message}");
        assert!(message.contains(name) && message.len() < 400, "{message}");
    }
    assert_eq!(served.ended(End::Refused).await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_little_time_is_status_4_and_never_reaches_the_handler() {
    let policy = Policy::untrusted().min_budget(Duration::from_millis(5));
    let (scribe, mut told) = stuck();
    let served = serve(scribe, ServerLayer::new(&Context::background()).policy(policy)).await;
    let mut peer = Peer::connect(served.addr).await;
    let answered = peer.call(UNARY, &[("grpc-timeout", b"4m")], &note("x")).await.end().await.unwrap();
    assert_eq!(answered.status().0, "4");
    assert!(answered.is_trailers_only());
    assert_eq!(served.ended(End::Deadline).await, 1);
    drop((peer, served));
    assert!(limit(told.recv()).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_header_of_grpc_says_how_much_time_there_is() {
    let policy = Policy::trusted().read_formats(Format::ALL);
    let clock = ManualClock::new();
    let (scribe, mut told) = stuck();
    let served = serve(scribe, ServerLayer::new(&Context::root(&clock)).policy(policy)).await;
    let mut peer = Peer::connect(served.addr).await;
    let headers: [(&str, &[u8]); 4] = [
        ("x-request-timeout-ms", b"0"),
        ("connect-timeout-ms", b"soon"),
        ("request-timeout", b"1"),
        ("x-envoy-expected-rq-timeout-ms", b"1"),
    ];
    let _called = peer.call(UNARY, &headers, &note("x")).await;
    assert_eq!(limit(told.recv()).await.unwrap().remaining(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_that_was_told_nothing_takes_in_no_baggage_and_no_trace() {
    let headers: [(&str, &[u8]); 2] = [
        ("baggage", b"user=ada"),
        ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ];
    let layer = ServerLayer::new(&Context::background());
    for (layer, comes) in [(layer.clone(), 0), (layer.policy(Policy::trusted()), 2)] {
        let (scribe, mut told) = stuck();
        let served = serve(scribe, layer).await;
        let mut peer = Peer::connect(served.addr).await;
        let _called = peer.call(UNARY, &headers, &note("x")).await;
        let ctx = limit(told.recv()).await.unwrap();
        let mut passed_on = HashMap::<String, String>::new();
        inject(&ctx, &mut passed_on, &Policy::trusted()).unwrap();
        assert_eq!(passed_on.len(), comes, "{passed_on:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_or_a_stream_that_panics_ends_its_own_call_and_no_other() {
    let root = Context::background().named("root");
    let scribe = Scribe::new()
        .unary(|request| async move {
            assert!(request.into_inner().text != "panic", "the handler panics on purpose");
            Ok(Response::new(note("well")))
        })
        .download(|_| {
            let panics = stream::poll_fn(|_| panic!("the stream panics on purpose"));
            let notes = stream::iter([Ok(note("one"))]).chain(panics);
            std::future::ready(Ok(Response::new(notes.boxed())))
        });
    let served = serve(scribe, ServerLayer::new(&root)).await;
    let mut peer = Peer::connect(served.addr).await;
    assert!(peer.call(UNARY, &[], &note("panic")).await.end().await.is_err(), "reset, with no status");
    let answered = peer.call(DOWNLOAD, &[], &note("x")).await.end().await.unwrap();
    assert!(answered.trailers.is_err(), "reset, and never a whole stream");
    assert_eq!(peer.call(UNARY, &[], &note("x")).await.end().await.unwrap().status().0, "0");
    assert_eq!((served.ended(End::Panicked).await, served.ended(End::Finished).await), (2, 1));
    limit(root.drained()).await;
}

#[test]
fn a_deadline_that_nobody_noticed_is_noticed_when_the_call_is_polled() {
    let (root, clock) = unwoken_root();
    let handler =
        tower::service_fn(|_: http::Request<Body>| pending::<Result<http::Response<Body>, Infallible>>());
    let mut service = ServerLayer::new(&root).layer(handler);
    let request = http::Request::builder().header("grpc-timeout", "1S").body(Body::empty()).unwrap();
    let mut call = task(service.call(request));
    assert!(call.poll().is_pending());
    clock.pass(Duration::from_secs(2));
    let Poll::Ready(Ok(response)) = call.poll() else { panic!("it is late") };
    assert_eq!(response.headers()["grpc-status"], "4");
}

/// A server that answers with what is left of the time.
async fn left_with(policy: Policy, value: &[u8]) -> String {
    let clock = ManualClock::new();
    let scribe = Scribe::new().unary(|request| async move {
        assert!(request.metadata().get("grpc-timeout").is_none(), "stale as soon as it is read");
        let left = request.context().remaining();
        Err(Status::data_loss(format!("{left:?}")))
    });
    // tonic's own timer would obey what the policy does not.
    let served = serve_by_axum(scribe, ServerLayer::new(&Context::root(&clock)).policy(policy)).await;
    let mut peer = Peer::connect(served.addr).await;
    let answered = peer.call(UNARY, &[("grpc-timeout", value)], &note("x")).await.end().await.unwrap();
    let (code, message) = answered.status();
    assert_eq!(code, "15", "{message}");
    message.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_may_ignore_a_malformed_timeout() {
    for value in MALFORMED {
        let left = left_with(Policy::untrusted().malformed(Malformed::Ignore), value).await;
        assert_eq!(left, "None", "{value:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_may_read_what_careless_clients_send() {
    let policy = Policy::untrusted().malformed(Malformed::Lenient);
    assert_eq!(left_with(policy.clone(), b"200.7m").await, "Some(200.7ms)");
    assert_eq!(left_with(policy, b"100000000S").await, "Some(100000000s)");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_may_only_ask_for_less_than_the_cap() {
    let policy = Policy::untrusted().cap(Duration::from_secs(5));
    assert_eq!(left_with(policy.clone(), b"99999999H").await, "Some(5s)");
    assert_eq!(left_with(policy, b"4S").await, "Some(4s)");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_may_have_the_last_word() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let scribe = Scribe::new().unary(move |request| {
        tell.send(()).unwrap();
        async move {
            let status = to_status(request.context().done().await);
            Err(Status::data_loss(format!("half of it, {}", status.message())))
        }
    });
    let (served, clock) = serve_by_hand(scribe).await;
    let mut peer = Peer::connect(served.addr).await;
    let called = peer.call(UNARY, &[ONE_HOUR], &note("x")).await;
    limit(told.recv()).await.unwrap();
    clock.advance(HOUR);
    let answered = called.end().await.unwrap();
    assert_eq!(answered.status().0, "15");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_context_is_the_current_one_in_the_handler_and_in_its_stream() {
    let scribe = Scribe::new().download(|request| {
        let ctx = request.context();
        async move {
            assert!(Context::current().unwrap().ptr_eq(&ctx));
            let notes = stream::once(async move {
                assert!(Context::current().unwrap().ptr_eq(&ctx));
                assert!(!ctx.is_done(), "the context lives to the end of the body");
                Ok(note("seen"))
            });
            Ok(Response::new(notes.boxed()))
        }
    });
    let served = serve(scribe, ServerLayer::new(&Context::background())).await;
    let mut peer = Peer::connect(served.addr).await;
    let answered = peer.call(DOWNLOAD, &[], &note("x")).await.end().await.unwrap();
    assert_eq!(answered.status().0, "0");
    assert!(answered.data > 0);
    assert_eq!(served.ended(End::Finished).await, 1);
}

static TENANT: Key<String> =
    Key::new("tenant").crossing(Codec { encode: |t| Some(t.clone()), decode: |text| Ok(text.to_owned()) });

fn tenant_and_bin(request: &Request<common::Note>) -> Status {
    let tenant = request.context().value(&TENANT).cloned();
    let bin = request.metadata().get_bin("trace-bin").map(|value| value.to_bytes().unwrap().to_vec());
    Status::data_loss(format!("{tenant:?} {bin:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_allowed_keys_come_in_and_binary_metadata_is_left_alone() {
    let scribe = || Scribe::new().unary(|request| std::future::ready(Err(tenant_and_bin(&request))));
    let headers: [(&str, &[u8]); 2] = [("baggage", b"tenant=acme"), ("trace-bin", b"AQID")];

    let policy = Policy::trusted().allow(&TENANT).unwrap();
    let served = serve(scribe(), ServerLayer::new(&Context::background()).policy(policy)).await;
    let mut peer = Peer::connect(served.addr).await;
    let answered = peer.call(UNARY, &headers, &note("x")).await.end().await.unwrap();
    assert_eq!(answered.status().1, "Some(%22acme%22)%20Some([1,%202,%203])");

    let served = serve(scribe(), ServerLayer::new(&Context::background())).await;
    let mut peer = Peer::connect(served.addr).await;
    let answered = peer.call(UNARY, &headers, &note("x")).await.end().await.unwrap();
    assert_eq!(answered.status().1, "None%20Some([1,%202,%203])");
}

/// In real time: counts, and does not depend on speed.
async fn codes_of_200_short_calls(
    served: &Served,
    mut told: mpsc::UnboundedReceiver<Context>,
    at_least: Duration,
) {
    tokio::spawn(async move { while told.recv().await.is_some() {} });
    let mut peer = Peer::connect(served.addr).await;
    let mut calls = Vec::new();
    for n in 0..200_u32 {
        let timeout = format!("{}u", at_least.as_micros() + u128::from(n) * 97);
        let path = if n % 2 == 0 { UNARY } else { DOWNLOAD };
        let called = peer.call(path, &[("grpc-timeout", timeout.as_bytes())], &note("x")).await;
        calls.push(called.end().map(|answered| answered.unwrap().status().0.to_owned()));
    }
    let codes = limit(futures::future::join_all(calls)).await;
    assert_eq!(codes, vec!["4"; 200]);
    assert_eq!(served.ended(End::Deadline).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_200_calls_with_short_deadlines_200_end_with_status_4_against_tonics_timer() {
    let (scribe, told) = stuck();
    let served = serve(scribe, ServerLayer::new(&Context::background())).await;
    // Long enough that nothing but the deadline wakes a call near its deadline: see `ServerLayer` for the gap that is left.
    codes_of_200_short_calls(&served, told, Duration::from_millis(200)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_200_calls_with_short_deadlines_200_end_with_status_4_served_by_axum() {
    let (scribe, told) = stuck();
    let served = serve_by_axum(scribe, ServerLayer::new(&Context::background())).await;
    codes_of_200_short_calls(&served, told, Duration::from_micros(500)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_200_calls_with_short_deadlines_200_end_with_status_4_served_by_hyper() {
    let (scribe, told) = stuck();
    let served = serve_by_hyper(scribe, ServerLayer::new(&Context::background())).await;
    codes_of_200_short_calls(&served, told, Duration::from_micros(500)).await;
}
