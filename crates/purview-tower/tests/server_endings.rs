//! When a response is finished: a row for each way in which a body comes to its end.

mod common;

use common::{Bench, Script, Step, poll_frame, response};
use http::{Method, Request, Response, StatusCode, Version};
use http_body::Body;
use purview::Context;
use purview_test::poll_once;
use purview_tower::{ClientGone, End, Finished, HandlerPanicked, ServerBody};
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use tower::{Service, service_fn};

/// Asks for a response, and gives it with the context of its request.
fn respond(
    bench: &Bench,
    request: Request<()>,
    answer: Response<Script>,
) -> (Response<Pin<Box<ServerBody<Script>>>>, Context) {
    let seen = Arc::new(Mutex::new(None));
    let note = seen.clone();
    let handler = move |request: Request<()>| -> Ready<Result<_, Infallible>> {
        *note.lock().unwrap() = request.extensions().get::<Context>().cloned();
        ready(Ok(answer.clone()))
    };
    let Poll::Ready(Ok(response)) = poll_once(bench.around(service_fn(handler)).call(request)) else {
        panic!("the handler is ready at once")
    };
    let ctx = seen.lock().unwrap().take().expect("the handler ran");
    (response.map(Box::pin), ctx)
}

fn get() -> Request<()> {
    Request::new(())
}

fn of(method: Method) -> Request<()> {
    Request::builder().method(method).uri("example.com:1").body(()).unwrap()
}

/// The context is live after `before` frames, and finished after one more look.
#[track_caller]
fn finishes_after(frames: usize, request: Request<()>, answer: Response<Script>) {
    let bench = Bench::new();
    let (mut response, ctx) = respond(&bench, request, answer);
    for frame in 0..frames {
        assert!(!ctx.is_done(), "before frame {frame}");
        assert_eq!(bench.counts.live(), 1);
        let _ = poll_frame(response.body_mut());
    }
    assert!(ctx.cause().expect("done").is::<Finished>(), "{ctx:?}");
    bench.assert_one(End::Finished);
    drop(response);
    bench.assert_one(End::Finished);
    drop(ctx);
    bench.assert_gone();
}

#[test]
fn a_body_that_gives_none_is_finished_then() {
    finishes_after(2, get(), response(Script::new([Step::Data("a"), Step::End])));
}

#[test]
fn a_body_that_says_it_is_at_its_end_is_finished_with_that_frame() {
    finishes_after(1, get(), response(Script::new([Step::Data("a")]).telling()));
}

#[test]
fn a_body_that_is_empty_is_finished_at_once() {
    finishes_after(0, get(), response(Script::new([]).telling()));
}

#[test]
fn a_body_that_fails_is_finished_then() {
    finishes_after(2, get(), response(Script::new([Step::Data("a"), Step::Fail])));
}

#[test]
fn trailers_finish_it_since_http2_does_not_ask_again() {
    finishes_after(
        2,
        get(),
        response(Script::new([Step::Data("a"), Step::Trailers, Step::Data("never asked for")])),
    );
}

#[test]
fn the_last_byte_of_the_content_length_finishes_it_since_http1_does_not_ask_again() {
    let mut answer = response(Script::new([Step::Data("ab"), Step::Data("c"), Step::Wait]));
    answer.headers_mut().insert("content-length", "3".parse().unwrap());
    finishes_after(2, get(), answer);
}

#[test]
fn the_last_byte_of_an_exact_size_finishes_it_as_that_becomes_the_content_length() {
    finishes_after(2, get(), response(Script::new([Step::Data("ab"), Step::Data("c"), Step::Wait]).exact(3)));
}

#[test]
fn a_size_of_zero_is_finished_at_once_over_http1() {
    finishes_after(0, get(), response(Script::new([Step::Wait]).exact(0)));
}

#[test]
fn over_http2_the_length_is_not_the_end_since_trailers_may_follow() {
    let mut request = get();
    *request.version_mut() = Version::HTTP_2;
    finishes_after(2, request, response(Script::new([Step::Data("abc"), Step::Trailers]).exact(3)));
}

#[test]
fn head_is_finished_at_once_since_nobody_asks_for_its_body() {
    finishes_after(0, of(Method::HEAD), response(Script::new([Step::Data("never asked for")])));
}

#[test]
fn a_body_that_must_not_be_sent_is_not_given_out_but_its_length_is() {
    let bench = Bench::new();
    let flood = Script::flood().exact(5);
    let (mut response, _ctx) = respond(&bench, of(Method::HEAD), response(flood));
    assert_eq!(response.body().size_hint().exact(), Some(5), "servers make the content-length of it");
    assert!(!response.body().is_end_stream());
    assert!(matches!(poll_frame(response.body_mut()), Poll::Ready(None)));
}

#[test]
fn no_content_and_not_modified_are_finished_at_once() {
    for status in [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED] {
        let mut answer = response(Script::new([Step::Wait]));
        *answer.status_mut() = status;
        finishes_after(0, get(), answer);
    }
}

#[test]
fn a_connect_that_is_refused_ends_as_any_other() {
    let mut answer = response(Script::new([Step::End]));
    *answer.status_mut() = StatusCode::FORBIDDEN;
    finishes_after(1, of(Method::CONNECT), answer);
}

/// The context is handed over: it lives on, and nobody here ends it.
#[track_caller]
fn hands_over(request: Request<()>, status: StatusCode) {
    let bench = Bench::new();
    let mut answer = response(Script::new([Step::Wait]));
    *answer.status_mut() = status;
    let (response, ctx) = respond(&bench, request, answer);
    drop(response);
    assert!(!ctx.is_done());
    bench.assert_one(End::Upgraded);
    drop(ctx);
    bench.assert_gone();
}

#[test]
fn switching_protocols_hands_the_context_over() {
    hands_over(get(), StatusCode::SWITCHING_PROTOCOLS);
}

#[test]
fn a_connect_that_is_granted_hands_the_context_over() {
    hands_over(of(Method::CONNECT), StatusCode::OK);
}

#[test]
fn a_body_that_is_dropped_before_its_end_says_that_the_client_is_gone() {
    let bench = Bench::new();
    let (mut response, ctx) = respond(&bench, get(), response(Script::new([Step::Data("a"), Step::Wait])));
    assert!(poll_frame(response.body_mut()).is_ready());
    drop(response);
    assert!(ctx.cause().unwrap().is::<ClientGone>());
    bench.assert_one(End::ClientGone);
    drop(ctx);
    bench.assert_gone();
}

#[test]
fn a_body_that_panics_ends_its_request_at_once() {
    let bench = Bench::new();
    let (mut response, ctx) = respond(&bench, get(), response(Script::new([Step::Panic])));
    assert!(catch_unwind(AssertUnwindSafe(|| poll_frame(response.body_mut()))).is_err());
    assert!(ctx.cause().unwrap().is::<HandlerPanicked>());
    bench.assert_one(End::Panicked);
    drop((response, ctx));
    bench.assert_gone();
}
