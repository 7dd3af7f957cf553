//! Peers that send what they like over real connections: a clear status, a counted end, and no context left alive.

mod common;

use common::SECOND;
use common::frames::{CANCEL, DATA, END_HEADERS, END_STREAM, HEADERS, RST_STREAM, block, frame, preface};
use common::server::{Client, Server, within};
use purview::Context;
use purview_propagate::{Policy, inject};
use purview_tower::{ClientGone, End};
use std::collections::HashMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

type Headers<'a> = &'a [(&'a str, &'a [u8])];

/// A server that reads every form of a deadline, and its policy.
async fn trusting() -> (Server, Policy) {
    let policy = Policy::trusted();
    let server = Server::with(|layer| layer.policy(policy.clone())).await;
    (server, policy)
}

async fn send(client: &mut Client, path: &str, headers: Headers<'_>) {
    let mut bytes = format!("GET {path} HTTP/1.1\r\nhost: here\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    bytes.extend(b"\r\n");
    within("is read", client.0.write_all(&bytes)).await.unwrap();
}

/// The code of the answer to a request with these headers.
async fn status_of(server: &Server, headers: Headers<'_>) -> String {
    let mut client = Client::connect(server).await;
    send(&mut client, "/ok", headers).await;
    client.head().await["HTTP/1.1 ".len()..][..3].to_owned()
}

/// The headers that give a time: the name, more than a second, a second.
const TIMES: [(&str, &str, &str); 6] = [
    ("grpc-timeout", "1H", "1S"),
    ("connect-timeout-ms", "9000", "1000"),
    ("x-envoy-expected-rq-timeout-ms", "9000", "1000"),
    ("request-timeout", "9", "1"),
    ("prefer", "wait=9", "wait=1"),
    ("x-request-timeout-ms", "9000", "1000"),
];

#[tokio::test]
async fn of_two_headers_that_give_a_time_the_least_holds_in_whichever_order() {
    for (name, more, less) in TIMES {
        for two in [[more, less], [less, more]] {
            let (mut server, _) = trusting().await;
            let mut client = Client::connect(&server).await;
            send(&mut client, "/wait", &two.map(|value| (name, value.as_bytes()))).await;
            assert_eq!(server.handled().await.remaining(), Some(SECOND), "{name}: {two:?}");
            server.clock.advance(SECOND);
            assert!(client.head().await.starts_with("HTTP/1.1 504"), "{name}: {two:?}");
            server.assert_ends(&[End::Deadline]).await;
        }
    }
}

#[tokio::test]
async fn a_time_that_cannot_be_read_is_answered_400_and_counted_in_every_form() {
    let long = [b'9'; 4_000];
    for (name, _, good) in TIMES.into_iter().filter(|(name, ..)| *name != "prefer") {
        let bad: [&[u8]; 5] = [b"", b"soon", b"\xff\xfe", b"\xd9\xa5", &long];
        for value in bad {
            for headers in [&[(name, value)][..], &[(name, value), (name, good.as_bytes())]] {
                let (mut server, policy) = trusting().await;
                assert_eq!(status_of(&server, headers).await, "400", "{name}: {value:?}");
                assert_eq!((policy.counts().malformed, policy.counts().refused), (1, 1));
                server.assert_ends(&[End::Refused]).await;
            }
        }
    }
}

#[tokio::test]
async fn a_preference_or_a_trace_that_cannot_be_read_is_counted_and_served() {
    const TRACE: &[u8] = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let long = [b"wait=".as_slice(), &[b'9'; 4_000]].concat();
    let many = ["k=v"; 33].join(",");
    let rows: [Headers<'_>; 7] = [
        &[("prefer", b"wait=\xff")],
        &[("prefer", &long)],
        &[("traceparent", b"00-\xff")],
        &[("traceparent", &[b'0'; 4_000])],
        &[("traceparent", TRACE), ("traceparent", TRACE)],
        &[("traceparent", TRACE), ("tracestate", b"a=\xe9")],
        &[("traceparent", TRACE), ("tracestate", many.as_bytes())],
    ];
    for headers in rows {
        let (mut server, policy) = trusting().await;
        assert_eq!(status_of(&server, headers).await, "200", "{headers:?}");
        assert_eq!((policy.counts().malformed, policy.counts().refused), (1, 0), "{headers:?}");
        server.assert_ends(&[End::Finished]).await;
    }
}

/// What of its baggage a request would pass on.
fn passed_on(ctx: &Context) -> Option<String> {
    let mut goes = HashMap::<String, String>::new();
    inject(&ctx.without_cancel(), &mut goes, &Policy::trusted()).unwrap();
    goes.remove("baggage")
}

#[tokio::test]
async fn baggage_is_joined_refused_or_dropped_by_whole_members() {
    let large = [b"b=".as_slice(), &[b'x'; 9_000]].concat();
    let taken: [(Headers<'_>, Option<&str>, u64); 3] = [
        (&[("baggage", b"a=1"), ("Baggage", b"b=2,a=3")], Some("a=1,b=2,a=3"), 0),
        (&[("baggage", b"a=1"), ("baggage", &large)], Some("a=1"), 1),
        (&[("baggage", b"")], None, 0),
    ];
    for (headers, passes, dropped) in taken {
        let (mut server, policy) = trusting().await;
        assert_eq!(status_of(&server, headers).await, "200");
        assert_eq!(passed_on(&server.handled().await).as_deref(), passes);
        assert_eq!((policy.counts().dropped, policy.counts().malformed), (dropped, 0));
        server.assert_ends(&[End::Finished]).await;
    }
    for value in [&b"a=\xff"[..], b"two words=1", b"a", b"a=1,,\"b\"=2"] {
        let (mut server, policy) = trusting().await;
        assert_eq!(status_of(&server, &[("baggage", b"z=1"), ("baggage", value)]).await, "400", "{value:?}");
        assert_eq!((policy.counts().malformed, policy.counts().refused), (1, 1), "{value:?}");
        server.assert_ends(&[End::Refused]).await;
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_for_the_server_never_has_a_context() {
    let (mut server, _) = trusting().await;
    let many = vec![("grpc-timeout", &b"1S"[..]); 1_000];
    assert_eq!(status_of(&server, &many).await, "431");
    server.assert_ends(&[]).await;
}

#[tokio::test]
async fn a_connection_that_is_reset_ends_its_request_wherever_that_is() {
    for path in ["/wait", "/read", "/stream", "/flood"] {
        let mut server = Server::start().await;
        let mut client = Client::connect(&server).await;
        let length = if path == "/read" { 1_000 } else { 0 };
        client.send(&format!("POST {path} HTTP/1.1\r\nhost: here\r\ncontent-length: {length}\r\n\r\n")).await;
        let ctx = server.handled().await;
        if path == "/read" {
            client.send("some of it").await;
        } else if path != "/wait" {
            client.head().await;
        }
        client.0.set_zero_linger().unwrap();
        drop(client);
        let error = within("the reset is seen", ctx.done()).await;
        // Who reads the body is told by it, and answers into the void.
        assert!(error.cause().is::<ClientGone>() || path == "/read", "{path}: {error}");
        drop(ctx);
        server.assert_each_has_ended().await;
    }
}

#[tokio::test]
async fn a_body_that_trickles_on_after_the_deadline_keeps_nothing_alive() {
    let mut server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client
        .send("POST /read HTTP/1.1\r\nhost: here\r\nx-request-timeout-ms: 1000\r\ncontent-length: 1000\r\n\r\nx")
        .await;
    let ctx = server.handled().await;
    server.clock.advance(SECOND);
    assert!(within("the time is up", ctx.done()).await.is_deadline_exceeded());
    drop(ctx);
    server.assert_ends(&[End::Deadline]).await;
    for _ in 0..100 {
        // The server may have closed by now.
        let _ = within("is taken or refused", client.0.write_all(b"x")).await;
        tokio::task::yield_now().await;
    }
    drop(client);
    server.assert_ends(&[End::Deadline]).await;
}

#[tokio::test]
async fn pipelined_requests_whose_client_leaves_each_come_to_an_end() {
    let mut server = Server::start().await;
    for ways in [
        ["/ok", "/ok", "/ok"],
        ["/ok", "/stream", "/ok"],
        ["/wait", "/ok", "/wait"],
        ["/204", "/flood", "/ok"],
    ] {
        let mut client = Client::connect(&server).await;
        let requests =
            ways.map(|path| format!("GET {path} HTTP/1.1\r\nhost: here\r\ngrpc-timeout: 1S\r\n\r\n"));
        client.send(&requests.concat()).await;
        drop(server.handled().await);
        drop(client);
    }
    // Some clients cannot be seen to leave, since more is waiting: the time of each request ends it, whenever it began.
    let clock = server.clock.clone();
    let time_passes = async {
        loop {
            clock.advance(SECOND);
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = server.assert_each_has_ended() => {}
        () = time_passes => {}
    }
    assert_eq!(server.counts.ended(End::Refused) + server.counts.ended(End::Panicked), 0);
}

/// A connection of HTTP/2 that has begun a request to this path, with its body open.
async fn begun(server: &mut Server, path: &str) -> (TcpStream, Context) {
    let mut socket = within("connects", TcpStream::connect(server.address)).await.unwrap();
    let begin = [preface(), frame(HEADERS, END_HEADERS, 1, &head(path))].concat();
    within("is read", socket.write_all(&begin)).await.unwrap();
    let ctx = server.handled().await;
    (socket, ctx)
}

fn head(path: &str) -> Vec<u8> {
    block(&[
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "here"),
        (":path", path),
        ("grpc-timeout", "1S"),
    ])
}

#[tokio::test]
async fn a_body_that_trickles_in_frame_by_frame_is_waited_for_no_longer_than_the_deadline() {
    let mut server = Server::start().await;
    let (mut socket, ctx) = begun(&mut server, "/read").await;
    for late in [false, true] {
        for _ in 0..10 {
            // The server may have closed once it was late.
            let _ = within("is taken or refused", socket.write_all(&frame(DATA, 0, 1, b"x"))).await;
            server.goes_on().await;
        }
        assert_eq!(ctx.is_done(), late);
        server.clock.advance(SECOND);
    }
    assert!(ctx.error().unwrap().is_deadline_exceeded());
    drop((socket, ctx));
    server.assert_each_has_ended().await;
    assert_eq!(server.counts.ended(End::Deadline), 1);
}

#[tokio::test]
async fn a_connection_whose_writing_half_is_closed_ends_all_of_its_requests() {
    let mut server = Server::start().await;
    let (mut socket, first) = begun(&mut server, "/wait").await;
    within("is read", socket.write_all(&frame(HEADERS, END_HEADERS | END_STREAM, 3, &head("/stream"))))
        .await
        .unwrap();
    let second = server.handled().await;
    within("is read", socket.shutdown()).await.unwrap();
    for ctx in [first, second] {
        assert!(within("the end is seen", ctx.done()).await.cause().is::<ClientGone>());
    }
    server.assert_ends(&[End::ClientGone; 2]).await;
}

#[tokio::test]
async fn a_flood_of_resets_leaves_nothing_alive_and_the_next_connection_is_served() {
    let mut server = Server::start().await;
    let (mut socket, ctx) = begun(&mut server, "/wait").await;
    let paths = ["/wait", "/ok", "/stream", "/flood", "/hold"];
    let request = |n: u32| {
        let (id, path) = (2 * n + 1, paths[n as usize % paths.len()]);
        [frame(HEADERS, END_HEADERS, id, &head(path)), frame(RST_STREAM, 0, id, &CANCEL)].concat()
    };
    let flood: Vec<u8> = (1..=2_000).flat_map(request).collect();
    let (mut reading, mut writing) = socket.split();
    // The server may have had enough of it before the end.
    let write = async {
        let _ = writing.write_all(&flood).await;
        let _ = writing.shutdown().await;
    };
    let mut rest = Vec::new();
    let _ = within("the server closes", async { tokio::join!(write, reading.read_to_end(&mut rest)) }).await;
    assert!(within("the end is seen", ctx.done()).await.cause().is::<ClientGone>());
    drop((socket, ctx));
    server.drained().await;
    assert!(server.counts.ended(End::ClientGone) >= 1);
    assert_eq!(server.counts.ended(End::Panicked), 0);
    server.goes_on().await;
    server.drained().await;
}
