//! A caller, a service, and a service that this one calls: what ends the first ends the last.

mod common;

use common::{Client, Note, Notes, Scribe, Served, limit, note, serve, serve_by_axum};
use futures::{FutureExt as _, Stream, StreamExt as _, stream};
use purview::{Context, ManualClock};
use purview_tonic::{ClientService, ContextExt as _, RequestExt as _, ServerLayer, StatusExt as _};
use purview_tower::{ClientGone, End};
use std::future::pending;
use std::time::Duration;
use tokio::sync::mpsc;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status, Streaming};

type Caller = Client<ClientService<Channel>>;

const SECOND: Duration = Duration::from_secs(1);

/// The last of the chain: tells of its context, gives what streams have, and never ends.
fn last() -> (Scribe, mpsc::UnboundedReceiver<Context>) {
    let (tell, told) = mpsc::unbounded_channel();
    let [unary, download, upload, chat] = [(); 4].map(|()| tell.clone());
    let scribe = Scribe::new()
        .unary(move |request| {
            unary.send(request.context()).unwrap();
            pending()
        })
        .download(move |request| {
            download.send(request.context()).unwrap();
            std::future::ready(Ok(Response::new(one_then_stuck())))
        })
        .upload(move |request| {
            let (ctx, tell) = (request.context(), upload.clone());
            async move {
                let mut notes = ctx.messages(request.into_inner());
                assert_eq!(notes.message().await?, Some(note("one")));
                tell.send(ctx).unwrap();
                // Never an end: a status, or dropped before.
                Err(notes.message().await.expect_err("it looks finished"))
            }
        })
        .chat(move |request| {
            chat.send(request.context()).unwrap();
            std::future::ready(Ok(Response::new(one_then_stuck())))
        });
    (scribe, told)
}

fn one_then_stuck() -> Notes {
    stream::iter([Ok(note("one"))]).chain(stream::pending()).boxed()
}

/// The one between: hands each call on, under the current context, which nobody hands to it.
fn between(next: &Caller) -> Scribe {
    let [unary, download, upload, chat] = [(); 4].map(|()| next.clone());
    Scribe::new()
        .unary(move |request| {
            let mut next = unary.clone();
            async move { next.unary(request.into_inner()).await }
        })
        .download(move |request| {
            let mut next = download.clone();
            async move { Ok(next.download(request.into_inner()).await?.map(futures::StreamExt::boxed)) }
        })
        .upload(move |request| {
            let mut next = upload.clone();
            let ctx = request.context();
            async move { next.upload(ctx.try_request(request.into_inner())).await }
        })
        .chat(move |request| {
            let mut next = chat.clone();
            async move { Ok(next.chat(passed_on(request)).await?.map(futures::StreamExt::boxed)) }
        })
}

/// The notes of a request, until it ends in any way.
fn passed_on(request: Request<Streaming<Note>>) -> impl Stream<Item = Note> + Send {
    request
        .into_inner()
        .take_while(|note| std::future::ready(note.is_ok()))
        .filter_map(|note| std::future::ready(note.ok()))
}

struct Chain {
    first: Served,
    second: Served,
    client: Caller,
    told: mpsc::UnboundedReceiver<Context>,
}

async fn chain(root: &Context) -> Chain {
    let (scribe, told) = last();
    let second = serve(scribe, ServerLayer::new(root)).await;
    let first = serve_by_axum(between(&second.client()), ServerLayer::new(root)).await;
    let client = first.client();
    Chain { first, second, client, told }
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Unary,
    Download,
    Upload,
    Chat,
}

const KINDS: [Kind; 4] = [Kind::Unary, Kind::Download, Kind::Upload, Kind::Chat];

