//! Leak checks.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use purview::Context;

use crate::{HANG_LIMIT, lock, poll_once};

/// Makes [`Probe`]s and knows how many of them are alive.
///
/// # Examples
///
/// ```
/// use purview::{Context, Key};
/// use purview_test::{DropCounter, Probe};
///
/// static PROBE: Key<Probe> = Key::new("probe");
///
/// let probes = DropCounter::new();
/// let ctx = Context::background().with_value(&PROBE, probes.probe());
/// assert_eq!(probes.live(), 1);
/// drop(ctx);
/// probes.assert_gone();
/// ```
#[derive(Clone, Debug, Default)]
pub struct DropCounter {
    inner: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    made_and_dropped: Mutex<(usize, usize)>,
    changed: Condvar,
}

impl DropCounter {
    /// A counter without probes.
    ///
    /// ```
    /// purview_test::DropCounter::new().assert_gone();
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A new probe.
    ///
    /// ```
    /// let probes = purview_test::DropCounter::new();
    /// let probe = probes.probe();
    /// assert_eq!(probes.live(), 1);
    /// # drop(probe);
    /// ```
    #[must_use]
    pub fn probe(&self) -> Probe {
        lock(&self.inner.made_and_dropped).0 += 1;
        Probe { counter: self.clone() }
    }

    /// How many probes are alive.
    ///
    /// ```
    /// let probes = purview_test::DropCounter::new();
    /// drop(probes.probe());
    /// assert_eq!(probes.live(), 0);
    /// ```
    #[must_use]
    pub fn live(&self) -> usize {
        let (made, dropped) = *lock(&self.inner.made_and_dropped);
        made - dropped
    }

    /// How many probes were dropped.
    ///
    /// ```
    /// let probes = purview_test::DropCounter::new();
    /// drop(probes.probe());
    /// assert_eq!(probes.dropped(), 1);
    /// ```
    #[must_use]
    pub fn dropped(&self) -> usize {
        lock(&self.inner.made_and_dropped).1
    }

    /// Panics if a probe is alive.
    ///
    /// # Panics
    ///
    /// See above.
    ///
    /// ```
    /// let probes = purview_test::DropCounter::new();
    /// drop(probes.probe());
    /// probes.assert_gone();
    /// ```
    #[track_caller]
    pub fn assert_gone(&self) {
        let live = self.live();
        assert_eq!(live, 0, "{live} probes are still alive");
    }

    /// Waits until no probe is alive: for those that another thread is about to drop.
    ///
    /// # Panics
    ///
    /// When one is still alive after [`HANG_LIMIT`].
    ///
    /// ```
    /// let probes = purview_test::DropCounter::new();
    /// let probe = probes.probe();
    /// std::thread::spawn(move || drop(probe));
    /// probes.wait_until_gone();
    /// ```
    #[track_caller]
    pub fn wait_until_gone(&self) {
        let counts = lock(&self.inner.made_and_dropped);
        let waited =
            self.inner.changed.wait_timeout_while(counts, HANG_LIMIT, |(made, dropped)| made != dropped);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        self.assert_gone();
    }
}

/// A value, or a cause, that its [`DropCounter`] counts.
///
/// # Examples
///
/// ```
/// use purview::Context;
/// use purview_test::DropCounter;
///
/// let probes = DropCounter::new();
/// let (ctx, cancel) = Context::background().with_cancel();
/// cancel.cancel_with(probes.probe());
/// assert_eq!(probes.live(), 1);
/// drop(ctx);
/// probes.assert_gone();
/// ```
#[derive(Debug)]
pub struct Probe {
    counter: DropCounter,
}

impl Drop for Probe {
    fn drop(&mut self) {
        lock(&self.counter.inner.made_and_dropped).1 += 1;
        self.counter.inner.changed.notify_all();
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("probe")
    }
}

impl Error for Probe {}

/// Panics if a context derived from `ctx` still exists.
///
/// # Panics
///
/// See above.
///
/// # Examples
///
/// ```
/// use purview::Context;
/// use purview_test::assert_drained;
///
/// let (ctx, _cancel) = Context::background().with_cancel();
/// let child = ctx.named("child");
/// drop(child);
/// assert_drained(&ctx);
/// ```
#[track_caller]
pub fn assert_drained(ctx: &Context) {
    let count = ctx.derived_count();
    assert_eq!(count, 0, "{count} contexts derived from {ctx} still exist");
    assert!(poll_once(ctx.drained()).is_ready(), "{ctx} has no derived context, and is not drained");
}
