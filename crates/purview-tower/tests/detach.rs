//! Handlers that may go on: for a bounded time, in bounded number, and only those that were not ready.
#![cfg(feature = "tokio")]

mod common;

use common::server::within;
use common::{Bench, SECOND, Script, request, response};
use http::{Request, Response};
use purview::Context;
use purview_test::{DropCounter, Probe, poll_once, task};
use purview_tower::{ClientGone, DetachLayer, End, ServerService};
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use tokio::sync::oneshot;
use tower::{Layer, Service, service_fn};

/// A service for one request, and what its handler does.
struct Trial<S> {
    service: ServerService<S>,
    step: oneshot::Sender<()>,
    noted: oneshot::Receiver<(purview::Error, bool)>,
    probes: DropCounter,
}

/// Its handler waits for the end of its context, then for the step, and then notes that it is through.
fn finishing(
    bench: &Bench,
    detach: &DetachLayer,
) -> Trial<impl Service<Request<()>, Response = Response<Script>, Error = Infallible, Future: Send> + use<>> {
    let (step, work) = oneshot::channel::<()>();
    let (note, noted) = oneshot::channel();
    let probes = DropCounter::new();
    let mut parts = Some((work, note, probes.probe()));
    let handler = move |request: Request<()>| {
        let ctx = request.extensions().get::<Context>().unwrap().clone();
        let (work, note, probe) = parts.take().expect("one request");
        handle(ctx, work, note, probe)
    };
    Trial { service: bench.around(detach.layer(service_fn(handler))), step, noted, probes }
}

async fn handle(
    ctx: Context,
    work: oneshot::Receiver<()>,
    note: oneshot::Sender<(purview::Error, bool)>,
    probe: Probe,
) -> Result<Response<Script>, Infallible> {
    let error = ctx.done().await;
    let _ = work.await;
    let current = Context::current().is_some_and(|current| current.ptr_eq(&ctx));
    let _ = note.send((error, current));
    drop(probe);
    Ok(response(Script::new([]).telling()))
}

#[tokio::test]
async fn a_handler_whose_client_left_goes_on_and_sees_why() {
    let bench = Bench::new();
    let detach = DetachLayer::new(SECOND, 1);
    let Trial { mut service, step, noted, .. } = finishing(&bench, &detach);
    let mut call = task(service.call(request()));
    assert!(call.poll().is_pending());
    drop(call);
    assert_eq!(detach.running(), 1);
    bench.assert_one(End::ClientGone);
    step.send(()).unwrap();
    let (error, current) = within("the handler goes on", noted).await.unwrap();
    assert!(error.cause().is::<ClientGone>());
    assert!(current, "its context is the current one there too");
    drop(service);
    within("it lets go", bench.root.drained()).await;
    assert_eq!((detach.running(), detach.refused()), (0, 0));
}

#[tokio::test]
async fn a_late_handler_is_answered_for_and_goes_on() {
    let bench = Bench::new();
    let detach = DetachLayer::new(SECOND, 1);
    let Trial { mut service, step, noted, .. } = finishing(&bench, &detach);
    let mut call = task(service.call(request()));
    assert!(call.poll().is_pending());
    bench.clock.advance(SECOND);
    let Poll::Ready(Ok(response)) = call.poll() else { panic!("it is late") };
    assert_eq!(response.status(), 504);
    step.send(()).unwrap();
    assert!(within("the handler goes on", noted).await.unwrap().0.is_deadline_exceeded());
}

#[tokio::test]
async fn after_its_grace_it_is_dropped() {
    let bench = Bench::new();
    let detach = DetachLayer::new(SECOND, 1);
    let Trial { mut service, step, noted, probes } = finishing(&bench, &detach);
    let mut call = task(service.call(request()));
    assert!(call.poll().is_pending());
    drop((call, service));
    tokio::task::yield_now().await;
    assert_eq!((probes.live(), detach.running()), (1, 1), "it counts as long as it goes on");
    bench.clock.advance(SECOND);
    within("it lets go", bench.root.drained()).await;
    assert!(within("it is dropped", noted).await.is_err(), "it never came to its end");
    assert_eq!((probes.live(), detach.running()), (0, 0));
    drop(step);
}

#[tokio::test]
async fn beyond_their_number_they_are_dropped_at_once() {
    let bench = Bench::new();
    let detach = DetachLayer::new(SECOND, 0);
    let Trial { mut service, probes, .. } = finishing(&bench, &detach);
    let mut call = task(service.call(request()));
    assert!(call.poll().is_pending());
    drop(call);
    assert_eq!((probes.live(), detach.running(), detach.refused()), (0, 0, 1));
    bench.assert_gone();
}

#[tokio::test]
async fn one_that_was_never_polled_does_not_begin_when_its_client_has_gone() {
    let bench = Bench::new();
    let detach = DetachLayer::new(SECOND, 1);
    let Trial { mut service, probes, .. } = finishing(&bench, &detach);
    drop(service.call(request()));
    assert_eq!((probes.live(), detach.running(), detach.refused()), (0, 0, 0));
    bench.assert_one(End::ClientGone);
    bench.assert_gone();
}

#[test]
fn without_a_runtime_they_are_dropped_at_once() {
    let bench = Bench::new();
    let detach = DetachLayer::new(SECOND, 1);
    let Trial { mut service, probes, .. } = finishing(&bench, &detach);
    let mut call = task(service.call(request()));
    assert!(call.poll().is_pending());
    drop(call);
    assert_eq!((probes.live(), detach.running(), detach.refused()), (0, 0, 1));
}

#[tokio::test]
async fn a_handler_that_is_ready_or_panics_does_not_go_on() {
    let bench = Bench::new();
    let detach = DetachLayer::new(SECOND, 1);
    let ready =
        service_fn(|_: Request<()>| async { Ok::<_, Infallible>(response(Script::new([]).telling())) });
    assert!(poll_once(bench.around(detach.layer(ready)).call(request())).is_ready());
    let panics = service_fn(|_: Request<()>| std::future::poll_fn(|_| panicked()));
    let mut call = task(bench.around(detach.layer(panics)).call(request()));
    assert!(catch_unwind(AssertUnwindSafe(|| call.poll().is_ready())).is_err());
    drop(call);
    assert_eq!((detach.running(), detach.refused()), (0, 0));
    bench.assert_gone();
}

fn panicked() -> Poll<Result<Response<Script>, Infallible>> {
    panic!("on purpose")
}
