//! Two threads that derive and drop under one root.

use crate::bench::Bench;
use crate::measure::{alternate, clocked};
use crate::peers::{Root, SIBLINGS, TOKEN, TokenRoot};
use crate::row::Limit::{self, Ratio};
use purview::{Clock, Context};
use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;
use tokio_util::sync::CancellationToken;

const WORK: &str = "derive and drop under one root, two threads";
/// A few milliseconds a side: the threads have to overlap, not only begin together.
const TIMES: u32 = 20_000;
const ROUNDS: usize = 151;

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
            let Root { ctx, .. } = &Root::new();
            alternate(ROUNDS, || two(&|| ours(ctx)), || one(&|| ours(ctx)))
        }),
        Bench::nanos("tokio-util's, two threads", "itself, one thread", Limit::None, || {
            let TokenRoot { token, .. } = &TokenRoot::new();
            alternate(ROUNDS, || two(&|| peers(token)), || one(&|| peers(token)))
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

/// Wall time an operation: from the moment at which both threads are there to that at which the later one is through.
fn two(work: &(impl Fn() + Sync)) -> f64 {
    let there = AtomicU32::new(0);
    let through = || {
        there.fetch_add(1, Ordering::AcqRel);
        while there.load(Ordering::Acquire) < 2 {
            std::hint::spin_loop();
        }
        let start = Clock::system().now();
        (0..TIMES).for_each(|_| work());
        (start, Clock::system().now())
    };
    let ((start, end), (other_start, other_end)): ((Instant, Instant), (Instant, Instant)) =
        std::thread::scope(|scope| {
            let other = scope.spawn(through);
            let mine = through();
            (mine, other.join().expect("the other thread does what this one does"))
        });
    (end.max(other_end) - start.min(other_start)).as_secs_f64() * 1e9 / f64::from(2 * TIMES)
}
