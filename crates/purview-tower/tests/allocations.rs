//! What a request costs in allocations. One test in a process of its own, since it counts for the whole process.

mod common;

use common::{Bench, Script, Step, poll_frame, response};
use http::{HeaderValue, Request};
use purview::Context;
use purview_test::poll_once;
use purview_tower::ClientLayer;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::convert::Infallible;
use std::future::ready;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;
use tower::{Layer, Service, service_fn};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[derive(Clone)]
struct SomethingElse;

/// How many allocations `f` makes with what is made anew for each round, at best: the harness allocates beside it now and then.
fn cost<T>(mut make: impl FnMut() -> T, mut f: impl FnMut(T)) -> usize {
    (0..20)
        .map(|_| {
            let subject = make();
            let region = Region::new(ALLOCATOR);
            f(subject);
            let change = region.change();
            change.allocations + change.reallocations
        })
        .min()
        .expect("some rounds")
}

fn request(with_extensions: bool) -> Request<()> {
    let mut request = Request::builder().header("host", "here").header("accept", "*/*").body(()).unwrap();
    request.headers_mut().insert("x-request-timeout-ms", HeaderValue::from_static("1000"));
    if with_extensions {
        request.extensions_mut().insert(SomethingElse);
    }
    request
}

#[test]
fn a_request_allocates_three_times_in_both_layers_and_waiting_allocates_nothing() {
    requests();
    waits();
}

fn requests() {
    let bench = Bench::new();
    let handler = |_: Request<()>| ready(Ok::<_, Infallible>(response(Script::new([]).telling())));
    let mut server = bench.layer.layer(service_fn(handler));
    let mut bare = bench.layer.clone().without_extension().layer(service_fn(handler));
    let mut call = |request| assert!(poll_once(server.call(request)).is_ready());
    let mut call_bare = |request| assert!(poll_once(bare.call(request)).is_ready());
    call(request(true)); // the first one makes what is made once
    let with_extensions = || request(true);
    assert_eq!(cost(|| request(false), &mut call_bare), 1, "the context");
    assert_eq!(cost(with_extensions, &mut call), 2, "and its place");
    assert_eq!(cost(|| request(false), &mut call), 4, "and the map, where it is the first in there");

    let (ctx, _canceler) = Context::background().with_timeout(Duration::from_secs(3600));
    let mut client = ClientLayer::new().layer(service_fn(handler));
    let outgoing = || {
        let mut request = request(false);
        request.extensions_mut().insert(ctx.clone());
        request
    };
    assert_eq!(
        cost(outgoing, |request| assert!(poll_once(client.call(request)).is_ready())),
        1,
        "the header"
    );

    let mut both = ClientLayer::new().layer(bench.layer.layer(service_fn(handler)));
    assert_eq!(cost(outgoing, |request| assert!(poll_once(both.call(request)).is_ready())), 3, "all of it");
}

fn waits() {
    let bench = Bench::new();
    let handler =
        |_: Request<()>| ready(Ok::<_, Infallible>(response(Script::new([Step::Data("a"), Step::Wait]))));
    let mut server = bench.layer.layer(service_fn(handler));
    let body = || {
        let Poll::Ready(Ok(response)) = poll_once(server.call(request(true))) else { panic!("not ready") };
        Box::pin(response.into_body())
    };
    let mut kept = Vec::with_capacity(100);
    let stream = |mut body: Pin<Box<purview_tower::ServerBody<Script>>>| {
        assert!(poll_frame(&mut body).is_ready());
        assert!(poll_frame(&mut body).is_pending());
        kept.push(body);
    };
    assert_eq!(cost(body, stream), 0);

    let never = |_: Request<()>| std::future::pending::<Result<http::Response<Script>, Infallible>>();
    let mut server = bench.layer.clone().without_extension().layer(service_fn(never));
    let wait = |request| {
        let mut call = pin!(server.call(request));
        assert!(purview_test::poll_with(call.as_mut(), std::task::Waker::noop()).is_pending());
    };
    assert_eq!(cost(|| request(false), wait), 1, "the context");
}
