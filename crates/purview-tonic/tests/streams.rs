//! A request stream whose client left is never taken for a finished one.

mod common;

use common::raw::{Called, Peer};
use common::{CHAT, Note, Scribe, Served, UPLOAD, limit, note, serve};
use futures::StreamExt as _;
use h2::Reason;
use purview::{Context, ManualClock};
use purview_tonic::{ContextExt as _, RequestExt as _, ServerLayer};
use purview_tower::{ClientGone, End, Stages};
use std::time::Duration;
use tokio::sync::mpsc;
use tonic::{Code, Request, Response, Status, Streaming};

/// What a handler saw of a stream.
#[derive(Debug)]
enum Seen {
    Note(Context),
    End,
    Broken(Status, Context),
}

type Told = mpsc::UnboundedReceiver<Seen>;

/// How a handler reads.
#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    /// As tonic has it.
    Streaming,
    /// Under its context.
    Messages,
    /// As tonic has it, in a task of its own.
    Task,
}

async fn read(
    by: By,
    request: Request<Streaming<Note>>,
    tell: mpsc::UnboundedSender<Seen>,
) -> Result<(), Status> {
    let ctx = request.context();
    let stream = request.into_inner();
    let reading = async move {
        let result = read_all(by, &ctx, stream, &tell).await;
        let seen = match result.clone() {
            Ok(()) => Seen::End,
            Err(status) => Seen::Broken(status, ctx),
        };
        tell.send(seen).unwrap();
        result
    };
    if by == By::Task { tokio::spawn(reading).await.unwrap() } else { reading.await }
}

async fn read_all(
    by: By,
    ctx: &Context,
    mut stream: Streaming<Note>,
    tell: &mpsc::UnboundedSender<Seen>,
) -> Result<(), Status> {
    if by == By::Messages {
        let mut notes = ctx.messages(stream);
        while notes.message().await?.is_some() {
            tell.send(Seen::Note(ctx.clone())).unwrap();
        }
    } else {
        while stream.message().await?.is_some() {
            tell.send(Seen::Note(ctx.clone())).unwrap();
        }
    }
    Ok(())
}

fn reader(by: By) -> (Scribe, Told) {
    let (tell, told) = mpsc::unbounded_channel();
    let chat = tell.clone();
    let scribe = Scribe::new()
        .upload(move |request| {
            let tell = tell.clone();
            async move { read(by, request, tell).await.map(|()| Response::new(note("stored"))) }
        })
        .chat(move |request| {
            let tell = chat.clone();
            let reading = futures::stream::once(read(by, request, tell));
            let notes = reading.map(|read| read.map(|()| note("stored"))).boxed();
            std::future::ready(Ok(Response::new(notes)))
        });
    (scribe, told)
}

/// A call that has sent one note, which its handler has seen.
async fn begun(path: &str, by: By, root: &Context) -> (Served, Peer, Called, Told, Context) {
    let (scribe, mut told) = reader(by);
    let served = serve(scribe, ServerLayer::new(root)).await;
    let mut peer = Peer::connect(served.addr).await;
    let mut called = peer.begin(path, &[("grpc-timeout", b"1H")]).await;
    called.send(&note("first"));
    let Some(Seen::Note(ctx)) = limit(told.recv()).await else { panic!("no note") };
    (served, peer, called, told, ctx)
}

const WAYS: [(&str, By); 4] =
    [(UPLOAD, By::Streaming), (UPLOAD, By::Messages), (CHAT, By::Streaming), (CHAT, By::Messages)];

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_ended_is_seen_to_end() {
    for (path, by) in [WAYS.as_slice(), &[(UPLOAD, By::Task)]].concat() {
        let (served, _caller, mut called, mut told, _) = begun(path, by, &Context::background()).await;
        called.body.send_data(bytes::Bytes::new(), true).unwrap();
        assert!(matches!(limit(told.recv()).await, Some(Seen::End)), "{path} {by:?}");
        assert_eq!(called.end().await.unwrap().status().0, "0");
        assert_eq!(served.ended(End::Finished).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_ended_by_trailers_is_seen_to_end() {
    for (path, by) in WAYS {
        let (_served, _caller, mut called, mut told, _) = begun(path, by, &Context::background()).await;
        let trailers = http::HeaderMap::from_iter([("checksum".parse().unwrap(), "7".parse().unwrap())]);
        called.body.send_trailers(trailers).unwrap();
        assert!(matches!(limit(told.recv()).await, Some(Seen::End)), "{path} {by:?}");
        assert_eq!(called.end().await.unwrap().status().0, "0");
    }
}

/// A handler that read by itself was dropped where it waited, and has seen nothing more.
async fn nothing_more(mut told: Told) {
    let seen = limit(told.recv()).await;
    assert!(seen.is_none(), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_with_any_code_is_never_an_end() {
    for (path, by) in WAYS {
        for code in (0..=13).chain([0xdead_beef]) {
            let (served, peer, mut called, told, ctx) = begun(path, by, &Context::background()).await;
            called.reset(Reason::from(code));
            let error = limit(ctx.done()).await;
            assert!(
                error.is_canceled() && error.cause().is::<ClientGone>(),
                "{path} {by:?} {code} {error:?}"
            );
            assert_eq!(served.ended(End::ClientGone).await, 1);
            drop((served, peer, called));
            nothing_more(told).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_reads_sees_an_error_and_its_context_done() {
    // Not 0: hyper takes a reset with NO_ERROR for the end.
    for code in 1..=13 {
        let (_served, _peer, mut called, mut told, _) = begun(UPLOAD, By::Task, &Context::background()).await;
        called.reset(Reason::from(code));
        let Some(Seen::Broken(status, ctx)) = limit(told.recv()).await else { panic!("{code}") };
        assert!(ctx.error().unwrap().cause().is::<ClientGone>(), "{code}");
        assert_eq!(status.code(), Code::Aborted, "CANCELLED would be an end to tonic");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_lost_is_never_an_end() {
    for (path, by) in WAYS {
        let (served, peer, called, told, ctx) = begun(path, by, &Context::background()).await;
        drop((peer, called));
        let error = limit(ctx.done()).await;
        assert!(error.cause().is::<ClientGone>(), "{path} {by:?} {error:?}");
        served.wait_until_quiet().await;
        drop(served);
        nothing_more(told).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_whose_time_is_up_is_never_an_end() {
    for (path, by) in WAYS {
        let clock = ManualClock::new();
        let (served, _caller, called, mut told, _) = begun(path, by, &Context::root(&clock)).await;
        clock.advance(Duration::from_secs(3600));
        assert_eq!(called.end().await.unwrap().status().0, "4", "{path} {by:?}");
        served.wait_until_quiet().await;
        if by == By::Messages {
            let Some(Seen::Broken(status, _)) = limit(told.recv()).await else { panic!("{path}") };
            assert_eq!(status.code(), Code::DeadlineExceeded);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_shut_down_is_never_an_end() {
    for (path, by) in WAYS {
        let stages = Stages::new(&Context::background());
        let (served, _caller, called, mut told, _) = begun(path, by, stages.context()).await;
        stages.shutdown();
        assert_eq!(called.end().await.unwrap().status().0, "14", "{path} {by:?}");
        served.wait_until_quiet().await;
        if by == By::Messages {
            let Some(Seen::Broken(status, _)) = limit(told.recv()).await else { panic!("{path}") };
            assert_eq!(status.code(), Code::Unavailable);
        }
    }
}
