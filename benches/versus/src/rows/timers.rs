//! Deadlines: made and given up, many at once, idle ones, and how late they fire.

use crate::bench::Bench;
use crate::measure::{ROUNDS, alternate, doing, settled};
use crate::peers::{HOUR, Root, TokenRoot, TokioTime, polled};
use crate::row::Limit::{self, Added, Ratio};
use crate::row::Unit;
use crate::stats::{Rounds, median, quantile};
use purview::{Canceler, Clock, Context};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const TOKIO: &str = "tokio-util token and tokio sleep";

pub(super) fn rows() -> Vec<Bench> {
    vec![
        Bench::nanos("with_timeout(1 h), cancel, drop, nobody waits", TOKIO, Ratio(0.40), || {
            beside_tokio(unwaited, |token| {
                let child = token.child_token();
                let mut sleep = pin!(tokio::time::sleep(HOUR));
                assert!(polled(sleep.as_mut()));
                child.cancel();
                child
            })
        }),
        Bench::nanos("with_timeout(1 h), cancel, drop, a waiter polled once", TOKIO, Ratio(0.70), || {
            beside_tokio(waited_for, |token| {
                let child = token.child_token();
                {
                    let mut canceled = pin!(child.cancelled());
                    let mut sleep = pin!(tokio::time::sleep(HOUR));
                    assert!(polled(canceled.as_mut()) && polled(sleep.as_mut()));
                    child.cancel();
                }
                child
            })
        }),
        Bench::nanos("the first of these, 1,000,000 live deadlines", "itself, 40 live", Ratio(1.3), || {
            among_many(unwaited)
        }),
        Bench::nanos("the second of these, 1,000,000 live deadlines", "itself, 40 live", Ratio(1.3), || {
            among_many(waited_for)
        }),
        Bench::fallible(
            "wake-ups of the timer thread in 2 s, 1,000,000 armed",
            "itself, the nearest alone",
            Unit::Wakeups,
            Added(0.0),
            || {
                // The first deadline of all starts the thread.
                wakeups(1, Duration::from_millis(100));
                let wait = Duration::from_secs(2);
                Ok(Rounds::once(wakeups(1_000_000, wait), wakeups(1, wait)))
            },
        ),
        Bench::nanos("lateness of 2,000 deadlines in 500 ms, median", "tokio sleep", Limit::None, || {
            alternate(5, || median(&our_lateness()), || median(&their_lateness()))
        }),
        Bench::nanos("lateness of 2,000 deadlines in 500 ms, p99", "tokio sleep", Limit::None, || {
            alternate(5, || quantile(&our_lateness(), 0.99), || quantile(&their_lateness(), 0.99))
        }),
    ]
}

fn unwaited(root: &Context) -> Context {
    let (child, canceler) = root.with_timeout(HOUR);
    canceler.cancel();
    child
}

/// A timeout with a waiter that is polled once: so the deadline is armed, and given up.
fn waited_for(root: &Context) -> Context {
    let (child, canceler) = root.with_timeout(HOUR);
    {
        let mut done = pin!(child.done());
        assert!(polled(done.as_mut()));
        canceler.cancel();
    }
    child
}

/// Ours beside a child token with a tokio timer. The timer is registered even where nobody waits: a token has no other way to
/// a deadline.
fn beside_tokio(
    ours: impl Fn(&Context) -> Context,
    peer: impl Fn(&CancellationToken) -> CancellationToken,
) -> Rounds {
    let Root { ctx: root, .. } = &Root::new();
    let TokenRoot { token, .. } = &TokenRoot::new();
    let time = TokioTime::new();
    let _scope = time.enter();
    let peer = doing(|| peer(token), || assert!(peer(token).is_cancelled() && !token.is_cancelled()));
    alternate(ROUNDS, given_up(root, &ours), peer)
}

