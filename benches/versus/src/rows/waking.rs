//! Waking those that wait.

use crate::bench::Bench;
use crate::measure::{alternate, clocked_afresh};
use crate::peers::{TOKEN, Woken, tokio_runtime};
use crate::row::Limit::{self, Ratio};
use event_listener::Event;
use purview::{Canceler, Clock, Context};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context as TaskContext, Waker};
use tokio_util::sync::CancellationToken;

const TASKS: u32 = 10_000;
const ROUNDS: usize = 61;

pub(super) fn rows() -> Vec<Bench> {
    vec![
        Bench::nanos("wake 10,000 tasks that wait for one context, a task", TOKEN, Ratio(0.80), || {
            alternate(ROUNDS, || one_context().woken, || one_token().woken)
        }),
        Bench::nanos("wake 10,000 tasks, each with a child of its own, a task", TOKEN, Ratio(0.80), || {
            alternate(ROUNDS, || own_contexts().woken, || own_tokens().woken)
        }),
        Bench::nanos(
            "the same with bare wakers, one context, a waiter",
            "event-listener",
            Limit::None,
            || alternate(ROUNDS, our_wakers, event_wakers),
        ),
        Bench::nanos(
            "from cancel() to the last of 10,000 tasks polled, one context",
            TOKEN,
            Limit::None,
            || alternate(ROUNDS, || one_context().last, || one_token().last),
        ),
        Bench::nanos(
            "from cancel() to the last of 10,000 tasks polled, own children",
            TOKEN,
            Limit::None,
            || alternate(ROUNDS, || own_contexts().last, || own_tokens().last),
        ),
        Bench::nanos("from cancel() to one waiter among 1,000,000 children", TOKEN, Limit::None, || {
            alternate(7, our_waiter_in_a_crowd, their_waiter_in_a_crowd)
        }),
    ]
}

/// How a cancellation went with tasks of a runtime waiting for it.
struct Waking {
    /// Nanoseconds a task that `cancel` took.
    woken: f64,
    /// Nanoseconds until the last task was polled and over.
    last: f64,
}

fn one_context() -> Waking {
    let (ctx, canceler) = Context::background().with_cancel();
    waking(
        move || {
            let ctx = ctx.clone();
            async move { assert!(ctx.done().await.is_canceled()) }
        },
        || canceler.cancel(),
    )
}

fn one_token() -> Waking {
    let token = CancellationToken::new();
    let waited = token.clone();
    waking(
        move || {
            let token = waited.clone();
            async move { token.cancelled().await }
        },
        || token.cancel(),
    )
}

fn own_contexts() -> Waking {
    let (root, canceler) = Context::background().with_cancel();
    waking(
        move || {
            let (ctx, canceler) = root.with_cancel();
            async move {
                let _canceler: Canceler = canceler;
                assert!(ctx.done().await.is_canceled());
            }
        },
        || canceler.cancel(),
    )
}

fn own_tokens() -> Waking {
    let root = CancellationToken::new();
    let parent = root.clone();
    waking(
        move || {
            let token = parent.child_token();
            async move { token.cancelled().await }
        },
        || root.cancel(),
    )
}

/// Ten thousand tasks that wait, on a runtime of one thread, and a cancellation from within it.
fn waking<F>(task: impl Fn() -> F, cancel: impl FnOnce()) -> Waking
where
    F: Future<Output = ()> + Send + 'static,
{
    let runtime = tokio_runtime();
    let over = Arc::new(AtomicU32::new(0));
    let waiting = Arc::new(AtomicU32::new(0));
    for _ in 0..TASKS {
        let (task, over, waiting) = (task(), over.clone(), waiting.clone());
        runtime.spawn(async move {
            waiting.fetch_add(1, Ordering::Relaxed);
            task.await;
            over.fetch_add(1, Ordering::Relaxed);
        });
    }
    let (cancel, last) = runtime.block_on(async {
        while waiting.load(Ordering::Relaxed) < TASKS {
            tokio::task::yield_now().await;
        }
        assert_eq!(over.load(Ordering::Relaxed), 0);
        let (nanos, start) = clocked_afresh(|| {
            let start = Clock::system().now();
            cancel();
            start
        });
        while over.load(Ordering::Relaxed) < TASKS {
            tokio::task::yield_now().await;
        }
        (nanos, (Clock::system().now() - start).as_secs_f64() * 1e9)
    });
    Waking { woken: cancel / f64::from(TASKS), last }
}

fn our_wakers() -> f64 {
    let (ctx, canceler) = Context::background().with_cancel();
    let mut waiting: Vec<_> = (0..TASKS).map(|_| Box::pin(ctx.done())).collect();
    bare(&mut waiting, || canceler.cancel())
}

fn event_wakers() -> f64 {
    let event = Event::new();
    let mut waiting: Vec<_> = (0..TASKS).map(|_| Box::pin(event.listen())).collect();
    bare(&mut waiting, || {
        event.notify(usize::MAX);
    })
}

fn bare<F: Future>(waiting: &mut [Pin<Box<F>>], wake: impl FnOnce()) -> f64 {
    let woken: Vec<_> = waiting.iter().map(|_| Arc::new(AtomicFlag::default())).collect();
    for (future, flag) in waiting.iter_mut().zip(&woken) {
        let waker = Waker::from(flag.clone());
        assert!(future.as_mut().poll(&mut TaskContext::from_waker(&waker)).is_pending());
    }
    let (nanos, ()) = clocked_afresh(wake);
    assert!(woken.iter().all(|flag| flag.0.load(Ordering::Relaxed) == 1));
    nanos / f64::from(TASKS)
}

/// A waker that does nearly nothing.
#[derive(Default)]
struct AtomicFlag(AtomicU32);

impl std::task::Wake for AtomicFlag {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

const CROWD: usize = 1_000_000;

fn our_waiter_in_a_crowd() -> f64 {
    let (root, canceler) = Context::background().with_cancel();
    let crowd: Vec<_> = (0..=CROWD).map(|_| root.with_cancel()).collect();
    in_a_crowd(pin!(crowd[CROWD / 2].0.done()), || canceler.cancel())
}

fn their_waiter_in_a_crowd() -> f64 {
    let root = CancellationToken::new();
    let crowd: Vec<_> = (0..=CROWD).map(|_| root.child_token()).collect();
    in_a_crowd(pin!(crowd[CROWD / 2].cancelled()), || root.cancel())
}

/// The child in the middle is waited for: nobody's order of waking favours it.
fn in_a_crowd<F: Future>(mut waiter: Pin<&mut F>, cancel: impl FnOnce()) -> f64 {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let mut cx = TaskContext::from_waker(&waker);
    assert!(waiter.as_mut().poll(&mut cx).is_pending());
    std::thread::yield_now();
    let start = Clock::system().now();
    cancel();
    assert_eq!(woken.times(), 1);
    assert!(waiter.poll(&mut cx).is_ready());
    (woken.at() - start).as_secs_f64() * 1e9
}
