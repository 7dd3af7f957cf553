//! Time that moves by hand.

use crate::lock;
use purview::{Clock, Context, Error, ManualClock, TimeSource};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A root whose tree uses a clock of its own, and that clock.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// let (root, clock) = purview_test::manual_root();
/// let (ctx, _cancel) = root.with_timeout(Duration::from_secs(3600));
/// clock.advance(Duration::from_secs(3599));
/// assert!(!ctx.is_done());
/// clock.advance(Duration::from_secs(1));
/// assert!(ctx.is_done());
/// ```
#[must_use]
pub fn manual_root() -> (Context, ManualClock) {
    let clock = ManualClock::new();
    (Context::root(&clock), clock)
}

/// Moves the clock from deadline to deadline until `ctx` is done, and gives the error it is done with.
///
/// # Panics
///
/// When nothing is armed any more and `ctx` is still live: no passing of time would end it.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use purview_test::{advance_until_done, manual_root};
///
/// let (root, clock) = manual_root();
/// let (early, _cancel) = root.with_timeout(Duration::from_secs(1));
/// let (late, _cancel) = root.with_timeout(Duration::from_secs(2));
/// let error = advance_until_done(&clock, &late);
/// assert!(error.is_deadline_exceeded());
/// assert!(early.is_done());
/// assert_eq!(Some(clock.now()), late.deadline());
/// ```
pub fn advance_until_done(clock: &ManualClock, ctx: &Context) -> Error {
    loop {
        if let Some(error) = ctx.error() {
            return error;
        }
        match clock.next_deadline() {
            Some(at) => clock.advance_to(at),
            None => panic!("{ctx} is live and no deadline is armed that could end it"),
        }
    }
}

/// A root whose tree uses a clock that wakes nobody, and that clock: what a busy machine looks like, where a deadline has
/// passed and only who asks for the time can know.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// let (root, clock) = purview_test::unwoken_root();
/// let (ctx, _cancel) = root.with_timeout(Duration::from_secs(1));
/// assert!(!ctx.is_done());
/// clock.pass(Duration::from_secs(2));
/// assert!(!ctx.is_done());
/// assert!(ctx.check_exact().is_err());
/// ```
#[must_use]
pub fn unwoken_root() -> (Context, UnwokenClock) {
    let clock = UnwokenClock(Arc::new(Mutex::new(Clock::system().now())));
    (Context::root(Clock::new(clock.clone())), clock)
}

/// The clock of an [`unwoken_root`]. Clones are the same clock.
///
/// # Examples
///
/// See [`unwoken_root`].
#[derive(Clone, Debug)]
pub struct UnwokenClock(Arc<Mutex<Instant>>);

impl UnwokenClock {
    /// Lets so much time pass, and wakes nobody.
    ///
    /// # Examples
    ///
    /// See [`unwoken_root`].
    pub fn pass(&self, time: Duration) {
        *lock(&self.0) += time;
    }
}

impl TimeSource for UnwokenClock {
    fn now(&self) -> Instant {
        *lock(&self.0)
    }

    fn wake_at(&self, _: Instant) {}
}
