//! What is answered in the handler's place, and how the request then counts: a row for each way.

mod common;

use bytes::Bytes;
use common::{Bench, SECOND, Script, Step, poll_frame, request, response};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use purview::{Context, Error};
use purview_propagate::{Policy, Refused};
use purview_test::{Spawned, UnwokenClock, poll_once, task, unwoken_root};
use purview_tower::{
    Answer, ClientGone, Cut, End, HandlerPanicked, HttpAnswer, ServerBody, ServerFuture, Shutdown, Stages,
    Why,
};
use std::convert::Infallible;
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;
use tower::{Layer, Service, service_fn};

type Answered = Result<Response<Script>, Infallible>;
type Handler = Pin<Box<dyn Future<Output = Answered> + Send>>;
type Seen = Arc<Mutex<Option<Context>>>;

/// Calls a service whose handler is what `handle` makes of the context of the request.
fn call(
    bench: &Bench,
    request: Request<()>,
    handle: impl Fn(Context) -> Handler + 'static,
) -> (Spawned<ServerFuture<Handler>>, Seen) {
    let seen = Seen::default();
    let note = seen.clone();
    let service = service_fn(move |request: Request<()>| {
        let ctx = request.extensions().get::<Context>().expect("the layer puts it there").clone();
        *note.lock().unwrap() = Some(ctx.clone());
        handle(ctx)
    });
    (task(bench.around(service).call(request)), seen)
}

fn waits(_ctx: Context) -> Handler {
    Box::pin(pending())
}

fn ctx_of(seen: &Seen) -> Option<Context> {
    seen.lock().unwrap().take()
}

#[track_caller]
fn ready(
    polled: Poll<Result<Response<ServerBody<Script>>, Infallible>>,
) -> Response<Pin<Box<ServerBody<Script>>>> {
    let Poll::Ready(Ok(response)) = polled else { panic!("not ready") };
    response.map(Box::pin)
}

/// The text of a body that has its whole text in one frame.
#[track_caller]
fn text<B: Body<Data = Bytes> + Unpin>(body: &mut B) -> String {
    let Poll::Ready(Some(Ok(frame))) = poll_frame(body) else { panic!("no frame") };
    let data = frame.into_data().unwrap_or_else(|_| panic!("no data"));
    assert!(matches!(poll_frame(body), Poll::Ready(None)));
    String::from_utf8(data.to_vec()).expect("text")
}

#[track_caller]
fn error_of<B: Body<Error = purview::BoxError> + Unpin>(body: &mut B) -> Error {
    let Poll::Ready(Some(Err(error))) = poll_frame(body) else { panic!("no error") };
    assert!(matches!(poll_frame(body), Poll::Ready(None)), "nothing comes after the error");
    *error.downcast::<Error>().expect("the error of the context")
}

#[test]
fn a_handler_that_is_late_is_dropped_and_answered_504() {
    let bench = Bench::new();
    let (mut future, seen) = call(&bench, request(), waits);
    assert!(future.poll().is_pending());
    let ctx = ctx_of(&seen).unwrap();
    assert_eq!(bench.counts.live(), 1);
    bench.clock.advance(SECOND);
    assert!(future.is_woken());
    let mut response = ready(future.poll());
    assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(response.body().size_hint().exact(), Some(32));
    assert_eq!(text(response.body_mut()), "the time for this request is up\n");
    assert!(response.body().is_end_stream());
    assert!(ctx.error().unwrap().is_deadline_exceeded());
    bench.assert_one(End::Deadline);
    drop((future, ctx));
    bench.assert_gone();
}

#[test]
fn a_late_handler_is_polled_once_more_and_its_own_answer_wins() {
    let bench = Bench::new();
    let (mut future, _seen) = call(&bench, request(), |ctx| {
        Box::pin(async move {
            let error = ctx.done().await;
            let mut answer = response(Script::new([]).telling());
            *answer.status_mut() =
                if error.is_deadline_exceeded() { StatusCode::IM_A_TEAPOT } else { StatusCode::OK };
            Ok(answer)
        })
    });
    assert!(future.poll().is_pending());
    bench.clock.advance(SECOND);
    assert_eq!(ready(future.poll()).status(), StatusCode::IM_A_TEAPOT);
    bench.assert_one(End::Deadline);
}

