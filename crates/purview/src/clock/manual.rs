//! A clock for tests: it moves by hand.

use super::{Clock, TimeSource};
use crate::sync::{Mutex, ThreadId, current};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A clock that moves only when it is told to.
///
/// It is made for tests: a deadline comes when [`advance`](Self::advance) says so, and everything that is due has
/// happened when that returns. It has no thread. Its contexts are armed when they are made, so that what comes first by
/// the clock wins, whether or not anybody looked.
///
/// # Examples
///
/// ```
/// use purview::{Context, ManualClock, Reason};
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let (ctx, _canceler) = Context::root(&clock).with_timeout(Duration::from_secs(5));
///
/// clock.advance(Duration::from_millis(4_999));
/// assert_eq!(ctx.err(), None);
/// clock.advance(Duration::from_millis(1));
/// assert_eq!(ctx.err(), Some(Reason::DeadlineExceeded));
/// ```
#[derive(Clone)]
pub struct ManualClock {
    clock: Clock,
    time: Arc<Time>,
}

/// When it is; moved under `advancing`, so that two threads that advance take turns.
struct Time {
    now: Mutex<Instant>,
    advancing: Mutex<()>,
    /// Who advances at this moment.
    advancer: Mutex<Option<ThreadId>>,
}

struct Source(Arc<Time>);

impl TimeSource for Source {
    fn now(&self) -> Instant {
        *self.0.now.lock()
    }

    fn wake_at(&self, _at: Instant) {}

    fn arms_at_birth(&self) -> bool {
        true
    }
}

impl ManualClock {
    /// A clock that stands at the moment of its making.
    ///
    /// # Examples
    ///
    /// ```
    /// let clock = purview::ManualClock::new();
    /// assert_eq!(clock.now(), clock.now());
    /// ```
    pub fn new() -> Self {
        Self::starting_at(Clock::system().now())
    }

    /// A clock that stands at `start`.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Clock, ManualClock};
    ///
    /// let start = Clock::system().now();
    /// assert_eq!(ManualClock::starting_at(start).now(), start);
    /// ```
    pub fn starting_at(start: Instant) -> Self {
        let time =
            Arc::new(Time { now: Mutex::new(start), advancing: Mutex::new(()), advancer: Mutex::new(None) });
        Self { clock: Clock::new(Source(Arc::clone(&time))), time }
    }

    /// The time that it stands at.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let clock = purview::ManualClock::new();
    /// let start = clock.now();
    /// clock.advance(Duration::from_secs(1));
    /// assert_eq!(clock.now() - start, Duration::from_secs(1));
    /// ```
    pub fn now(&self) -> Instant {
        *self.time.now.lock()
    }

    /// Moves on by `step`, and stops at each deadline on the way: what is due then is done, in the order of the
    /// deadlines, each at its time, before the clock goes on. When this returns, all of it is done and everybody was
    /// woken; callbacks of [`after_func`](crate::Context::after_func) have been handed to their threads.
    ///
    /// A step that is longer than an `Instant` reaches moves to the last deadline that it can reach.
    ///
    /// # Panics
    ///
    /// Called from a waker or an inline callback that this very clock runs in an `advance`: that would wait for itself.
    ///
    /// # Blocking
    ///
    /// Until an `advance` in another thread is over. Of two clocks whose callbacks advance each other, in two threads, each waits for the
    /// other for ever.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Context, ManualClock};
    /// use std::time::Duration;
    ///
    /// let clock = ManualClock::new();
    /// let (ctx, _canceler) = Context::root(&clock).with_timeout(Duration::from_secs(1));
    /// let at = clock.clone();
    /// let fired = std::sync::Arc::new(std::sync::Mutex::new(None));
    /// let note = fired.clone();
    /// ctx.after_func_inline(move || *note.lock().unwrap() = Some(at.now()));
    ///
    /// let start = clock.now();
    /// clock.advance(Duration::from_secs(60));
    /// // It fired at its own time, not at the end of the step.
    /// assert_eq!(fired.lock().unwrap().unwrap() - start, Duration::from_secs(1));
    /// ```
    pub fn advance(&self, step: Duration) {
        self.take_turn(|| self.move_to(self.now().checked_add(step)));
    }

    /// Moves on to `at`, as [`advance`](Self::advance) does; not back, if that is past.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let clock = purview::ManualClock::new();
    /// let later = clock.now() + Duration::from_secs(1);
    /// clock.advance_to(later);
    /// assert_eq!(clock.now(), later);
    /// ```
    pub fn advance_to(&self, at: Instant) {
        self.take_turn(|| self.move_to(Some(at)));
    }

    /// Runs `advance` when nobody else advances.
    fn take_turn(&self, advance: impl FnOnce()) {
        let me = current().id();
        let waits_for_itself = *self.time.advancer.lock() == Some(me);
        assert!(
            !waits_for_itself,
            "a manual clock was advanced from a waker or callback that its own advance runs"
        );
        let _turn = self.time.advancing.lock();
        *self.time.advancer.lock() = Some(me);
        advance();
        *self.time.advancer.lock() = None;
    }

    /// The caller has the turn. `None` is later than everything.
    fn move_to(&self, target: Option<Instant>) {
        let timers = self.clock.timers();
        while let Some(event) = timers.fire_due() {
            let at = timers.instant(event);
            let too_far = event > timers.now() && at <= self.now();
            if too_far || target.is_some_and(|target| at > target) {
                break;
            }
            // What was armed a moment ago may be due already; then the time stays, and the next round fires it.
            let mut now = self.time.now.lock();
            *now = at.max(*now);
        }
        if let Some(target) = target.filter(|target| *target > self.now()) {
            *self.time.now.lock() = target;
            timers.fire_due();
        }
    }

    /// The nearest deadline that is armed, if there is one.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Context, ManualClock};
    /// use std::time::Duration;
    ///
    /// let clock = ManualClock::new();
    /// assert_eq!(clock.next_deadline(), None);
    /// let (_ctx, _canceler) = Context::root(&clock).with_timeout(Duration::from_millis(20));
    /// assert_eq!(clock.next_deadline(), Some(clock.now() + Duration::from_millis(20)));
    /// ```
    pub fn next_deadline(&self) -> Option<Instant> {
        let timers = self.clock.timers();
        timers.nearest().map(|nanos| timers.instant(nanos))
    }

    /// How many deadlines are armed, of contexts that are not done yet.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(purview::ManualClock::new().armed(), 0);
    /// ```
    pub fn armed(&self) -> usize {
        self.clock.armed()
    }

    /// The clock itself, for [`Context::root`](crate::Context::root).
    ///
    /// # Examples
    ///
    /// ```
    /// let clock = purview::ManualClock::new();
    /// assert_eq!(clock.clock().now(), clock.now());
    /// ```
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualClock").field("now", &self.now()).field("armed", &self.armed()).finish()
    }
}

impl From<ManualClock> for Clock {
    fn from(manual: ManualClock) -> Self {
        manual.clock
    }
}

impl From<&ManualClock> for Clock {
    fn from(manual: &ManualClock) -> Self {
        manual.clock.clone()
    }
}
