//! Over real connections of HTTP/2, from a peer that sends what it likes.

mod common;

use bytes::Bytes;
use common::SECOND;
use common::server::{Server, within};
use h2::Reason;
use h2::client::{ResponseFuture, SendRequest};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use purview_tower::{Answer, ClientGone, Cut, End, Finished, HttpAnswer, Why};
use std::fmt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// A client that speaks frames, and its connection, which is closed when that task is aborted.
struct Peer {
    send: SendRequest<Bytes>,
    connection: JoinHandle<()>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Peer {
    async fn connect(server: &Server) -> Self {
        let stream = within("connects", TcpStream::connect(server.address)).await.unwrap();
        let (send, connection) = within("shakes hands", h2::client::handshake(stream)).await.unwrap();
        let connection = tokio::spawn(async move {
            let _ = connection.await;
        });
        Self { send, connection }
    }

    async fn request(&self, method: Method, uri: &str, end: bool) -> (ResponseFuture, h2::SendStream<Bytes>) {
        let request =
            Request::builder().method(method).uri(uri).header("grpc-timeout", "1S").body(()).unwrap();
        let mut send = within("may send", self.send.clone().ready()).await.unwrap();
        send.send_request(request, end).unwrap()
    }

    async fn get(&self, path: &str) -> (ResponseFuture, h2::SendStream<Bytes>) {
        self.request(Method::GET, &format!("http://here{path}"), true).await
    }
}

async fn head(response: ResponseFuture) -> Response<h2::RecvStream> {
    within("the head", response).await.unwrap()
}

/// All of a body that ends well, and its trailers.
async fn rest(mut body: h2::RecvStream) -> (String, Option<HeaderMap>) {
    let mut text = Vec::new();
    while let Some(data) = within("more of the body", body.data()).await {
        text.extend_from_slice(&data.unwrap());
    }
    (String::from_utf8(text).unwrap(), within("the trailers", body.trailers()).await.unwrap())
}

/// The code of the reset that a body ends with, after what comes before it.
async fn reset_of(mut body: h2::RecvStream) -> Option<Reason> {
    loop {
        match within("the reset", body.data()).await {
            Some(Ok(_)) => {}
            Some(Err(error)) => return error.reason(),
            None => return None,
        }
    }
}

#[tokio::test]
async fn requests_that_go_well_are_finished() {
    let mut server = Server::start().await;
    let peer = Peer::connect(&server).await;
    let (response, _stream) = peer.get("/ok").await;
    assert_eq!(rest(head(response).await.into_body()).await.0, "ok");

    let (response, _stream) = peer.get("/trailers").await;
    let (text, trailers) = rest(head(response).await.into_body()).await;
    assert_eq!(text, "first");
    assert_eq!(trailers.unwrap()["checksum"], "7");

    for (method, path, status) in [
        (Method::HEAD, "/stream", StatusCode::OK),
        (Method::GET, "/204", StatusCode::NO_CONTENT),
        (Method::GET, "/304", StatusCode::NOT_MODIFIED),
    ] {
        let (response, _stream) = peer.request(method, &format!("http://here{path}"), true).await;
        let response = head(response).await;
        assert_eq!(response.status(), status, "{path}");
    }
    drop(peer);
    server.assert_ends(&[End::Finished; 5]).await;
}

#[tokio::test]
async fn a_reset_while_the_handler_runs_ends_its_context_and_the_connection_goes_on() {
    for code in [Reason::CANCEL, Reason::INTERNAL_ERROR, Reason::NO_ERROR] {
        let mut server = Server::start().await;
        let peer = Peer::connect(&server).await;
        let (_response, mut stream) = peer.get("/wait").await;
        let ctx = server.handled().await;
        stream.send_reset(code);
        assert!(within("the reset is seen", ctx.done()).await.cause().is::<ClientGone>(), "{code:?}");
        drop(ctx);
        let (response, _stream) = peer.get("/ok").await;
        assert_eq!(head(response).await.status(), StatusCode::OK);
        server.assert_ends(&[End::ClientGone, End::Finished]).await;
    }
}

#[tokio::test]
async fn a_reset_while_the_handler_holds_a_body_that_still_comes_is_seen_too() {
    let mut server = Server::start().await;
    let peer = Peer::connect(&server).await;
    let (_response, mut stream) = peer.request(Method::POST, "http://here/hold", false).await;
    stream.send_data(Bytes::from_static(b"some of it"), false).unwrap();
    let ctx = server.handled().await;
    stream.send_reset(Reason::CANCEL);
    assert!(within("the reset is seen", ctx.done()).await.cause().is::<ClientGone>());
    drop(ctx);
    server.assert_ends(&[End::ClientGone]).await;
}

#[tokio::test]
async fn half_closing_is_no_hang_up() {
    let mut server = Server::start().await;
    let peer = Peer::connect(&server).await;
    let (response, mut stream) = peer.request(Method::POST, "http://here/read", false).await;
    let ctx = server.handled().await;
    stream.send_data(Bytes::from_static(b"all of it"), true).unwrap();
    assert_eq!(rest(head(response).await.into_body()).await.0, "read");
    assert!(within("it is over", ctx.done()).await.cause().is::<Finished>());
    drop(ctx);
    server.assert_ends(&[End::Finished]).await;
}

#[tokio::test]
async fn a_reset_in_the_body_ends_its_context() {
    let mut server = Server::start().await;
    let peer = Peer::connect(&server).await;
    let (response, mut stream) = peer.get("/stream").await;
    let ctx = server.handled().await;
    let mut body = head(response).await.into_body();
    assert!(within("data", body.data()).await.is_some());
    assert!(!ctx.is_done());
    stream.send_reset(Reason::CANCEL);
    assert!(within("the reset is seen", ctx.done()).await.cause().is::<ClientGone>());
    drop(ctx);
    server.assert_ends(&[End::ClientGone]).await;
}

#[tokio::test]
async fn a_connection_that_is_closed_ends_all_of_its_requests() {
    let mut server = Server::start().await;
    let peer = Peer::connect(&server).await;
    let mut kept = Vec::new();
    for path in ["/wait", "/wait", "/stream"] {
        kept.push(peer.get(path).await);
        drop(server.handled().await);
    }
    drop((peer, kept));
    server.assert_ends(&[End::ClientGone; 3]).await;
}

#[tokio::test]
async fn requests_that_are_reset_at_once_leave_nothing_alive() {
    let mut server = Server::start().await;
    let peer = Peer::connect(&server).await;
    for round in 0..100 {
        let (response, mut stream) = peer.get(["/wait", "/ok", "/stream", "/flood"][round % 4]).await;
        if round % 3 == 0 {
            tokio::task::yield_now().await;
        }
        stream.send_reset(Reason::CANCEL);
        drop(response);
    }
    drop(peer);
    server.drained().await;
    server.goes_on().await;
    server.drained().await;
}

#[tokio::test]
async fn a_late_handler_is_answered_504() {
    let mut server = Server::start().await;
    let peer = Peer::connect(&server).await;
    let (response, _stream) = peer.get("/wait").await;
    drop(server.handled().await);
    server.clock.advance(SECOND);
    assert_eq!(head(response).await.status(), StatusCode::GATEWAY_TIMEOUT);
    server.assert_ends(&[End::Deadline]).await;
}

#[tokio::test]
async fn a_late_body_is_reset() {
    let mut server = Server::start().await;
    let peer = Peer::connect(&server).await;
    let (response, _stream) = peer.get("/stream").await;
    let body = head(response).await.into_body();
    server.clock.advance(SECOND);
    assert_eq!(reset_of(body).await, Some(Reason::INTERNAL_ERROR));
    server.assert_ends(&[End::Deadline]).await;
}

/// An answer that chooses the code of the reset: it is taken from an `h2::Error` among the sources.
struct Cancels;

#[derive(Debug)]
struct Late(h2::Error);

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("late")
    }
}