#[test]
fn a_handler_that_is_woken_by_its_own_work_in_the_same_moment_answers_for_itself() {
    let bench = Bench::new();
    let (mut future, _seen) = call(&bench, request(), |ctx| {
        Box::pin(async move {
            // Ready only when the time is up, without a look at the end of the context.
            std::future::poll_fn(|_| if ctx.is_done() { Poll::Ready(()) } else { Poll::Pending }).await;
            Ok(response(Script::new([]).telling()))
        })
    });
    assert!(future.poll().is_pending());
    bench.clock.advance(SECOND);
    assert_eq!(ready(future.poll()).status(), StatusCode::OK);
}

#[test]
fn a_handler_whose_time_runs_out_while_it_is_polled_is_polled_once_more() {
    let bench = Bench::new();
    let clock = bench.clock.clone();
    let (mut future, _seen) = call(&bench, request(), move |ctx| {
        let clock = clock.clone();
        Box::pin(async move {
            std::future::poll_fn(|_| {
                let done = ctx.is_done();
                clock.advance(SECOND);
                if done { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            Ok(response(Script::new([]).telling()))
        })
    });
    assert_eq!(ready(future.poll()).status(), StatusCode::OK, "its own answer, with the first poll");
    bench.assert_one(End::Deadline);
}

/// A bench on a clock that wakes nobody.
fn unwoken() -> (Bench, UnwokenClock) {
    let (root, clock) = unwoken_root();
    let mut bench = Bench::new();
    bench.root = root;
    bench.layer = purview_tower::ServerLayer::new(&bench.root);
    bench.counts = bench.layer.counts();
    (bench, clock)
}

#[test]
fn a_client_that_leaves_before_its_passed_deadline_is_noticed_is_late_too() {
    let (bench, clock) = unwoken();
    let (mut future, seen) = call(&bench, request(), waits);
    assert!(future.poll().is_pending());
    clock.pass(2 * SECOND);
    drop(future);
    assert!(ctx_of(&seen).unwrap().error().unwrap().is_deadline_exceeded());
    bench.assert_one(End::Deadline);
}

#[test]
fn a_handler_that_answers_before_its_passed_deadline_is_noticed_is_late_too() {
    let (bench, clock) = unwoken();
    let (mut future, _seen) = call(&bench, request(), move |_| {
        let clock = clock.clone();
        Box::pin(async move {
            clock.pass(2 * SECOND);
            Ok(response(Script::new([]).telling()))
        })
    });
    assert_eq!(ready(future.poll()).status(), StatusCode::OK);
    bench.assert_one(End::Deadline);
}

#[test]
fn a_request_that_is_late_already_does_not_reach_the_handler() {
    for (header, timeout) in [("request-timeout", "0"), ("grpc-timeout", "0n"), ("x-request-timeout-ms", "0")]
    {
        let bench = Bench::new();
        let request = Request::builder().header(header, timeout).body(()).unwrap();
        let (mut future, seen) = call(&bench, request, |_| panic!("it is late already"));
        assert_eq!(ready(future.poll()).status(), StatusCode::GATEWAY_TIMEOUT);
        assert!(ctx_of(&seen).is_none());
        bench.assert_one(End::Deadline);
        bench.assert_gone();
    }
}

#[test]
fn a_request_with_too_little_time_does_not_reach_the_handler_and_is_late_not_refused() {
    let mut bench = Bench::new();
    bench.layer = bench.layer.policy(Policy::untrusted().min_budget(2 * SECOND));
    let (mut future, seen) = call(&bench, request(), |_| panic!("it is too late"));
    assert_eq!(ready(future.poll()).status(), StatusCode::GATEWAY_TIMEOUT);
    assert!(ctx_of(&seen).is_none());
    bench.assert_one(End::Deadline);
    bench.assert_gone();
}

#[test]
fn refused_headers_are_answered_400_with_what_was_wrong() {
    let bench = Bench::new();
    let request = Request::builder().header("grpc-timeout", "soon").body(()).unwrap();
    let (mut future, seen) = call(&bench, request, |_| panic!("it is refused"));
    let mut response = ready(future.poll());
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert!(text(response.body_mut()).contains("grpc-timeout"));
    assert!(ctx_of(&seen).is_none());
    bench.assert_one(End::Refused);
    bench.assert_gone();
}

#[test]
fn a_shutdown_is_answered_503_and_has_that_cause() {
    let mut bench = Bench::new();
    let stages = Stages::new(&bench.root);
    bench.layer = purview_tower::ServerLayer::new(stages.context());
    bench.counts = bench.layer.counts();
    let (mut future, seen) = call(&bench, request(), waits);
    assert!(future.poll().is_pending());
    stages.shutdown();
    assert!(future.is_woken());
    let mut response = ready(future.poll());
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(text(response.body_mut()), "the server is shutting down\n");
    assert!(ctx_of(&seen).unwrap().cause().unwrap().is::<Shutdown>());
    bench.assert_one(End::Shutdown);

    // And so is one that comes after it, without reaching the handler.
    let (mut future, _seen) = call(&bench, request(), |_| panic!("shut down"));
    assert_eq!(ready(future.poll()).status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!((bench.counts.live(), bench.counts.ended(End::Shutdown)), (0, 2));
}

#[test]
fn a_root_that_is_canceled_for_another_reason_is_answered_503_which_tells_no_cause() {
    let mut bench = Bench::new();
    let (server, canceler) = bench.root.with_cancel();
    bench.layer = purview_tower::ServerLayer::new(&server);
    bench.counts = bench.layer.counts();
    let (mut future, seen) = call(&bench, request(), waits);
    assert!(future.poll().is_pending());
    canceler.cancel_with("the power is out");
    let mut response = ready(future.poll());
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(text(response.body_mut()), "the server is shutting down\n");
    assert_eq!(ctx_of(&seen).unwrap().cause().unwrap().to_string(), "the power is out");
    bench.assert_one(End::Shutdown);
}

#[test]
fn what_is_said_of_a_late_request_tells_no_cause() {
    let bench = Bench::new();
    let (parent, _canceler) = bench.root.derive().timeout(SECOND).cause("s3cret").cancelable();
    let layer = purview_tower::ServerLayer::new(&parent);
    let mut future =
        task(layer.layer(service_fn(|_: Request<()>| pending::<Answered>())).call(Request::new(())));
    assert!(future.poll().is_pending());
    bench.clock.advance(SECOND);
    let mut response = ready(future.poll());
    assert_eq!(text(response.body_mut()), "the time for this request is up\n");
    assert_eq!(layer.counts().ended(End::Deadline), 1);
}

#[test]
fn a_response_that_is_dropped_before_it_is_ready_says_that_the_client_is_gone() {
    let bench = Bench::new();
    let (mut future, seen) = call(&bench, request(), waits);
    assert!(future.poll().is_pending());
    drop(future);
    let ctx = ctx_of(&seen).unwrap();
    assert!(ctx.error().unwrap().is_canceled());
    assert!(ctx.cause().unwrap().is::<ClientGone>());
    bench.assert_one(End::ClientGone);
    drop(ctx);
    bench.assert_gone();
}

#[test]
fn a_response_that_is_never_polled_says_that_the_client_is_gone() {
    let bench = Bench::new();
    drop(call(&bench, request(), waits));
    bench.assert_one(End::ClientGone);
    bench.assert_gone();
}

#[test]
fn a_client_that_leaves_when_its_time_is_up_is_late_and_not_gone() {
    let bench = Bench::new();
    let (mut future, seen) = call(&bench, request(), waits);
    assert!(future.poll().is_pending());
    bench.clock.advance(SECOND);
    drop(future); // its reset comes before we looked
    assert!(ctx_of(&seen).unwrap().error().unwrap().is_deadline_exceeded());
    bench.assert_one(End::Deadline);
}

#[test]
fn what_a_dropped_handler_holds_sees_why_and_the_current_context() {
    struct Looks(Context, Arc<Mutex<Option<(Error, bool)>>>);
    impl Drop for Looks {
        fn drop(&mut self) {
            let current = Context::current().is_some_and(|current| current.ptr_eq(&self.0));
            *self.1.lock().unwrap() = self.0.error().map(|error| (error, current));
        }
    }
    let bench = Bench::new();
    let looked = Arc::new(Mutex::new(None));
    let note = looked.clone();
    let (mut future, _seen) = call(&bench, request(), move |ctx| {
        let looks = Looks(ctx, note.clone());
        Box::pin(async move {
            let _looks = looks;
            pending().await
        })
    });
    assert!(future.poll().is_pending());
    drop(future);
    let (error, current) = looked.lock().unwrap().take().expect("done before the handler was dropped");
    assert!(error.cause().is::<ClientGone>());
    assert!(current);
}

#[test]
fn a_handler_that_panics_ends_its_request_at_once_also_if_the_panic_is_caught() {
    let bench = Bench::new();
    let (mut future, seen) = call(&bench, request(), |_| Box::pin(async { panic!("on purpose") }));
    assert!(catch_unwind(AssertUnwindSafe(|| future.poll().is_ready())).is_err());
    let ctx = ctx_of(&seen).unwrap();
    assert!(ctx.cause().unwrap().is::<HandlerPanicked>());
    bench.assert_one(End::Panicked);
    drop((future, ctx));
    bench.assert_gone();
}

#[test]
fn a_handler_that_panics_before_it_is_a_future_ends_its_request() {
    let bench = Bench::new();
    let result = catch_unwind(AssertUnwindSafe(|| call(&bench, request(), |_| panic!("on purpose"))));
    assert!(result.is_err());
    bench.assert_one(End::Panicked);
    bench.assert_gone();
}

#[test]
fn an_error_of_the_service_goes_through_and_finishes_its_request() {
    let bench = Bench::new();
    let service = service_fn(|_: Request<()>| async { Err::<Response<Script>, _>("no disk left") });
    let Poll::Ready(Err(error)) = poll_once(bench.around(service).call(request())) else {
        panic!("it fails")
    };
    assert_eq!(error, "no disk left");
    bench.assert_one(End::Finished);
    bench.assert_gone();
}

#[test]
fn the_context_is_the_current_one_wherever_the_handler_and_the_body_run() {
    struct Looking(Arc<Mutex<Vec<Option<Context>>>>);
    impl Body for Looking {
        type Data = Bytes;
        type Error = Infallible;
        fn poll_frame(
            self: Pin<&mut Self>,
            _cx: &mut std::task::Context<'_>,
        ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
            self.0.lock().unwrap().push(Context::current());
            Poll::Ready(None)
        }
    }
    let bench = Bench::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = seen.clone();
    let service = service_fn(move |request: Request<()>| {
        note.lock().unwrap().push(request.extensions().get::<Context>().cloned());
        note.lock().unwrap().push(Context::current());
        let note = note.clone();
        async move {
            note.lock().unwrap().push(Context::current());
            Ok::<_, Infallible>(Response::new(Looking(note.clone())))
        }
    });
    let Poll::Ready(Ok(response)) = poll_once(bench.around(service).call(request())) else {
        panic!("not ready")
    };
    let mut response = response.map(Box::pin);
    assert!(poll_frame(response.body_mut()).is_ready());
    let seen = seen.lock().unwrap().split_off(0);
    assert_eq!(seen.len(), 4);
    let first = seen[0].clone().expect("in the extensions");
    assert!(seen.iter().all(|ctx| ctx.as_ref().is_some_and(|ctx| ctx.ptr_eq(&first))));
    assert!(Context::current().is_none());
}

#[test]
fn without_the_extension_it_is_only_the_current_one() {
    let bench = Bench::new();
    let service = service_fn(|request: Request<()>| async move {
        assert!(request.extensions().is_empty());
        assert!(Context::current().is_some());
        Ok::<_, Infallible>(response(Script::new([]).telling()))
    });
    let layer = bench.layer.clone().without_extension();
    assert!(poll_once(layer.layer(service).call(request())).is_ready());
    bench.assert_one(End::Finished);
}

/// A response whose body follows `steps`.
fn streaming(bench: &Bench, steps: &'static [Step]) -> Response<Pin<Box<ServerBody<Script>>>> {
    let (mut future, _seen) =
        call(bench, request(), |_| Box::pin(async { Ok(response(Script::new(steps.iter().cloned()))) }));
    ready(future.poll())
}

#[test]
fn a_body_that_is_late_is_cut_with_an_error() {
    let bench = Bench::new();
    let mut response = streaming(&bench, &[Step::Data("a"), Step::Wait]);
    assert!(poll_frame(response.body_mut()).is_ready());
    let mut waiting = task(std::future::poll_fn(|cx| response.body_mut().as_mut().poll_frame(cx)));
    assert!(waiting.poll().is_pending());
    bench.clock.advance(SECOND);
    assert!(waiting.is_woken());
    drop(waiting);
    assert!(error_of(response.body_mut()).is_deadline_exceeded());
    assert!(response.body().is_end_stream());
    bench.assert_one(End::Deadline);
    bench.assert_gone();
}

#[test]
fn a_body_that_always_has_something_is_cut_after_one_last_word() {
    let bench = Bench::new();
    let mut response =
        streaming(&bench, &[Step::Data("a"), Step::Data("b"), Step::Data("c"), Step::Data("d")]);
    assert!(poll_frame(response.body_mut()).is_ready());
    bench.clock.advance(SECOND);
    assert!(matches!(poll_frame(response.body_mut()), Poll::Ready(Some(Ok(_)))));
    assert!(error_of(response.body_mut()).is_deadline_exceeded());
    bench.assert_one(End::Deadline);
}

#[test]
fn the_last_word_of_a_body_may_be_its_own_trailers() {
    let bench = Bench::new();
    let mut response = streaming(&bench, &[Step::Data("a"), Step::Trailers]);
    assert!(poll_frame(response.body_mut()).is_ready());
    bench.clock.advance(SECOND);
    let Poll::Ready(Some(Ok(frame))) = poll_frame(response.body_mut()) else { panic!("no frame") };
    assert!(frame.is_trailers());
    bench.assert_one(End::Deadline);
    bench.assert_gone();
}

#[test]
fn a_body_that_is_dropped_when_its_time_is_up_is_late_and_not_gone() {
    let bench = Bench::new();
    let response = streaming(&bench, &[Step::Wait]);
    bench.clock.advance(SECOND);
    drop(response);
    bench.assert_one(End::Deadline);
    bench.assert_gone();
}

#[test]
fn a_shutdown_cuts_bodies_too() {
    let mut bench = Bench::new();
    let (server, canceler) = bench.root.with_cancel();
    bench.layer = purview_tower::ServerLayer::new(&server);
    bench.counts = bench.layer.counts();
    let mut response = streaming(&bench, &[Step::Wait]);
    assert!(poll_frame(response.body_mut()).is_pending());
    canceler.cancel_with("the power is out");
    assert_eq!(error_of(response.body_mut()).cause().to_string(), "the power is out");
    bench.assert_one(End::Shutdown);
}

/// A protocol that says how it went in trailers.
struct InTrailers;

impl Answer for InTrailers {
    fn answer(&self, why: &Why<'_>) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        response.headers_mut().insert("status", status(why).parse().unwrap());
        response
    }

    fn cut(&self, why: &Why<'_>) -> Cut {
        Cut::Trailers(HeaderMap::from_iter([("status".parse().unwrap(), status(why).parse().unwrap())]))
    }
}

fn status(why: &Why<'_>) -> &'static str {
    match why {
        Why::Late(_) => "4",
        Why::Shutdown(_) => "14",
        Why::Refused(_) => "13",
    }
}

#[test]
fn a_protocol_of_ones_own_answers_before_the_head_and_in_trailers() {
    let mut bench = Bench::new();
    bench.layer = bench.layer.answer(InTrailers);
    let (mut future, _seen) = call(&bench, request(), waits);
    assert!(future.poll().is_pending());
    let mut response = streaming(&bench, &[Step::Wait]);
    assert!(poll_frame(response.body_mut()).is_pending());
    bench.clock.advance(SECOND);
    let late = ready(future.poll());
    assert_eq!(late.headers()["status"], "4");
    assert!(late.body().is_end_stream());
    let Poll::Ready(Some(Ok(frame))) = poll_frame(response.body_mut()) else { panic!("no frame") };
    assert_eq!(frame.trailers_ref().unwrap()["status"], "4");
    assert!(matches!(poll_frame(response.body_mut()), Poll::Ready(None)));
}

#[test]
fn the_table_of_http_has_these_rows_and_each_can_be_set() {
    let late = Context::background().derive().timeout(Duration::ZERO).build().error().unwrap();
    let (ctx, canceler) = Context::background().with_cancel();
    canceler.cancel_with(Shutdown);
    let shutdown = ctx.error().unwrap();
    let refused = Refused::TooLittleTime { asked: Duration::ZERO, least: SECOND };
    let teapot = StatusCode::IM_A_TEAPOT;
    let own = HttpAnswer::new().late(teapot).shutdown(teapot).refused(teapot);
    for (why, status) in [
        (Why::Late(&late), StatusCode::GATEWAY_TIMEOUT),
        (Why::Shutdown(&shutdown), StatusCode::SERVICE_UNAVAILABLE),
        (Why::Refused(&refused), StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(HttpAnswer::default().answer(&why).status(), status, "{why:?}");
        assert_eq!(own.answer(&why).status(), teapot, "{why:?}");
        assert!(matches!(own.cut(&why), Cut::Error(_)), "{why:?}");
    }
}

#[test]
fn what_the_handler_started_with_the_context_stops_when_the_request_is_over() {
    let bench = Bench::new();
    let (mut future, seen) =
        call(&bench, request(), |_| Box::pin(async { Ok(response(Script::new([]).telling())) }));
    let ctx = seen.lock().unwrap().clone().unwrap();
    let mut started = task(ctx.run(pending::<()>()));
    assert!(started.poll().is_pending());
    drop(ready(future.poll()));
    assert!(started.is_woken());
    assert!(matches!(started.poll(), Poll::Ready(Err(_))));
}

/// How a request in two layers counted, the outer one first.
fn ends_of(counts: &[purview_tower::Counts; 2]) -> [Vec<End>; 2] {
    counts.each_ref().map(|counts| {
        assert_eq!(counts.live(), 0);
        End::ALL.into_iter().filter(|&end| counts.ended(end) > 0).collect()
    })
}

#[test]
fn two_layers_around_one_service_agree_on_how_its_request_ended() {
    type Way = fn(&Bench, Spawned<Pin<Box<dyn Future<Output = Option<StatusCode>>>>>) -> Option<StatusCode>;
    let ways: [(&str, Way, Option<u16>, End); 3] = [
        (
            "late",
            |bench, mut call| {
                bench.clock.advance(SECOND);
                let Poll::Ready(status) = call.poll() else { panic!("it is late") };
                status
            },
            Some(504),
            End::Deadline,
        ),
        (
            "gone",
            |_, call| {
                drop(call);
                None
            },
            None,
            End::ClientGone,
        ),
        (
            "gone when it is late",
            |bench, call| {
                bench.clock.advance(SECOND);
                drop(call);
                None
            },
            None,
            End::Deadline,
        ),
    ];
    for (name, way, status, end) in ways {
        let bench = Bench::new();
        let outer = purview_tower::ServerLayer::new(&bench.root);
        let inner = purview_tower::ServerLayer::new(&bench.root);
        let counts = [outer.counts(), inner.counts()];
        let service = service_fn(|_: Request<()>| pending::<Answered>());
        let mut service = outer.layer(inner.layer(service));
        let future = service.call(request());
        drop(service);
        let mut call: Spawned<Pin<Box<dyn Future<Output = Option<StatusCode>>>>> =
            task(Box::pin(async move {
                let response = future.await.unwrap();
                Some(response.status())
            }));
        assert!(call.poll().is_pending());
        assert_eq!(way(&bench, call).map(|status| status.as_u16()), status, "{name}");
        assert_eq!(ends_of(&counts), [vec![end], vec![end]], "{name}");
        bench.assert_gone();
    }
}

#[test]
fn two_layers_around_one_stream_agree_on_how_its_request_ended() {
    for (steps, late, end) in [
        (vec![Step::Data("a"), Step::Trailers], false, End::Finished),
        (vec![Step::Data("a"), Step::Wait], true, End::Deadline),
        (vec![Step::Data("a"), Step::Wait], false, End::ClientGone),
    ] {
        let bench = Bench::new();
        let outer = purview_tower::ServerLayer::new(&bench.root);
        let inner = purview_tower::ServerLayer::new(&bench.root);
        let counts = [outer.counts(), inner.counts()];
        let service = service_fn(move |_: Request<()>| {
            std::future::ready(Ok::<_, Infallible>(response(Script::new(steps.clone()))))
        });
        let Poll::Ready(Ok(response)) = poll_once(outer.layer(inner.layer(service)).call(request())) else {
            panic!("not ready")
        };
        let mut body = Box::pin(response.into_body());
        assert!(poll_frame(&mut body).is_ready());
        assert_eq!(poll_frame(&mut body).is_ready(), end == End::Finished);
        if late {
            bench.clock.advance(SECOND);
            assert!(matches!(poll_frame(&mut body), Poll::Ready(Some(Err(_)))));
        }
        drop(body);
        assert_eq!(ends_of(&counts), [vec![end], vec![end]]);
        bench.assert_gone();
    }
}
