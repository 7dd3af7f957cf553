//! What several of the test files need.
#![allow(dead_code, reason = "each test binary takes its own part of this")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use purview::Context;

pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// Runs what may or may not let a panic of foreign code through: both are allowed where this is used, harm to others is not.
pub(crate) fn survives<T>(f: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(f)).ok()
}

/// A cancellable child that nobody holds the canceler of.
pub(crate) fn child(parent: &Context) -> Context {
    let (ctx, cancel) = parent.with_cancel();
    cancel.detach();
    ctx
}

/// Durations at which arithmetic on time tends to break, the ones that are over at once first.
pub(crate) const SHORT_TO_HUGE: [Duration; 11] = [
    Duration::ZERO,
    Duration::from_nanos(1),
    Duration::from_millis(1),
    Duration::from_secs(1),
    Duration::from_secs(86_400 * 365),
    Duration::from_secs(u32::MAX as u64),
    // About 292 years in nanoseconds, where 64 bits end.
    Duration::from_nanos(i64::MAX as u64),
    Duration::from_nanos(u64::MAX),
    Duration::from_secs(i64::MAX as u64),
    Duration::from_secs(u64::MAX),
    Duration::MAX,
];
