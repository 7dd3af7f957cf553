//! The calling side: what goes along, who wins, and that calls and bodies stop.

mod common;

use common::{SECOND, Script, Step, poll_frame, response};
use http::{Request, Response};
use purview::{BoxError, Codec, Context, Key};
use purview_propagate::Policy;
use purview_test::{manual_root, poll_once, task};
use purview_tower::{ClientBody, ClientError, ClientLayer};
use std::convert::Infallible;
use std::future::{pending, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use tower::{Layer, Service, ServiceExt, retry, service_fn};

const HEADER: &str = "x-request-timeout-ms";

type Sent = Arc<Mutex<Vec<Option<String>>>>;

/// A service that notes the header of each call, and answers with `body`.
fn noting(
    sent: &Sent,
    body: Script,
) -> impl Service<Request<()>, Response = Response<Script>, Error = Infallible, Future: Unpin> + Clone + use<>
{
    let sent = sent.clone();
    service_fn(move |request: Request<()>| {
        let header = request.headers().get(HEADER).map(|value| value.to_str().unwrap().to_owned());
        sent.lock().unwrap().push(header);
        ready(Ok(response(body.clone())))
    })
}

fn within(ctx: &Context) -> Request<()> {
    let mut request = Request::new(());
    request.extensions_mut().insert(ctx.clone());
    request
}

#[track_caller]
fn answered<E: std::fmt::Debug>(
    polled: Poll<Result<Response<ClientBody<Script>>, ClientError<E>>>,
) -> Response<Pin<Box<ClientBody<Script>>>> {
    let Poll::Ready(Ok(response)) = polled else { panic!("not answered") };
    response.map(Box::pin)
}

#[test]
fn what_is_left_goes_along_by_the_clock_of_the_context() {
    let (root, clock) = manual_root();
    let (ctx, _canceler) = root.with_timeout(SECOND);
    clock.advance(SECOND / 4);
    let sent = Sent::default();
    answered(poll_once(ClientLayer::new().layer(noting(&sent, Script::default())).call(within(&ctx))));
    assert_eq!(*sent.lock().unwrap(), [Some("750".to_owned())]);
}

#[test]
fn each_retry_through_the_layer_sends_what_is_left_then() {
    #[derive(Clone)]
    struct Twice(purview::ManualClock, bool);
    impl retry::Policy<Request<()>, Response<ClientBody<Script>>, ClientError<Infallible>> for Twice {
        type Future = std::future::Ready<()>;
        fn retry(
            &mut self,
            _request: &mut Request<()>,
            _result: &mut Result<Response<ClientBody<Script>>, ClientError<Infallible>>,
        ) -> Option<Self::Future> {
            self.0.advance(SECOND / 2);
            std::mem::take(&mut self.1).then(|| ready(()))
        }
        fn clone_request(&mut self, request: &Request<()>) -> Option<Request<()>> {
            Some(request.clone())
        }
    }
    let (root, clock) = manual_root();
    let (ctx, _canceler) = root.with_timeout(SECOND);
    let sent = Sent::default();
    let service = ClientLayer::new().layer(noting(&sent, Script::default()));
    let mut request = within(&ctx);
    request.headers_mut().insert(HEADER, "999999".parse().unwrap()); // stale, from whoever called us
    answered(poll_once(retry::Retry::new(Twice(clock, true), service).oneshot(request)));
    assert_eq!(*sent.lock().unwrap(), [Some("1000".to_owned()), Some("500".to_owned())]);
}

#[test]
fn with_nothing_left_it_fails_here_and_calls_nobody() {
    let (root, clock) = manual_root();
    let (ctx, _canceler) = root.with_timeout(SECOND);
    clock.advance(SECOND);
    let sent = Sent::default();
    let mut call = task(ClientLayer::new().layer(noting(&sent, Script::default())).call(within(&ctx)));
    let Poll::Ready(Err(ClientError::Done(error))) = call.poll() else { panic!("it is late") };
    assert!(error.is_deadline_exceeded());
    assert!(sent.lock().unwrap().is_empty());
}

#[test]
fn the_current_context_stands_in_for_the_one_in_the_extensions() {
    let (root, _clock) = manual_root();
    let (outer, _canceler) = root.with_timeout(SECOND);
    let (inner, _canceler) = outer.with_timeout(SECOND / 2);
    let sent = Sent::default();
    let mut service = ClientLayer::new().layer(noting(&sent, Script::default()));
    answered(poll_once(outer.scope(|| service.call(Request::new(())))));
    answered(poll_once(outer.scope(|| service.call(within(&inner)))));
    assert_eq!(*sent.lock().unwrap(), [Some("1000".to_owned()), Some("500".to_owned())]);
}

#[test]
fn without_any_context_a_call_goes_through_untouched() {
    let sent = Sent::default();
    let mut service = ClientLayer::new().layer(noting(&sent, Script::new([Step::Data("a"), Step::Fail])));
    let mut request = Request::new(());
    request.headers_mut().insert(HEADER, "7".parse().unwrap());
    let mut response = answered(poll_once(service.call(request)));
    assert_eq!(*sent.lock().unwrap(), [Some("7".to_owned())]);
    assert!(matches!(poll_frame(response.body_mut()), Poll::Ready(Some(Ok(_)))));
    let Poll::Ready(Some(Err(ClientError::Inner(error)))) = poll_frame(response.body_mut()) else {
        panic!("it fails")
    };
    assert_eq!(error.to_string(), "the body fails");
}

#[test]
fn a_call_stops_when_its_context_is_done_and_the_inner_one_is_dropped_at_once() {
    let (root, clock) = manual_root();
    let (ctx, canceler) = root.with_timeout(SECOND);
    let held = Arc::new(());
    let inner = held.clone();
    let service = service_fn(move |_: Request<()>| {
        let inner = inner.clone();
        async move {
            let never = pending::<Result<Response<Script>, Infallible>>().await;
            drop(inner);
            never
        }
    });
    let mut service = ClientLayer::new().layer(service);
    let before = Arc::strong_count(&held);
    let mut call = task(service.call(within(&ctx)));
    assert!(call.poll().is_pending());
    canceler.cancel_with("enough");
    assert!(call.is_woken());
    let Poll::Ready(Err(ClientError::Done(error))) = call.poll() else { panic!("it is canceled") };
    assert_eq!(error.cause().to_string(), "enough");
    assert_eq!(Arc::strong_count(&held), before, "dropped while the future of the call still is there");
    drop((call, ctx, clock));
    purview_test::assert_drained(&root);
}

#[test]
fn the_context_wins_over_a_response_that_is_there_too() {
    let (ctx, canceler) = Context::background().with_cancel();
    let mut call =
        task(ClientLayer::new().layer(noting(&Sent::default(), Script::default())).call(within(&ctx)));
    canceler.cancel();
    assert!(matches!(call.poll(), Poll::Ready(Err(ClientError::Done(_)))));
}

#[test]
fn an_error_of_the_service_is_given_as_it_is_with_its_text_and_source() {
    let (ctx, _canceler) = Context::background().with_cancel();
    let service =
        service_fn(|_: Request<()>| ready(Err::<Response<Script>, _>(std::io::Error::other("no route"))));
    let Poll::Ready(Err(error)) = poll_once(ClientLayer::new().layer(service).call(within(&ctx))) else {
        panic!("it fails")
    };
    assert!(matches!(error, ClientError::Inner(_)));
    assert_eq!(error.to_string(), "no route");
    let error: BoxError = error.into();
    assert!(error.downcast_ref::<ClientError<std::io::Error>>().is_some());
}

#[test]
fn a_status_of_the_other_side_is_an_answer_and_no_end_of_the_context() {
    for status in [408, 499, 503, 504] {
        let (ctx, _canceler) = Context::background().with_cancel();
        let service = service_fn(move |_: Request<()>| {
            let mut response = response(Script::default());
            *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
            ready(Ok::<_, Infallible>(response))
        });
        let response = answered(poll_once(ClientLayer::new().layer(service).call(within(&ctx))));
        assert_eq!(response.status(), status);
        assert!(!ctx.is_done());
    }
}

#[test]
fn a_body_stops_when_the_context_of_its_call_is_done() {
    let (root, clock) = manual_root();
    let (ctx, _canceler) = root.with_timeout(SECOND);
    let body = Script::new([Step::Data("a"), Step::Wait]);
    let mut response =
        answered(poll_once(ClientLayer::new().layer(noting(&Sent::default(), body)).call(within(&ctx))));
    assert!(matches!(poll_frame(response.body_mut()), Poll::Ready(Some(Ok(_)))));
    let mut waiting =
        task(std::future::poll_fn(|cx| http_body::Body::poll_frame(response.body_mut().as_mut(), cx)));
    assert!(waiting.poll().is_pending());
    clock.advance(SECOND);
    assert!(waiting.is_woken());
    let Poll::Ready(Some(Err(ClientError::Done(error)))) = waiting.poll() else { panic!("it is late") };
    assert!(error.is_deadline_exceeded());
    assert!(matches!(waiting.poll(), Poll::Ready(None)));
}

#[test]
fn a_body_that_always_has_something_stops_too() {
    let (root, clock) = manual_root();
    let (ctx, _canceler) = root.with_timeout(SECOND);
    let body = Script::new([Step::Data("a"), Step::Data("b"), Step::Data("c")]);
    let mut response =
        answered(poll_once(ClientLayer::new().layer(noting(&Sent::default(), body)).call(within(&ctx))));
    assert!(matches!(poll_frame(response.body_mut()), Poll::Ready(Some(Ok(_)))));
    clock.advance(SECOND);
    assert!(matches!(poll_frame(response.body_mut()), Poll::Ready(Some(Err(ClientError::Done(_))))));
}

#[test]
fn a_body_at_its_end_lets_go_of_the_context() {
    for (steps, telling, frames) in [
        (vec![], true, 0),
        (vec![Step::Data("a")], true, 1),
        (vec![Step::Data("a"), Step::End], false, 2),
        (vec![Step::Fail], false, 1),
    ] {
        let (root, _clock) = manual_root();
        let (ctx, canceler) = root.with_timeout(SECOND);
        let body = Script::new(steps);
        let body = if telling { body.telling() } else { body };
        let mut response =
            answered(poll_once(ClientLayer::new().layer(noting(&Sent::default(), body)).call(within(&ctx))));
        for _ in 0..frames {
            assert!(poll_frame(response.body_mut()).is_ready());
        }
        canceler.cancel();
        drop(ctx);
        purview_test::assert_drained(&root);
        drop(response);
    }
}

static TENANT: Key<String> = Key::new("tenant")
    .crossing(Codec { encode: |tenant| Some(tenant.clone()), decode: |text| Ok(text.to_owned()) });

#[test]
fn values_go_where_the_uri_or_else_the_host_header_says_that_they_may() {
    let policy = Policy::untrusted().allow_outbound(&TENANT).unwrap().destinations(["example.com"]).unwrap();
    let ctx = Context::background().with_value(&TENANT, "acme".to_owned());
    for (uri, host, goes) in [
        ("/", "api.example.com", true),
        ("/", "example.com.evil.net", false),
        ("http://api.example.com/", "evil.net", true),
        ("http://evil.net/", "api.example.com", false),
    ] {
        let mut request = within(&ctx);
        *request.uri_mut() = uri.parse().unwrap();
        request.headers_mut().insert("host", host.parse().unwrap());
        let service = service_fn(move |request: Request<()>| {
            assert_eq!(request.headers().contains_key("baggage"), goes, "{uri} at {host}");
            ready(Ok::<_, Infallible>(response(Script::default())))
        });
        answered(poll_once(ClientLayer::new().policy(policy.clone()).layer(service).call(request)));
    }
}