impl std::error::Error for Late {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl Answer for Cancels {
    fn answer(&self, why: &Why<'_>) -> Response<Bytes> {
        HttpAnswer::new().answer(why)
    }

    fn cut(&self, _why: &Why<'_>) -> Cut {
        Cut::Error(Box::new(Late(Reason::CANCEL.into())))
    }
}

#[tokio::test]
async fn an_answer_can_choose_the_code_of_the_reset() {
    let mut server = Server::with(|layer| layer.answer(Cancels)).await;
    let peer = Peer::connect(&server).await;
    let (response, _stream) = peer.get("/stream").await;
    let body = head(response).await.into_body();
    server.clock.advance(SECOND);
    assert_eq!(reset_of(body).await, Some(Reason::CANCEL));
    server.assert_ends(&[End::Deadline]).await;
}

#[tokio::test]
async fn a_peer_that_does_not_read_does_not_keep_the_work_alive() {
    let mut server = Server::start().await;
    let peer = Peer::connect(&server).await;
    let (response, _stream) = peer.get("/flood").await;
    let ctx = server.handled().await;
    let body = head(response).await.into_body(); // its window is never opened again
    server.goes_on().await;
    server.clock.advance(SECOND);
    assert!(ctx.error().unwrap().is_deadline_exceeded(), "in time, though nobody polls the body");
    drop((body, peer, ctx));
    let mut ends = vec![End::Finished; 20];
    ends.push(End::Deadline);
    server.assert_ends(&ends).await;
}

#[tokio::test]
async fn a_tunnel_has_its_context_until_it_ends() {
    let mut server = Server::start().await;
    let peer = Peer::connect(&server).await;
    let (response, stream) = peer.request(Method::CONNECT, "there:1", false).await;
    let mut body = head(response).await.into_body();
    assert_eq!(within("a word", body.data()).await.unwrap().unwrap(), "live");
    assert_eq!((server.counts.live(), server.counts.ended(End::Upgraded)), (0, 1));
    drop((body, stream, peer));
    server.assert_ends(&[End::Upgraded]).await;
}

#[tokio::test]
async fn a_panicking_handler_ends_only_its_own_context() {
    let mut server = Server::start().await;
    let peer = Peer::connect(&server).await;
    for path in ["/panic", "/panic-later"] {
        let (response, _stream) = peer.get(path).await;
        if let Ok(response) = within("the end", response).await {
            assert!(reset_of(response.into_body()).await.is_some(), "{path}");
        }
    }
    let (response, _stream) = peer.get("/ok").await;
    assert_eq!(head(response).await.status(), StatusCode::OK);
    drop(peer);
    server.assert_ends(&[End::Panicked, End::Panicked, End::Finished]).await;
}

#[tokio::test]
async fn a_body_where_http_allows_none_is_not_sent_for_ever() {
    let mut server = Server::start().await;
    let peer = Peer::connect(&server).await;
    for (method, path) in [(Method::HEAD, "/flood"), (Method::GET, "/204"), (Method::GET, "/304")] {
        let (response, _stream) = peer.request(method, &format!("http://here{path}"), true).await;
        assert_eq!(rest(head(response).await.into_body()).await, (String::new(), None), "{path}");
        drop(server.handled().await);
    }
    drop(peer);
    server.assert_ends(&[End::Finished; 3]).await;
}

#[tokio::test]
async fn answers_in_the_handlers_place_have_no_body_for_head() {
    let mut server = Server::start().await;
    let peer = Peer::connect(&server).await;
    let (response, _stream) = peer.request(Method::HEAD, "http://here/wait", true).await;
    drop(server.handled().await);
    server.clock.advance(SECOND);
    let response = head(response).await;
    assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(rest(response.into_body()).await, (String::new(), None));

    let malformed = Request::head("http://here/").header("grpc-timeout", "soon").body(()).unwrap();
    let mut send = within("may send", peer.send.clone().ready()).await.unwrap();
    let response = head(send.send_request(malformed, true).unwrap().0).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(rest(response.into_body()).await, (String::new(), None));
    drop((send, peer));
    server.assert_ends(&[End::Deadline, End::Refused]).await;
}