/// A call of that kind, to its end.
async fn call(mut client: Caller, kind: Kind, ctx: Context) -> Result<(), Status> {
    let one_then_stuck = stream::iter([note("one")]).chain(stream::pending());
    let mut notes = match kind {
        Kind::Unary => return client.unary(ctx.request(note("x"))).await.map(drop),
        Kind::Upload => return client.upload(ctx.request(one_then_stuck)).await.map(drop),
        Kind::Download => client.download(ctx.request(note("x"))).await?.into_inner(),
        Kind::Chat => client.chat(ctx.request(one_then_stuck)).await?.into_inner(),
    };
    while notes.message().await?.is_some() {}
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_of_the_caller_ends_every_kind_of_call_all_the_way_down() {
    for kind in KINDS {
        let clock = ManualClock::new();
        let root = Context::root(&clock);
        let Chain { first, second, client, mut told } = chain(&root).await;
        let ctx = root.derive().timeout(Duration::from_secs(3600)).build();
        let calling = tokio::spawn(call(client, kind, ctx));
        let last = limit(told.recv()).await.unwrap();
        assert_eq!(last.remaining(), Some(Duration::from_secs(3600)), "{kind:?}");
        clock.advance(Duration::from_secs(3600));
        let status = limit(calling).await.unwrap().unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded, "{kind:?}");
        assert!(status.context_error().unwrap().is_deadline_exceeded());
        assert!(last.error().unwrap().is_deadline_exceeded(), "{kind:?}");
        drop(last);
        first.wait_until_quiet().await;
        second.wait_until_quiet().await;
        limit(root.drained()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_cancels_ends_every_kind_of_call_all_the_way_down() {
    for kind in KINDS {
        let root = Context::root(ManualClock::new());
        let Chain { first, second, client, mut told } = chain(&root).await;
        let (ctx, canceler) = root.with_cancel();
        let calling = tokio::spawn(call(client, kind, ctx));
        let last = limit(told.recv()).await.unwrap();
        canceler.cancel_with("the user went to lunch");
        let status = limit(calling).await.unwrap().unwrap_err();
        assert_eq!(
            (status.code(), status.message()),
            (Code::Cancelled, "the user went to lunch"),
            "{kind:?}"
        );
        let error = limit(last.done()).await;
        assert!(error.cause().is::<ClientGone>(), "{kind:?} {error:?}");
        drop(last);
        assert_eq!(first.ended(End::ClientGone).await, 1, "{kind:?}");
        assert_eq!(second.ended(End::ClientGone).await, 1, "{kind:?}");
        limit(root.drained()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_is_dropped_ends_every_kind_of_call_all_the_way_down() {
    for kind in KINDS {
        let root = Context::root(ManualClock::new());
        let Chain { first, second, client, mut told } = chain(&root).await;
        let calling = tokio::spawn(call(client, kind, root.clone()));
        let last = limit(told.recv()).await.unwrap();
        calling.abort();
        assert!(limit(last.done()).await.cause().is::<ClientGone>(), "{kind:?}");
        drop(last);
        assert_eq!(first.ended(End::ClientGone).await, 1, "{kind:?}");
        assert_eq!(second.ended(End::ClientGone).await, 1, "{kind:?}");
        limit(root.drained()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_may_give_less_time_to_what_it_calls() {
    let clock = ManualClock::new();
    let root = Context::root(&clock);
    let (scribe, mut told) = last();
    let second = serve(scribe, ServerLayer::new(&root)).await;
    let next = second.client();
    let halving = Scribe::new().unary(move |request| {
        let ctx = request.context().derive().timeout(SECOND).build();
        let mut next = next.clone();
        async move {
            let status = next.unary(ctx.request(request.into_inner())).await.unwrap_err();
            Err(Status::data_loss(format!("{:?}", status.reason())))
        }
    });
    let first = serve(halving, ServerLayer::new(&root)).await;
    let ctx = root.derive().timeout(Duration::from_secs(3600)).build();
    let calling = tokio::spawn(call(first.client(), Kind::Unary, ctx));
    let last = limit(told.recv()).await.unwrap();
    assert_eq!(last.remaining(), Some(SECOND));
    clock.advance(SECOND);
    let status = limit(calling).await.unwrap().unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::DataLoss, "Some(DeadlineExceeded)"));
    first.wait_until_quiet().await;
    second.wait_until_quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_hundreds_of_calls_that_end_in_every_way_nothing_is_alive() {
    let root = Context::root(ManualClock::new());
    let Chain { first, second, client, mut told } = chain(&root).await;
    tokio::spawn(async move { while told.recv().await.is_some() {} });
    let calls = (0..400_usize).map(|n| {
        let (ctx, canceler) = root.with_cancel();
        let calling = tokio::spawn(call(client.clone(), KINDS[n % 4], ctx));
        async move {
            for _ in 0..n % 97 {
                tokio::task::yield_now().await;
            }
            match n % 3 {
                0 => canceler.cancel(),
                1 => calling.abort(),
                _ => drop(canceler),
            }
            drop(limit(calling).await);
        }
    });
    futures::future::join_all(calls).map(drop).await;
    first.wait_until_quiet().await;
    second.wait_until_quiet().await;
    limit(root.drained()).await;
}
