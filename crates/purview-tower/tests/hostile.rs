//! Code of the user's that panics wherever it is called: each request is counted once all the same, and no context stays alive.

mod common;

use bytes::Bytes;
use common::{Bench, SECOND, Script, Step, poll_frame, request, response};
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use purview::{Codec, Context, Key};
use purview_propagate::Policy;
use purview_test::{
    PanicOnDrop, PanickingWaker, RunOnDrop, assert_drained, manual_root, poll_once, poll_with, task,
};
use purview_tower::{Answer, ClientGone, ClientLayer, Cut, End, HandlerPanicked, ServerService, Why};
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::Poll;
use tower::{Layer, Service, service_fn};

/// Whether `f` panics.
fn panics(f: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

/// A body that panics where it is told to.
struct Trap {
    script: Script,
    at: At,
    _bomb: Option<PanicOnDrop>,
}

#[derive(Clone, Copy, PartialEq)]
enum At {
    Poll,
    EndOfStream,
    SizeHint,
    Drop,
}

impl Trap {
    fn new(at: At, steps: impl IntoIterator<Item = Step>) -> Self {
        Self { script: Script::new(steps), at, _bomb: (at == At::Drop).then_some(PanicOnDrop) }
    }

    fn check(&self, at: At) {
        assert!(self.at != at, "the body panics on purpose");
    }
}

impl Body for Trap {
    type Data = Bytes;
    type Error = purview::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, purview::BoxError>>> {
        self.check(At::Poll);
        Pin::new(&mut self.script).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.check(At::EndOfStream);
        self.script.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.check(At::SizeHint);
        self.script.size_hint()
    }
}

/// A service that answers with this body.
fn answering(
    bench: &Bench,
    body: impl Fn() -> Trap + Clone,
) -> ServerService<impl Service<Request<()>, Response = Response<Trap>, Error = Infallible>> {
    bench.around(service_fn(move |_: Request<()>| {
        let body = body.clone();
        async move { Ok(Response::new(body())) }
    }))
}

#[test]
fn a_body_that_panics_anywhere_is_counted_once() {
    for at in [At::Poll, At::EndOfStream, At::SizeHint] {
        let bench = Bench::new();
        let mut service = answering(&bench, move || Trap::new(at, [Step::Data("a"), Step::Data("b")]));
        assert!(panics(|| {
            let Poll::Ready(Ok(response)) = poll_once(service.call(request())) else { panic!("not ready") };
            let _ = poll_frame(&mut pin!(response.into_body()));
        }));
        bench.assert_one(End::Panicked);
        bench.assert_gone();
    }
}

#[test]
fn a_body_that_panics_when_it_is_dropped_changes_nothing_of_how_its_request_ended() {
    type Act = fn(&Bench, Pin<&mut purview_tower::ServerBody<Trap>>);
    let rows: [(&[Step], Act, End); 3] = [
        (&[Step::End], |_, mut body| assert!(poll_frame(&mut body).is_ready()), End::Finished),
        (&[Step::Wait], |_, _| {}, End::ClientGone),
        (
            &[Step::Wait],
            |bench, mut body| {
                assert!(poll_frame(&mut body).is_pending());
                bench.clock.advance(SECOND);
                let _ = poll_frame(&mut body);
            },
            End::Deadline,
        ),
    ];
    for (steps, act, end) in rows {
        let bench = Bench::new();
        let steps = steps.to_vec();
        let mut service = answering(&bench, move || Trap::new(At::Drop, steps.clone()));
        assert!(panics(|| {
            let Poll::Ready(Ok(response)) = poll_once(service.call(request())) else { panic!("not ready") };
            act(&bench, pin!(response.into_body()).as_mut());
        }));
        bench.assert_one(end);
        bench.assert_gone();
        assert!(Context::current().is_none(), "the current context is put back");
    }
}

#[test]
fn a_body_that_is_not_sent_and_panics_when_it_is_dropped_belongs_to_a_finished_request() {
    let bench = Bench::new();
    let mut service = answering(&bench, || Trap::new(At::Drop, [Step::Wait]));
    let head = Request::builder().method("HEAD").body(()).unwrap();
    assert!(panics(|| drop(poll_once(service.call(head)))));
    bench.assert_one(End::Finished);
    bench.assert_gone();
}

#[test]
fn a_handler_that_panics_when_it_is_dropped_changes_nothing_of_how_its_request_ended() {
    for (time_is_up, end) in [(false, End::ClientGone), (true, End::Deadline)] {
        let bench = Bench::new();
        let mut service = bench.around(service_fn(|_: Request<()>| async {
            let _bomb = PanicOnDrop;
            std::future::pending::<Result<Response<Script>, Infallible>>().await
        }));
        let mut call = task(service.call(request()));
        assert!(call.poll().is_pending());
        if time_is_up {
            bench.clock.advance(SECOND);
            assert!(panics(|| drop(call.poll())));
            drop(call);
        } else {
            assert!(panics(|| drop(call)));
        }
        bench.assert_one(end);
        bench.assert_gone();
        assert!(Context::current().is_none(), "the current context is put back");
    }
}

struct Panicking;

impl Answer for Panicking {
    fn answer(&self, _: &Why<'_>) -> Response<Bytes> {
        panic!("on purpose")
    }
    fn cut(&self, _: &Why<'_>) -> Cut {
        panic!("on purpose")
    }
}

#[test]
fn an_answer_that_panics_changes_nothing_of_how_its_request_ended() {
    let bench = Bench::new();
    let layer = bench.layer.clone().answer(Panicking);
    let handler = service_fn(|request: Request<()>| async move {
        match request.uri().path() {
            "/wait" => std::future::pending().await,
            _ => Ok::<_, Infallible>(response(Script::new([Step::Wait]))),
        }
    });
    let mut service = layer.layer(handler);

    let malformed = Request::builder().header("x-request-timeout-ms", "soon").body(()).unwrap();
    assert!(panics(|| drop(service.call(malformed))));
    let late = Request::builder().header("grpc-timeout", "0n").body(()).unwrap();
    assert!(panics(|| drop(service.call(late))));
    let mut waiting =
        task(service.call(Request::builder().uri("/wait").header("grpc-timeout", "1S").body(()).unwrap()));
    assert!(waiting.poll().is_pending());
    let Poll::Ready(Ok(streaming)) = poll_once(service.call(request())) else { panic!("not ready") };
    let mut body = Box::pin(streaming.into_body());
    assert!(poll_frame(&mut body).is_pending());
    bench.clock.advance(SECOND);
    assert!(panics(|| drop(waiting.poll())));
    assert!(panics(|| drop(poll_frame(&mut body))));
    drop((waiting, body));
    assert_eq!(
        (bench.counts.ended(End::Refused), bench.counts.ended(End::Deadline), bench.counts.live()),
        (1, 3, 0)
    );
    bench.assert_gone();
}

#[test]
fn a_waiter_that_panics_when_it_is_woken_does_not_keep_its_request_live() {
    for end in [End::Finished, End::ClientGone] {
        let bench = Bench::new();
        let waker = PanickingWaker::new();
        let (told, waiter) = std::sync::mpsc::channel();
        let mut service = bench.around(service_fn(move |_: Request<()>| {
            told.send(Context::current().unwrap().done().into_owned()).unwrap();
            async { Ok::<_, Infallible>(response(Script::new([Step::Data("a"), Step::Wait]).exact(1))) }
        }));
        let Poll::Ready(Ok(response)) = poll_once(service.call(request())) else { panic!("not ready") };
        let mut body = Box::pin(response.into_body());
        let mut waiter = pin!(waiter.recv().unwrap());
        assert!(poll_with(waiter.as_mut(), &waker.waker()).is_pending());
        assert!(!panics(|| {
            if end == End::Finished {
                assert!(poll_frame(&mut body).is_ready());
            }
            drop(body);
        }));
        assert_eq!(waker.count(), 1);
        assert!(poll_once(waiter.as_mut()).is_ready());
        bench.assert_one(end);
    }
}

fn text_that_panics(_: &str) -> Result<String, purview::BoxError> {
    panic!("the codec panics on purpose")
}

static TRAPPED: Key<String> = Key::new("trapped")
    .crossing(Codec { encode: |_| panic!("the codec panics on purpose"), decode: text_that_panics });

#[test]
fn a_codec_or_an_observer_that_panics_is_counted_and_leaves_nothing_alive() {
    let codec = Policy::untrusted().allow(&TRAPPED).unwrap();
    let observer = Policy::untrusted().observer(|_| panic!("the observer panics on purpose"));
    for (policy, name, value) in [(codec, "baggage", "trapped=1"), (observer, "grpc-timeout", "soon")] {
        let bench = Bench::new();
        let layer = bench.layer.clone().policy(policy);
        let answer = |_: Request<()>| async { Ok::<_, Infallible>(response(Script::new([]).telling())) };
        let mut service = layer.layer(service_fn(answer));
        let request = Request::builder().header(name, value).body(()).unwrap();
        assert!(panics(|| drop(service.call(request))));
        bench.assert_one(End::Panicked);
        bench.assert_gone();
        assert!(poll_once(service.call(self::request())).is_ready(), "the next one is served");
    }
}

#[test]
fn a_codec_that_panics_in_a_client_sends_nothing_and_leaves_nothing_alive() {
    let (root, clock) = manual_root();
    let (ctx, canceler) = root.derive().timeout(SECOND).value(&TRAPPED, "1".to_owned()).cancelable();
    let policy = Policy::untrusted().allow(&TRAPPED).unwrap().any_destination();
    let mut client = ClientLayer::new().policy(policy).layer(service_fn(
        |_: Request<()>| -> std::future::Ready<Result<Response<Script>, Infallible>> {
            panic!("it was sent")
        },
    ));
    let mut request = Request::new(());
    request.extensions_mut().insert(ctx);
    let mut said = None;
    assert!(panics(|| {
        let caught = catch_unwind(AssertUnwindSafe(|| drop(client.call(request)))).unwrap_err();
        said = caught.downcast_ref::<&str>().copied();
        std::panic::resume_unwind(caught);
    }));
    assert_eq!(said, Some("the codec panics on purpose"));
    drop(canceler);
    assert_drained(&root);
    assert_eq!(clock.armed(), 0);
}

#[test]
fn a_panic_outside_of_the_layer_is_no_client_that_left() {
    let bench = Bench::new();
    let (told, ctx) = std::sync::mpsc::channel();
    let mut service = bench.around(service_fn(move |_: Request<()>| {
        told.send(Context::current().unwrap()).unwrap();
        std::future::pending::<Result<Response<Script>, Infallible>>()
    }));
    let future = service.call(request());
    assert!(panics(move || {
        let _dropped_while_unwinding = future;
        panic!("on purpose")
    }));
    assert!(ctx.recv().unwrap().cause().unwrap().is::<HandlerPanicked>());
    bench.assert_one(End::Panicked);
}

/// A body that does something when it is dropped.
struct Last(#[expect(dead_code, reason = "only dropped")] RunOnDrop);

impl Body for Last {
    type Data = Bytes;
    type Error = purview::BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, purview::BoxError>>> {
        Poll::Pending
    }
}

#[test]
fn what_a_dropped_body_holds_sees_why_its_request_ended_in_the_current_context() {
    for (method, end) in [("GET", End::ClientGone), ("HEAD", End::Finished)] {
        let bench = Bench::new();
        let (tell, told) = std::sync::mpsc::channel();
        let mut service = bench.around(service_fn(move |_: Request<()>| {
            let tell = tell.clone();
            let look = move || tell.send(Context::current().and_then(|ctx| ctx.cause())).unwrap();
            std::future::ready(Ok::<_, Infallible>(Response::new(Last(RunOnDrop::new(look)))))
        }));
        let request = Request::builder().method(method).body(()).unwrap();
        drop(poll_once(service.call(request)));
        let cause = told.try_recv().unwrap().expect("a current context that is done");
        assert!(cause.is::<ClientGone>() == (end == End::ClientGone), "{cause}");
        bench.assert_one(end);
    }
}

#[test]
fn what_a_body_that_is_cut_holds_sees_why_in_the_current_context() {
    let bench = Bench::new();
    let (tell, told) = std::sync::mpsc::channel();
    let mut service = bench.around(service_fn(move |_: Request<()>| {
        let tell = tell.clone();
        let look = move || tell.send(Context::current().and_then(|ctx| ctx.error())).unwrap();
        std::future::ready(Ok::<_, Infallible>(Response::new(Last(RunOnDrop::new(look)))))
    }));
    let Poll::Ready(Ok(response)) = poll_once(service.call(request())) else { panic!("not ready") };
    let mut body = pin!(response.into_body());
    assert!(poll_frame(&mut body).is_pending());
    bench.clock.advance(SECOND);
    assert!(matches!(poll_frame(&mut body), Poll::Ready(Some(Err(_)))));
    let error = told.try_recv().expect("dropped when it is cut").expect("a current context that is done");
    assert!(error.is_deadline_exceeded());
    assert!(Context::current().is_none(), "the current context is put back");
    bench.assert_one(End::Deadline);
}
