//! Peers that do what HTTP/2 forbids, byte by byte.

mod common;

use common::raw::framed;
use common::{Scribe, Served, UPLOAD, limit, note, serve};
use purview::{Context, ManualClock};
use purview_tonic::{ContextExt as _, RequestExt as _, ServerLayer};
use purview_tower::End;
use std::future::pending;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tonic::Status;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A field that is neither indexed nor compressed.
fn field(name: &str, value: &str) -> Vec<u8> {
    let length = |text: &str| u8::try_from(text.len()).unwrap();
    [&[0, length(name)], name.as_bytes(), &[length(value)], value.as_bytes()].concat()
}

fn head() -> Vec<u8> {
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "localhost"),
        (":path", UPLOAD),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("grpc-timeout", "1H"),
    ];
    fields.iter().flat_map(|(name, value)| field(name, value)).collect()
}

/// A connection on which a call was begun and has sent one note, which its handler has seen.
async fn begun(root: &Context) -> (Served, TcpStream, Context) {
    let (tell, mut told) = mpsc::unbounded_channel();
    let scribe = Scribe::new().upload(move |request| {
        let (ctx, tell) = (request.context(), tell.clone());
        async move {
            let mut notes = ctx.messages(request.into_inner());
            while notes.message().await?.is_some() {
                let _ = tell.send(ctx.clone()); // the second is told to nobody
            }
            pending::<Result<_, Status>>().await
        }
    });
    let served = serve(scribe, ServerLayer::new(root)).await;
    let mut socket = TcpStream::connect(served.addr).await.unwrap();
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(SETTINGS, 0, 0, &[]));
    bytes.extend(frame(HEADERS, END_HEADERS, 1, &head()));
    bytes.extend(frame(DATA, 0, 1, &framed(&note("first"))));
    socket.write_all(&bytes).await.unwrap();
    let ctx = limit(told.recv()).await.unwrap();
    (served, socket, ctx)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_http_forbids_ends_the_call_and_leaves_nothing_alive() {
    let note = framed(&note("x"));
    let reset = 8_u32.to_be_bytes();
    let ended = || frame(DATA, END_STREAM, 1, &[]);
    let rows: [(&str, Vec<u8>); 11] = [
        ("an end in the middle of a message", frame(DATA, END_STREAM, 1, &note[..3])),
        ("data after the end", [ended(), frame(DATA, 0, 1, &note)].concat()),
        ("a reset after the end", [ended(), frame(RST_STREAM, 0, 1, &reset)].concat()),
        ("data after a reset", [frame(RST_STREAM, 0, 1, &reset), frame(DATA, END_STREAM, 1, &note)].concat()),
        ("a second head", frame(HEADERS, END_HEADERS, 1, &head())),
        ("data of a stream that is none", frame(DATA, 0, 9, &note)),
        ("a stream of an even number", frame(HEADERS, END_HEADERS, 2, &head())),
        ("a head that is no HPACK", frame(HEADERS, END_HEADERS, 3, &[0xff; 32])),
        ("a continuation of nothing", frame(CONTINUATION, END_HEADERS, 1, &head())),
        ("a reset of the wrong size", frame(RST_STREAM, 0, 1, &[0])),
        ("no frames at all", b"GET / HTTP/1.1\r\n\r\n".repeat(4096)),
    ];
    for (name, bytes) in rows {
        let root = Context::background().named("root");
        let (served, mut socket, ctx) = begun(&root).await;
        socket.write_all(&bytes).await.unwrap();
        assert!(limit(ctx.done()).await.is_canceled(), "{name}");
        drop((socket, ctx));
        served.wait_until_quiet().await;
        limit(root.drained()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_never_comes_whole_waits_no_longer_than_the_deadline() {
    let clock = ManualClock::new();
    let root = Context::root(&clock);
    let (served, mut socket, ctx) = begun(&root).await;
    for byte in &framed(&note("second"))[..4] {
        socket.write_all(&frame(DATA, 0, 1, &[*byte])).await.unwrap();
    }
    clock.advance(Duration::from_secs(3600));
    assert!(limit(ctx.done()).await.is_deadline_exceeded());
    drop(ctx);
    assert_eq!(served.ended(End::Deadline).await, 1);
    limit(root.drained()).await;
    assert_eq!(clock.armed(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_says_goodbye_and_closes_ends_its_call() {
    let root = Context::background().named("root");
    let (served, mut socket, ctx) = begun(&root).await;
    socket.write_all(&frame(GOAWAY, 0, 0, &[0; 8])).await.unwrap();
    socket.write_all(&frame(DATA, 0, 1, &framed(&note("second")))).await.unwrap();
    socket.shutdown().await.unwrap();
    limit(ctx.done()).await;
    drop(ctx);
    let mut rest = Vec::new();
    limit(socket.read_to_end(&mut rest)).await.ok();
    served.wait_until_quiet().await;
    limit(root.drained()).await;
}
