//! What is waited for: deadlines, and ends.

use crate::measure::{Chart, DECADES, Work, curves, each, nanos, repeats, root};
use purview::{Canceler, Context};
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context as TaskContext, Wake, Waker};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const HOUR: u64 = 3_600_000_000;

/// A deadline an hour from now, and up to fifty minutes more.
fn some_time_off(number: u64) -> Duration {
    Duration::from_micros(HOUR + number.wrapping_mul(0x9E37_79B9_7F4A_7C15) % (HOUR / 6 * 5))
}

/// One that is armed.
fn armed(ctx: &Context, number: u64) -> (Context, Canceler) {
    let made = ctx.with_timeout(some_time_off(number));
    assert!(!made.0.is_done());
    made
}

type Sleep = (CancellationToken, Pin<Box<tokio::time::Sleep>>);

/// What one has with tokio: a token, and a sleep that is registered with the runtime.
fn armed_peer(token: &CancellationToken, number: u64) -> Sleep {
    let mut sleep = Box::pin(tokio::time::sleep(some_time_off(number)));
    assert!(sleep.as_mut().poll(&mut TaskContext::from_waker(Waker::noop())).is_pending());
    (token.child_token(), sleep)
}

pub(crate) fn deadlines() -> Chart {
    eprint!("deadlines:");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime of this thread needs nothing");
    let _inside = runtime.enter();
    let series = curves(
        &[40, 400, 4_000, 40_000, 400_000, 1_000_000],
        &["one more", "one more: tokio", "in the place of any", "in the place of any: tokio"],
        |size, measure| {
            let (ctx, _canceler) = root();
            let token = CancellationToken::new();
            let ours: RefCell<Vec<_>> =
                RefCell::new((0..size).map(|number| armed(&ctx, u64::from(number))).collect());
            let peers: RefCell<Vec<_>> =
                RefCell::new((0..size).map(|number| armed_peer(&token, u64::from(number))).collect());
            let numbers = Cell::new(1u64);
            let next = || {
                numbers.set(numbers.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
                numbers.get() >> 32
            };
            let any = |number: u64| usize::try_from(number % u64::from(size)).unwrap_or(0);
            let works: Vec<Work<'_>> = vec![
                Box::new(|| each(20_000, || drop(black_box(armed(&ctx, next()))))),
                Box::new(|| each(20_000, || drop(black_box(armed_peer(&token, next()))))),
                Box::new(|| {
                    each(20_000, || {
                        let number = next();
                        ours.borrow_mut()[any(number)] = armed(&ctx, number);
                    })
                }),
                Box::new(|| {
                    each(20_000, || {
                        let number = next();
                        peers.borrow_mut()[any(number)] = armed_peer(&token, number);
                    })
                }),
            ];
            measure(works);
        },
    );
    Chart {
        name: "deadlines",
        title: "Armed deadlines",
        axis: "deadlines",
        text: "A context with a deadline is made, read, which arms it, and dropped, beside so many that are armed (what Go's \
               benchmark of its package does); and it takes the place of any of those, which is dropped. Beside: a child token \
               and a registered sleep of tokio's. The wheel does the same work for any number, so that the first curve is flat. \
               The second one touches contexts, and their neighbours in the lists, that nobody has touched for long: \
               from where they do not fit the caches any more it shows what memory costs, on both sides.",
        series,
    }
}

#[derive(Debug, Default)]
struct Counter(AtomicU32);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Polls each wait once with a waker of its own.
fn register<F: Future>(waits: &mut [Pin<Box<F>>], wakers: &[Waker]) {
    for (wait, waker) in waits.iter_mut().zip(wakers) {
        assert!(wait.as_mut().poll(&mut TaskContext::from_waker(waker)).is_pending());
    }
}

pub(crate) fn waiters() -> Chart {
    eprint!("waiters:");
    let series = curves(
        &DECADES[..6],
        &["register", "register: tokio-util", "wake", "wake: tokio-util"],
        |size, measure| {
            let counter = Arc::new(Counter::default());
            let wakers: Vec<Waker> = (0..size).map(|_| Waker::from(Arc::clone(&counter))).collect();
            let all = size * repeats(size);
            let ours = |waking: bool| {
                let (roots, cancelers): (Vec<_>, Vec<_>) = (0..repeats(size)).map(|_| root()).unzip();
                let mut waits: Vec<Vec<_>> =
                    roots.iter().map(|ctx| (0..size).map(|_| Box::pin(ctx.done())).collect()).collect();
                let registering = nanos(all, || waits.iter_mut().for_each(|waits| register(waits, &wakers)));
                let before = counter.0.load(Ordering::Relaxed);
                let nanos_each = nanos(all, || cancelers.into_iter().for_each(Canceler::cancel));
                assert_eq!(counter.0.load(Ordering::Relaxed) - before, all);
                if waking { nanos_each } else { registering }
            };
            let peers = |waking: bool| {
                let roots: Vec<_> = (0..repeats(size)).map(|_| CancellationToken::new()).collect();
                let mut waits: Vec<Vec<_>> = roots
                    .iter()
                    .map(|token| (0..size).map(|_| Box::pin(token.cancelled())).collect())
                    .collect();
                let registering = nanos(all, || waits.iter_mut().for_each(|waits| register(waits, &wakers)));
                let before = counter.0.load(Ordering::Relaxed);
                let nanos_each = nanos(all, || roots.iter().for_each(CancellationToken::cancel));
                assert_eq!(counter.0.load(Ordering::Relaxed) - before, all);
                if waking { nanos_each } else { registering }
            };
            measure(vec![
                Box::new(|| ours(false)),
                Box::new(|| peers(false)),
                Box::new(|| ours(true)),
                Box::new(|| peers(true)),
            ]);
        },
    );
    Chart {
        name: "waiters",
        title: "Waiters of one context",
        axis: "waiters",
        text: "So many futures are polled for the first time, and then woken, for each of them; the wakers count. A waiter is linked \
               at the end of a list, and all are taken out of it in batches. Where there are few, the cancel itself is \
               what costs.",
        series,
    }
}