/// The side of ours: `make` gives a context that had a deadline and is canceled.
fn given_up(root: &Context, make: impl Fn(&Context) -> Context) -> impl FnMut() -> f64 {
    let armed = Clock::system().armed();
    let make = std::rc::Rc::new(make);
    let again = make.clone();
    doing(
        move || make(root),
        move || {
            let child = again(root);
            assert!(child.error().is_some_and(|error| error.is_canceled()) && child.deadline().is_some());
            assert!(!root.is_done());
            assert_eq!(Clock::system().armed(), armed, "what was given up is not armed any more");
        },
    )
}

/// The same work among 1,000,000 armed deadlines and among 40. Each round makes both crowds anew.
fn among_many(make: impl Fn(&Context) -> Context) -> Rounds {
    let among = |crowd: u32| {
        let (root, _canceler) = Context::background().with_cancel();
        let crowd = armed(&root, crowd);
        let nanos = settled(31, given_up(&root, &make));
        drop(crowd);
        nanos
    };
    alternate(7, || among(1_000_000), || among(40))
}

/// So many contexts with deadlines that do not come, from one hour to two, all armed: each was looked at.
fn armed(root: &Context, crowd: u32) -> Vec<(Context, Canceler)> {
    let before = Clock::system().armed();
    let step = HOUR / crowd;
    let contexts: Vec<_> = (0..crowd).map(|at| root.with_timeout(HOUR + step * at)).collect();
    assert!(contexts.iter().all(|(ctx, _)| !ctx.is_done()));
    assert_eq!(Clock::system().armed() - before, contexts.len());
    contexts
}

/// How often the timer thread wakes up while so many deadlines are armed and left for a while. The nearest is armed first.
fn wakeups(crowd: u32, wait: Duration) -> f64 {
    let (root, _canceler) = Context::background().with_cancel();
    let clock = root.clock();
    let before = clock.timer_wakeups();
    let crowd = armed(&root, crowd);
    assert!(root.done().wait_timeout(wait).is_none());
    let wakeups = clock.timer_wakeups() - before;
    drop(crowd);
    #[expect(clippy::cast_precision_loss, reason = "a small count")]
    let wakeups = wakeups as f64;
    wakeups
}

const LATE: u32 = 2_000;

/// When each of the deadlines that are measured lies, from `now` on.
fn deadlines(now: Instant) -> impl Iterator<Item = Instant> {
    (0..LATE).map(move |at| now + Duration::from_millis(20) + Duration::from_micros(240) * at)
}

/// How late an inline callback on each deadline ran, in nanoseconds.
fn our_lateness() -> Vec<f64> {
    let root = Context::background();
    let late = Arc::new(Mutex::new(Vec::with_capacity(LATE as usize)));
    let contexts: Vec<_> = deadlines(Clock::system().now())
        .map(|at| {
            let (ctx, canceler) = root.with_deadline(at);
            let late = late.clone();
            let callback = ctx.after_func_inline(move || late.lock().unwrap().push(lateness(at)));
            (ctx, canceler, callback)
        })
        .collect();
    for (ctx, _, callback) in &contexts {
        assert!(ctx.done().wait().is_deadline_exceeded());
        callback.wait().expect("not from within the callback");
    }
    let late = std::mem::take(&mut *late.lock().unwrap());
    assert_eq!(late.len(), contexts.len());
    late
}

/// How late a task that sleeps until each deadline ran.
fn their_lateness() -> Vec<f64> {
    let runtime = crate::peers::tokio_runtime();
    runtime.block_on(async {
        let tasks: Vec<_> = deadlines(Clock::system().now())
            .map(|at| {
                tokio::spawn(async move {
                    tokio::time::sleep_until(at.into()).await;
                    lateness(at)
                })
            })
            .collect();
        let mut late = Vec::with_capacity(tasks.len());
        for task in tasks {
            late.push(task.await.expect("a task that only sleeps"));
        }
        late
    })
}

/// How late it is, in nanoseconds; never early.
fn lateness(at: Instant) -> f64 {
    let now = Clock::system().now();
    assert!(now >= at, "fired {:?} early", at - now);
    (now - at).as_secs_f64() * 1e9
}
