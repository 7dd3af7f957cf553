//! Calls over real connections: what goes along, where to, and that they stop.

use purview::{Codec, Context, Key, ManualClock};
use purview_propagate::Policy;
use purview_reqwest::{Client, Error};
use purview_test::{HANG_LIMIT, manual_root};
use reqwest::Method;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

const SECOND: Duration = Duration::from_secs(1);

static TENANT: Key<String> = Key::new("tenant")
    .crossing(Codec { encode: |tenant| Some(tenant.clone()), decode: |text| Ok(text.to_owned()) });

/// A server that shows each request, and answers each with what it is told, on a connection of its own.
struct Origin {
    address: SocketAddr,
    requests: mpsc::UnboundedReceiver<(String, TcpStream)>,
}

impl Origin {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (show, requests) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = read_request(&mut stream).await;
                if show.send((request, stream)).is_err() {
                    break;
                }
            }
        });
        Self { address, requests }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The next request, and where to answer it.
    async fn next(&mut self) -> (String, TcpStream) {
        timeout(HANG_LIMIT, self.requests.recv()).await.expect("hangs: no request comes").unwrap()
    }

    /// The next request, answered with this.
    async fn answer(&mut self, answer: &str) -> String {
        let (request, mut stream) = self.next().await;
        stream.write_all(answer.as_bytes()).await.unwrap();
        request
    }

    async fn redirect(&mut self, status: u16, to: &str) -> String {
        let head = format!("HTTP/1.1 {status} Elsewhere\r\nlocation: {to}\r\n");
        self.answer(&format!("{head}connection: close\r\ncontent-length: 0\r\n\r\n")).await
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut bytes = [0; 4096];
    while !is_whole(&text) {
        match timeout(HANG_LIMIT, stream.read(&mut bytes)).await.expect("hangs: no request comes") {
            Ok(read @ 1..) => text.push_str(std::str::from_utf8(&bytes[..read]).unwrap()),
            _ => break,
        }
    }
    text
}

