//! Waiting as a thread: parked until it happens, or until a limit by the clock of the context.

use crate::context::Context;
use crate::raw::{Event, Target, Waiting};
use crate::sync::{park, park_timeout};
use crate::timer::Timers;
use std::pin::pin;
use std::time::{Duration, Instant};

/// How long to wait, by the clock of the context.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    None,
    For(Duration),
    Until(Instant),
}

impl Limit {
    fn nanos(self, timers: &Timers) -> Option<i64> {
        match self {
            Self::None => None,
            Self::For(duration) => Some(Timers::nanos_after(timers.now(), duration)),
            Self::Until(at) => Some(timers.nanos(at)),
        }
    }
}

/// Blocks the thread until it happens; false if the limit came first.
pub(crate) fn block(waiting: Waiting<'_>, limit: Limit) -> bool {
    let ctx = Context(waiting.handle().clone());
    let limit = limit.nanos(ctx.timers());
    match limit {
        Some(limit) if !ctx.timers().is_system() => block_by_given_clock(waiting, &ctx, limit),
        _ => block_by_system_clock(waiting, limit),
    }
}

fn block_by_system_clock(waiting: Waiting<'_>, limit: Option<i64>) -> bool {
    let mut waiting = pin!(waiting);
    while waiting.as_mut().prepare_to_park().is_pending() {
        let now = Timers::system().now();
        let Some(until) = limit.into_iter().chain(waiting.own_deadline()).min() else {
            park();
            continue;
        };
        if let Ok(left @ 1..) = u64::try_from(until.saturating_sub(now)) {
            park_timeout(Duration::from_nanos(left));
        } else if limit.is_some_and(|limit| limit <= now) {
            return waiting.has_happened();
        } else {
            waiting.keep_deadline();
        }
    }
    true
}

/// A given clock can only be waited for by a context of its own, which is not derived from the one that is waited for:
/// that would keep it from being drained.
fn block_by_given_clock(waiting: Waiting<'_>, ctx: &Context, limit: i64) -> bool {
    let timers = ctx.timers();
    let limit = Context::root(ctx.clock()).derive().deadline(timers.instant(limit)).build();
    let mut over = pin!(Waiting::new(Target::Borrowed(&limit.0), Event::Done));
    let mut waiting = pin!(waiting);
    while waiting.as_mut().prepare_to_park().is_pending() {
        if over.as_mut().prepare_to_park().is_ready() {
            return waiting.has_happened();
        }
        park();
    }
    true
}
