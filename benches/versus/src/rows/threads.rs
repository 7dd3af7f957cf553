//! Two threads that derive and drop under one root.

use crate::bench::Bench;
use crate::measure::{alternate, clocked, set_aside, waited};
use crate::peers::{Root, SIBLINGS, TOKEN, TokenRoot};
use crate::row::Limit::{self, Ratio};
use purview::{Clock, Context};
use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio_util::sync::CancellationToken;

const WORK: &str = "derive and drop under one root, two threads";
/// Some hundred microseconds for each thread: long beside the nanoseconds in which they begin, short beside what a system gives a
/// thread at a time.
const TIMES: u32 = 5_000;
const ROUNDS: usize = 301;

pub(super) fn rows() -> Vec<Bench> {
    vec![
        Bench::nanos(WORK, TOKEN, Ratio(0.30), || {
            let Root { ctx, .. } = &Root::new();
            let TokenRoot { token, .. } = &TokenRoot::new();
            let rounds = alternate(ROUNDS, || two(&|| ours(ctx)), || two(&|| peers(token)));
            assert_eq!(ctx.derived_count(), SIBLINGS);
            rounds
        }),
        Bench::nanos(WORK, "itself, one thread", Ratio(1.0), || {
            // The root of the single thread was never a busy one.
            let (Root { ctx: busy, .. }, Root { ctx: calm, .. }) = (&Root::new(), &Root::new());
            let rounds = alternate(ROUNDS, || two(&|| ours(busy)), || one(&|| ours(calm)));
            assert_eq!((busy.derived_count(), calm.derived_count()), (SIBLINGS, SIBLINGS));
            rounds
        }),
        Bench::nanos("tokio-util's, two threads", "itself, one thread", Limit::None, || {
            let (TokenRoot { token: busy, .. }, TokenRoot { token: calm, .. }) =
                (&TokenRoot::new(), &TokenRoot::new());
            alternate(ROUNDS, || two(&|| peers(busy)), || one(&|| peers(calm)))
        }),
    ]
}

fn ours(ctx: &Context) {
    drop(black_box(ctx.with_cancel()));
}

fn peers(token: &CancellationToken) {
    drop(black_box(token.child_token()));
}

fn one(work: &(impl Fn() + Sync)) -> f64 {
    clocked(|| (0..TIMES).for_each(|_| work())).0 / f64::from(TIMES)
}

/// Wall time an operation: from the moment at which both threads are there to that at which the later one is through. If one of
/// them had to wait for a processor, they did not run at once, and the round is set aside.
fn two(work: &(impl Fn() + Sync)) -> f64 {
    let (there, ready) = (AtomicU32::new(0), AtomicU32::new(0));
    let through = || {
        meet(&there, std::thread::yield_now);
        let before = waited();
        meet(&ready, std::hint::spin_loop);
        let start = Clock::system().now();
        (0..TIMES).for_each(|_| work());
        let end = Clock::system().now();
        (start, end, waited() != before)
    };
    let ((start, end, disturbed), (other_start, other_end, other_disturbed)) = std::thread::scope(|scope| {
        let other = scope.spawn(through);
        let mine = through();
        (mine, other.join().expect("the other thread does what this one does"))
    });
    if disturbed || other_disturbed {
        set_aside();
    }
    (end.max(other_end) - start.min(other_start)).as_secs_f64() * 1e9 / f64::from(2 * TIMES)
}

/// Both threads are here when it returns; `idle` is what the first one does meanwhile.
fn meet(here: &AtomicU32, idle: fn()) {
    here.fetch_add(1, Ordering::AcqRel);
    while here.load(Ordering::Acquire) < 2 {
        idle();
    }
}
