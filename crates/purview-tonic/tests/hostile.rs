//! Peers that do what HTTP/2 forbids, byte by byte.

mod common;
#[path = "../../purview-tower/tests/common/frames.rs"]
mod frames;

use common::raw::{Peer, framed};
use common::{Scribe, Served, UNARY, UPLOAD, limit, note, serve};
use frames::{
    CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM, block, frame, preface,
};
use purview::{Context, ManualClock};
use purview_tonic::{ContextExt as _, RequestExt as _, ServerLayer};
use purview_tower::{ClientGone, End};
use std::future::pending;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tonic::Status;

fn head() -> Vec<u8> {
    block(&[
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "localhost"),
        (":path", UPLOAD),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("grpc-timeout", "1H"),
    ])
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
    let mut bytes = preface();
    bytes.extend(frame(HEADERS, END_HEADERS, 1, &head()));
    bytes.extend(frame(DATA, 0, 1, &framed(&note("first"))));
    socket.write_all(&bytes).await.unwrap();
    let ctx = limit(told.recv()).await.unwrap();
    (served, socket, ctx)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_http_forbids_ends_the_call_and_leaves_nothing_alive() {
    let note = framed(&note("x"));
    let ended = || frame(DATA, END_STREAM, 1, &[]);
    let rows: [(&str, Vec<u8>); 11] = [
        ("an end in the middle of a message", frame(DATA, END_STREAM, 1, &note[..3])),
        ("data after the end", [ended(), frame(DATA, 0, 1, &note)].concat()),
        ("a reset after the end", [ended(), frame(RST_STREAM, 0, 1, &CANCEL)].concat()),
        (
            "data after a reset",
            [frame(RST_STREAM, 0, 1, &CANCEL), frame(DATA, END_STREAM, 1, &note)].concat(),
        ),
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
        assert!(all_ends(&served) >= 1, "{name} is counted");
        limit(root.drained()).await;
    }
}

/// How many calls ended, in any way.
fn all_ends(served: &Served) -> u64 {
    End::ALL.into_iter().map(|end| served.counts.ended(end)).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_reset_in_the_middle_of_a_message_ends_its_call() {
    let root = Context::background().named("root");
    let (served, mut socket, ctx) = begun(&root).await;
    socket.write_all(&frame(DATA, 0, 1, &framed(&note("second"))[..3])).await.unwrap();
    socket.set_zero_linger().unwrap();
    drop(socket);
    assert!(limit(ctx.done()).await.cause().is::<ClientGone>());
    drop(ctx);
    assert_eq!(served.ended(End::ClientGone).await, 1);
    limit(root.drained()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_resets_leaves_nothing_alive_and_the_next_connection_is_served() {
    let root = Context::background().named("root");
    let (served, mut socket, ctx) = begun(&root).await;
    let call = |id| [frame(HEADERS, END_HEADERS, id, &head()), frame(RST_STREAM, 0, id, &CANCEL)].concat();
    let flood: Vec<u8> = (1..=2_000).flat_map(|n| call(2 * n + 1)).collect();
    // The server may have had enough of it before the end.
    let (mut reading, mut writing) = socket.split();
    let write = async {
        let _ = writing.write_all(&flood).await;
        let _ = writing.shutdown().await;
    };
    let mut rest = Vec::new();
    let _ = limit(async { tokio::join!(write, reading.read_to_end(&mut rest)) }).await;
    assert!(limit(ctx.done()).await.cause().is::<ClientGone>());
    drop((socket, ctx));
    served.wait_until_quiet().await;
    assert!(served.counts.ended(End::ClientGone) >= 1);
    limit(root.drained()).await;

    let mut peer = Peer::connect(served.addr).await;
    let answered = peer.call(UNARY, &[], &note("x")).await.end().await.unwrap();
    assert_eq!(answered.status().0, "12", "no such call in this test, and it says so");
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
    for byte in &framed(&note("second"))[4..] {
        socket.write_all(&frame(DATA, 0, 1, &[*byte])).await.unwrap();
    }
    assert_eq!(
        (served.ended(End::Deadline).await, all_ends(&served)),
        (1, 1),
        "what comes after it is nobody's"
    );
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
    assert_eq!(served.ended(End::ClientGone).await, 1);
    limit(root.drained()).await;
}