fn is_whole(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

const OK: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";

fn client() -> Client {
    Client::new(reqwest::Client::builder().no_proxy()).unwrap()
}

fn ctx() -> (Context, purview::Canceler, ManualClock) {
    let (root, clock) = manual_root();
    let (ctx, canceler) = root.derive().timeout(SECOND).value(&TENANT, "acme".to_owned()).cancelable();
    (ctx, canceler, clock)
}

/// Sends in a task of its own, so that the test can play the other side.
fn send(client: &Client, ctx: &Context, request: reqwest::RequestBuilder) -> Call {
    let (client, ctx) = (client.clone(), ctx.clone());
    tokio::spawn(async move { client.send(&ctx, request).await })
}

type Call = tokio::task::JoinHandle<Result<reqwest::Response, Error>>;

async fn ended(call: Call) -> Result<reqwest::Response, Error> {
    timeout(HANG_LIMIT, call).await.expect("hangs: the call does not end").unwrap()
}

/// The other side sees that the call was given up.
async fn assert_closed(stream: &mut TcpStream) {
    let read = timeout(HANG_LIMIT, stream.read(&mut [0; 16])).await.expect("hangs: nobody closes");
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
}

#[tokio::test]
async fn what_is_left_goes_along_and_values_only_where_the_policy_lets_them() {
    let mut origin = Origin::start().await;
    let (ctx, _canceler, _clock) = ctx();
    let client = client();
    let call = send(&client, &ctx, client.inner().get(origin.url("/")));
    let request = origin.answer(OK).await;
    assert!(request.contains("x-request-timeout-ms: 1000\r\n"), "{request}");
    assert!(!request.contains("baggage"), "{request}");
    assert_eq!(ended(call).await.unwrap().text().await.unwrap(), "ok");

    let policy = Policy::untrusted().allow(&TENANT).unwrap().destinations(["127.0.0.1"]).unwrap();
    let client = client.policy(policy);
    let call = send(&client, &ctx, client.inner().get(origin.url("/")));
    assert!(origin.answer(OK).await.contains("baggage: tenant=acme\r\n"));
    ended(call).await.unwrap();
}

fn credentials() -> reqwest::header::HeaderMap {
    let names = ["authorization", "cookie", "proxy-authorization", "www-authenticate"];
    let secret = || reqwest::header::HeaderValue::from_static("s3cret");
    names.into_iter().map(|name| (reqwest::header::HeaderName::from_static(name), secret())).collect()
}

#[tokio::test]
async fn a_redirect_to_an_origin_that_is_not_trusted_gets_none_of_our_headers_and_no_credentials() {
    let (mut ours, mut theirs) = (Origin::start().await, Origin::start().await);
    let (ctx, _canceler, _clock) = ctx();
    let trusted = format!("127.0.0.1:{}", ours.address.port());
    let policy = Policy::untrusted().allow(&TENANT).unwrap().destinations([&*trusted]).unwrap();
    let client = client().policy(policy.deadline_everywhere(false));
    let call = send(&client, &ctx, client.inner().get(ours.url("/a")).headers(credentials()));

    let first = ours.redirect(302, "/b").await; // to the same origin: all goes along
    let second = ours.redirect(302, &theirs.url("/c")).await;
    let third = theirs.answer(OK).await;
    for request in [&first, &second] {
        for header in
            ["x-request-timeout-ms: 1000", "baggage: tenant=acme", "authorization: s3cret", "cookie: s3cret"]
        {
            assert!(request.contains(header), "{header} in {request}");
        }
    }
    assert!(second.starts_with("GET /b ") && third.starts_with("GET /c "));
    for header in ["x-request-timeout-ms", "baggage", "s3cret"] {
        assert!(!third.contains(header), "{header} in {third}");
    }
    let response = ended(call).await.unwrap();
    assert_eq!(response.url().as_str(), theirs.url("/c"));
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn baggage_that_was_written_by_hand_does_not_go_to_another_origin() {
    let (mut ours, mut theirs) = (Origin::start().await, Origin::start().await);
    let (ctx, _canceler, _clock) = ctx();
    let client = client();
    let call = send(&client, &ctx, client.inner().get(ours.url("/a")).header("baggage", "user=ada"));
    assert!(ours.redirect(307, "/b").await.contains("baggage: user=ada"));
    assert!(ours.redirect(307, &theirs.url("/c")).await.contains("baggage: user=ada"));
    assert!(!theirs.answer(OK).await.contains("baggage"));
    ended(call).await.unwrap();
}

#[tokio::test]
async fn each_hop_sends_what_is_left_then() {
    let mut origin = Origin::start().await;
    let (ctx, _canceler, clock) = ctx();
    let client = client();
    let call = send(&client, &ctx, client.inner().get(origin.url("/")));
    let (first, mut stream) = origin.next().await;
    clock.advance(SECOND / 4);
    stream.write_all(b"HTTP/1.1 307 Elsewhere\r\nlocation: /b\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    drop(stream);
    let second = origin.answer(OK).await;
    assert!(first.contains("x-request-timeout-ms: 1000\r\n"), "{first}");
    assert!(second.contains("x-request-timeout-ms: 750\r\n"), "{second}");
    ended(call).await.unwrap();
}

#[tokio::test]
async fn methods_and_bodies_are_redirected_as_http_says() {
    for (status, method, then) in [
        (301, Method::POST, "GET"),
        (302, Method::POST, "GET"),
        (303, Method::POST, "GET"),
        (307, Method::POST, "POST"),
        (308, Method::POST, "POST"),
        (301, Method::PUT, "PUT"),
        (302, Method::DELETE, "DELETE"),
        (303, Method::PUT, "GET"),
        (307, Method::PATCH, "PATCH"),
    ] {
        let mut origin = Origin::start().await;
        let (ctx, _canceler, _clock) = ctx();
        let client = client();
        let request = client.inner().request(method, origin.url("/")).body("the body");
        let call = send(&client, &ctx, request.header("content-type", "text/plain"));
        origin.redirect(status, "/b").await;
        let request = origin.answer(OK).await;
        assert!(request.starts_with(&format!("{then} /b ")), "{status}: {request}");
        for part in ["the body", "content-length", "content-type"] {
            assert_eq!(request.contains(part), then != "GET", "{part} after {status} in {request}");
        }
        ended(call).await.unwrap();
    }
}

#[tokio::test]
async fn a_head_stays_a_head_wherever_it_is_redirected_to() {
    for status in [301, 302, 303, 307, 308] {
        let mut origin = Origin::start().await;
        let (ctx, _canceler, _clock) = ctx();
        let client = client();
        let call = send(&client, &ctx, client.inner().head(origin.url("/")));
        origin.redirect(status, "/b").await;
        assert!(origin.answer(OK).await.starts_with("HEAD /b "), "{status}");
        assert_eq!(ended(call).await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn a_redirect_that_cannot_be_followed_is_the_answer() {
    let mut origin = Origin::start().await;
    let (ctx, _canceler, _clock) = ctx();
    let client = client();
    for (status, location) in [(304, "/"), (302, "ftp://127.0.0.1/"), (302, "http://")] {
        let call = send(&client, &ctx, client.inner().request(Method::HEAD, origin.url("/")));
        origin.redirect(status, location).await;
        assert_eq!(ended(call).await.unwrap().status(), status);
    }
}

/// A body that can be sent once.
struct Once(Option<&'static [u8]>);

impl http_body::Body for Once {
    type Data = &'static [u8];
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<&'static [u8]>, Self::Error>>> {
        std::task::Poll::Ready(self.0.take().map(|data| Ok(http_body::Frame::data(data))))
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.0.map_or(0, |data| data.len() as u64))
    }
}

fn once() -> reqwest::Body {
    reqwest::Body::wrap(Once(Some(b"the body")))
}

#[tokio::test]
async fn a_redirect_that_wants_the_body_again_is_the_answer_where_that_is_gone() {
    for (status, method) in
        [(307, Method::POST), (308, Method::POST), (301, Method::PUT), (302, Method::PATCH)]
    {
        let mut origin = Origin::start().await;
        let (ctx, _canceler, _clock) = ctx();
        let client = client();
        let call = send(&client, &ctx, client.inner().request(method, origin.url("/")).body(once()));
        assert!(origin.redirect(status, "/b").await.ends_with("the body"));
        assert_eq!(ended(call).await.unwrap().status(), status);
    }
}

#[tokio::test]
async fn a_timeout_of_the_request_holds_after_a_redirect_too() {
    let mut origin = Origin::start().await;
    let (ctx, _canceler, _clock) = ctx();
    let client = client();
    let request = client.inner().post(origin.url("/")).body(once()).timeout(SECOND);
    let call = send(&client, &ctx, request);
    origin.redirect(302, "/b").await;
    // The next request comes, and nobody answers it.
    let Err(Error::Call(error)) = ended(call).await else { panic!("nobody answers") };
    assert!(error.is_timeout());
}

#[tokio::test]
async fn a_response_keeps_all_that_reqwest_says_of_it() {
    let mut origin = Origin::start().await;
    let (ctx, _canceler, _clock) = ctx();
    let client = client();
    let call = send(&client, &ctx, client.inner().get(origin.url("/a")));
    origin
        .answer("HTTP/1.1 201 Created\r\nconnection: close\r\nchecksum: 7\r\ncontent-length: 0\r\n\r\n")
        .await;
    let response = ended(call).await.unwrap();
    assert_eq!((response.status().as_u16(), response.version()), (201, reqwest::Version::HTTP_11));
    assert_eq!((response.headers()["checksum"].as_bytes(), response.url().path()), (&b"7"[..], "/a"));
    assert_eq!((response.remote_addr(), response.content_length()), (Some(origin.address), Some(0)));
}

#[tokio::test]
async fn a_status_of_the_other_side_is_an_answer_and_no_end_of_the_context() {
    for status in [408, 499, 503, 504] {
        let mut origin = Origin::start().await;
        let (ctx, _canceler, _clock) = ctx();
        let client = client();
        let call = send(&client, &ctx, client.inner().get(origin.url("/")));
        let head = format!("HTTP/1.1 {status} Late\r\nconnection: close\r\n");
        origin.answer(&format!("{head}content-length: 2\r\n\r\nno")).await;
        let response = ended(call).await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.text().await.unwrap(), "no");
        assert!(!ctx.is_done());
    }
}

#[tokio::test]
async fn too_many_redirects_are_an_error() {
    let mut origin = Origin::start().await;
    let (ctx, _canceler, _clock) = ctx();
    let client = client().redirects(2);
    let call = send(&client, &ctx, client.inner().get(origin.url("/")));
    for _ in 0..3 {
        origin.redirect(302, "/").await;
    }
    let error = ended(call).await.unwrap_err();
    assert!(matches!(error, Error::TooManyRedirects(2)));
    assert_eq!(error.to_string(), "redirected more than 2 times");
}

#[tokio::test]
async fn a_call_stops_when_its_context_is_done_and_the_other_side_sees_it() {
    let mut origin = Origin::start().await;
    let (ctx, canceler, _clock) = ctx();
    let client = client();
    let call = send(&client, &ctx, client.inner().get(origin.url("/")));
    let (_request, mut stream) = origin.next().await;
    canceler.cancel_with("enough");
    let Err(Error::Done(error)) = ended(call).await else { panic!("it is canceled") };
    assert_eq!(error.cause().to_string(), "enough");
    assert_closed(&mut stream).await;
}

#[tokio::test]
async fn a_call_or_a_response_that_is_dropped_is_seen_by_the_other_side() {
    let mut origin = Origin::start().await;
    let (ctx, _canceler, _clock) = ctx();
    let client = client();
    let call = send(&client, &ctx, client.inner().get(origin.url("/")));
    let (_request, mut stream) = origin.next().await;
    call.abort();
    assert_closed(&mut stream).await;

    let call = send(&client, &ctx, client.inner().get(origin.url("/")));
    let (_request, mut stream) = origin.next().await;
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nsome of it").await.unwrap();
    drop(ended(call).await.unwrap());
    assert_closed(&mut stream).await;
    assert!(!ctx.is_done());
}

#[tokio::test]
async fn a_body_stops_when_the_time_is_up_and_the_error_says_so() {
    let mut origin = Origin::start().await;
    let (ctx, _canceler, clock) = ctx();
    let client = client();
    let call = send(&client, &ctx, client.inner().get(origin.url("/")));
    let (_request, mut stream) = origin.next().await;
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nsome of it").await.unwrap();
    let mut response = ended(call).await.unwrap();
    assert_eq!(response.chunk().await.unwrap().unwrap(), "some of it");
    clock.advance(SECOND);
    let error =
        timeout(HANG_LIMIT, response.text()).await.expect("hangs: the body does not end").unwrap_err();
    let Error::Done(error) = Error::from(error) else { panic!("it is late") };
    assert!(error.is_deadline_exceeded());
    assert_closed(&mut stream).await;
}

/// A body that is never at its end.
struct Endless;

impl http_body::Body for Endless {
    type Data = &'static [u8];
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<&'static [u8]>, Self::Error>>> {
        std::task::Poll::Pending
    }
}

#[tokio::test]
async fn an_upload_that_goes_on_after_the_response_stops_with_the_context() {
    let mut origin = Origin::start().await;
    let (ctx, canceler, _clock) = ctx();
    let client = client();
    let upload = client.inner().post(origin.url("/")).body(reqwest::Body::wrap(Endless));
    let call = send(&client, &ctx, upload);
    let (_request, mut stream) = origin.next().await;
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
    assert_eq!(ended(call).await.unwrap().text().await.unwrap(), "ok");
    canceler.cancel();
    assert_closed(&mut stream).await;
}

#[tokio::test]
async fn with_nothing_left_nobody_is_called() {
    let mut origin = Origin::start().await;
    let (ctx, _canceler, clock) = ctx();
    let client = client();
    clock.advance(SECOND);
    let error = ended(send(&client, &ctx, client.inner().get(origin.url("/")))).await.unwrap_err();
    assert!(matches!(error, Error::Done(error) if error.is_deadline_exceeded()));
    assert!(origin.requests.try_recv().is_err());
}

#[tokio::test]
async fn another_error_stays_what_it_is() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (ctx, _canceler, _clock) = ctx();
    let client = client();
    let request = client.inner().get(format!("http://{address}/"));
    let Err(Error::Call(error)) = ended(send(&client, &ctx, request)).await else { panic!("nobody listens") };
    assert!(error.is_connect());
}
