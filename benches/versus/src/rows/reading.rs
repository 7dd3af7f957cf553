//! Asking a context whether it is done.

use crate::bench::Bench;
use crate::measure::{ROUNDS, alternate, seeing};
use crate::peers::{HOUR, TOKEN};
use crate::row::Limit::{self, Ratio};
use crate::stats::Rounds;
use purview::{Clock, Context, Reason};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_util::sync::CancellationToken;

pub(super) fn rows() -> Vec<Bench> {
    let row = |work, run: fn() -> Rounds| Bench::nanos(work, TOKEN, Ratio(0.20), run);
    vec![
        row("is_done(), live", || beside_token(false, Context::is_done)),
        row("is_done(), done", || beside_token(true, Context::is_done)),
        row("err(), live", || beside_token(false, |ctx| ctx.err().is_some())),
        row("err(), done", || beside_token(true, |ctx| ctx.err() == Some(Reason::Canceled))),
        row("is_done(), live, with a deadline that is armed", || {
            let (ctx, _canceler) = Context::background().with_timeout(HOUR);
            let token = CancellationToken::new();
            let before = Clock::system().armed();
            let rounds = alternate(
                ROUNDS,
                seeing(0, || u64::from(ctx.is_done())),
                seeing(0, || u64::from(token.is_cancelled())),
            );
            assert_eq!(Clock::system().armed(), before + 1, "the first look armed it");
            rounds
        }),
        Bench::nanos("is_done(), live", "Arc<AtomicBool>, the floor", Limit::None, || {
            let (ctx, _canceler) = Context::background().with_cancel();
            let flag = Arc::new(AtomicBool::new(false));
            alternate(
                ROUNDS,
                seeing(0, || u64::from(ctx.is_done())),
                seeing(0, || u64::from(flag.load(Ordering::Acquire))),
            )
        }),
    ]
}

/// One read of a child, live or done, beside `is_cancelled` of a child token in the same state.
fn beside_token(done: bool, read: impl Fn(&Context) -> bool) -> Rounds {
    let (root, _canceler) = Context::background().with_cancel();
    let (ctx, canceler) = root.with_cancel();
    let token = CancellationToken::new().child_token();
    let _live = if done {
        canceler.cancel();
        token.cancel();
        None
    } else {
        Some(canceler)
    };
    let expected = u64::from(done);
    alternate(
        ROUNDS,
        seeing(expected, || u64::from(read(&ctx))),
        seeing(expected, || u64::from(token.is_cancelled())),
    )
}
