//! A first look at what the core costs, beside tokio-util's `CancellationToken`: reading and deriving.
//!
//! Both sides are measured in one process, in short alternating rounds; the ratio is the median of the ratios of the
//! rounds, so that the drift of a shared machine falls out. Run it with `cargo run --release -p purview-bench`. What is allocated is
//! counted by `cargo run --release -p purview-bench --bin allocations`: counting would be measured too.

#![forbid(unsafe_code)]

use purview::{Clock, Context};
use std::hint::black_box;
use tokio_util::sync::CancellationToken;

const ROUNDS: usize = 41;

fn main() {
    println!("{:<44} {:>10} {:>10} {:>7} {:>7}", "work", "ours ns", "peer ns", "ratio", "limit");
    let (ctx, _canceler) = Context::background().with_cancel();
    let token = CancellationToken::new();
    row(
        "is_done, live",
        0.20,
        200_000,
        || check(ctx.is_done(), false),
        || check(token.is_cancelled(), false),
    );

    let (done, canceler) = ctx.with_cancel();
    canceler.cancel();
    let ended = token.child_token();
    ended.cancel();
    row("is_done, done", 0.20, 200_000, || check(done.is_done(), true), || check(ended.is_cancelled(), true));

    row(
        "derive a child, drop it",
        0.35,
        20_000,
        || drop(black_box(ctx.with_cancel())),
        || drop(black_box(token.child_token())),
    );
    row(
        "derive a child, cancel it, drop it",
        0.40,
        20_000,
        || {
            let (child, canceler) = ctx.with_cancel();
            canceler.cancel();
            check(child.is_done(), true);
        },
        || {
            let child = token.child_token();
            child.cancel();
            check(child.is_cancelled(), true);
        },
    );
    two_threads(&ctx, &token);
}

/// What the work came to, so that the compiler cannot drop it.
fn check(seen: bool, expected: bool) {
    assert_eq!(black_box(seen), expected);
}

fn row(work: &str, limit: f64, times: u32, mut ours: impl FnMut(), mut peer: impl FnMut()) {
    let mut rounds: Vec<(f64, f64)> =
        (0..ROUNDS).map(|_| (nanos(times, &mut ours), nanos(times, &mut peer))).collect();
    let ours = median(rounds.iter().map(|round| round.0));
    let peer = median(rounds.iter().map(|round| round.1));
    let ratio = median(rounds.drain(..).map(|round| round.0 / round.1));
    println!("{work:<44} {ours:>10.2} {peer:>10.2} {ratio:>7.3} {limit:>7.2}");
}

fn nanos(times: u32, work: &mut impl FnMut()) -> f64 {
    let clock = Clock::system();
    let start = clock.now();
    for _ in 0..times {
        work();
    }
    (clock.now() - start).as_secs_f64() * 1e9 / f64::from(times)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Two threads derive and drop under one root: wall time per operation, against one thread and against the peer.
fn two_threads(ctx: &Context, token: &CancellationToken) {
    // Long rounds, so that starting the second thread does not count.
    const TIMES: u32 = 200_000;
    let one = |work: &(dyn Fn() + Sync)| nanos(TIMES, &mut || work());
    let two = |work: &(dyn Fn() + Sync)| {
        let both = || {
            std::thread::scope(|scope| {
                scope.spawn(|| (0..TIMES).for_each(|_| work()));
                (0..TIMES).for_each(|_| work());
            });
        };
        nanos(1, &mut { both }) / f64::from(2 * TIMES)
    };
    let ours = || drop(black_box(ctx.with_cancel()));
    let peers = || drop(black_box(token.child_token()));
    let rounds: Vec<[f64; 4]> = (0..11).map(|_| [one(&ours), two(&ours), one(&peers), two(&peers)]).collect();
    let column = |at: usize| median(rounds.iter().map(|round| round[at]));
    let ratio = |a: usize, b: usize| median(rounds.iter().map(|round| round[a] / round[b]));
    println!(
        "{:<44} {:>10.2} {:>10.2} {:>7.3} {:>7.2}",
        "derive, drop, two threads at once",
        column(1),
        column(3),
        ratio(1, 3),
        0.30
    );
    println!(
        "{:<44} {:>10.2} {:>10.2} {:>7.3} {:>7.2}",
        "the same, two threads against one",
        column(1),
        column(0),
        ratio(1, 0),
        1.0
    );
}
