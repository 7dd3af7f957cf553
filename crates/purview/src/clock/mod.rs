//! Clocks: where the time comes from that a tree of contexts is measured by.

mod manual;

pub use self::manual::ManualClock;

use crate::timer::Timers;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// The time that a tree of contexts is measured by, and the timers that go with it.
///
/// A clock belongs to a root: [`Context::root`](crate::Context::root) takes one, and every context below uses it. Under
/// [`Context::background`](crate::Context::background) it is the system's monotonic clock. Cloning is cheap and gives
/// the same clock.
///
/// # Examples
///
/// ```
/// use purview::{Clock, Context};
///
/// let clock = Clock::system();
/// let before = clock.now();
/// assert!(Context::background().clock().now() >= before);
/// ```
#[derive(Clone)]
pub struct Clock(Inner);

#[derive(Clone)]
enum Inner {
    System,
    Given(Arc<Timers>),
}

/// A source of time of your own, to make a [`Clock`] of: a simulation, a runtime whose time can be paused.
///
/// Its panics go to whoever asked: the maker or reader of a context. The context stays sound.
///
/// It says what time it is. Whoever moves it calls [`Clock::turn`] so that what is due is noticed; nothing of ours polls.
///
/// # Examples
///
/// ```
/// use purview::{Clock, Context, Reason, TimeSource};
/// use std::sync::{Arc, Mutex};
/// use std::time::{Duration, Instant};
///
/// /// A clock that a test sets.
/// struct Fixed(Arc<Mutex<Instant>>);
///
/// impl TimeSource for Fixed {
///     fn now(&self) -> Instant {
///         *self.0.lock().unwrap()
///     }
///     fn wake_at(&self, _at: Instant) {} // we turn the clock whenever we set it
/// }
///
/// let time = Arc::new(Mutex::new(Clock::system().now()));
/// let clock = Clock::new(Fixed(Arc::clone(&time)));
/// let (ctx, _canceler) = Context::root(clock.clone()).with_timeout(Duration::from_secs(1));
/// assert_eq!(ctx.err(), None);
///
/// *time.lock().unwrap() += Duration::from_secs(2);
/// clock.turn();
/// assert_eq!(ctx.err(), Some(Reason::DeadlineExceeded));
/// ```
pub trait TimeSource: Send + Sync + 'static {
    /// The time. It never goes back.
    fn now(&self) -> Instant;

    /// The clock is to be turned at `at`: see to it that [`Clock::turn`] is called then or soon after. What is told last
    /// counts. It is told when a deadline becomes the nearest one, and after each turn for the next. Called with no lock of
    /// ours held, by whoever made or first looked at the context. Do not turn the clock from inside: each turn tells again.
    fn wake_at(&self, at: Instant);

    /// Whether a deadline is armed when its context is made. By default it is armed at the first look, which is
    /// cheaper: many contexts are never looked at. With it, a deadline that passes before anybody looked is still seen
    /// to have come first, whatever happens after.
    fn arms_at_birth(&self) -> bool {
        false
    }
}

impl Clock {
    /// The system's monotonic clock, which does not jump when the date is set. On Linux it stands still while the
    /// machine is suspended, and deadlines with it.
    ///
    /// Its deadlines are kept by one helper thread, which is started with the first one that is looked at.
    ///
    /// # Examples
    ///
    /// ```
    /// let clock = purview::Clock::system();
    /// assert!(clock.now() <= clock.now());
    /// ```
    pub fn system() -> Self {
        Self(Inner::System)
    }

    /// A clock of your own.
    ///
    /// # Examples
    ///
    /// See [`TimeSource`].
    pub fn new(source: impl TimeSource) -> Self {
        Self(Inner::Given(Timers::new(source)))
    }

    /// The time.
    ///
    /// # Examples
    ///
    /// ```
    /// let clock = purview::Clock::system();
    /// let start = clock.now();
    /// assert!(clock.now() >= start);
    /// ```
    pub fn now(&self) -> Instant {
        self.timers().now_instant()
    }

    /// Ends every context whose deadline has come, the earliest first, and returns when that is done: wakers and inline
    /// callbacks have been called. For whoever moves a [`TimeSource`]; on the system's clock it does what the helper
    /// thread would do, a little earlier.
    ///
    /// # Examples
    ///
    /// See [`TimeSource`].
    pub fn turn(&self) {
        self.timers().turn();
    }

    /// How many deadlines are armed on this clock, of contexts that are not done yet.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Context, ManualClock};
    /// use std::time::Duration;
    ///
    /// let clock = ManualClock::new();
    /// let root = Context::root(&clock);
    /// let (_ctx, canceler) = root.with_timeout(Duration::from_secs(1));
    /// assert_eq!(root.clock().armed(), 1);
    /// canceler.cancel();
    /// assert_eq!(root.clock().armed(), 0);
    /// ```
    pub fn armed(&self) -> usize {
        self.timers().armed()
    }

    /// How often the helper thread woke up since the process began; zero for a clock that has none. To see that idle
    /// deadlines cost nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(purview::ManualClock::new().clock().timer_wakeups(), 0);
    /// ```
    pub fn timer_wakeups(&self) -> u64 {
        self.timers().wakeups()
    }

    /// The clock that a context is measured by.
    pub(crate) fn of(handle: &crate::raw::Handle) -> Self {
        Self(handle.timers().shared().map_or(Inner::System, Inner::Given))
    }

    pub(crate) fn timers(&self) -> &Timers {
        match &self.0 {
            Inner::System => Timers::system(),
            Inner::Given(timers) => timers,
        }
    }

    pub(crate) fn is_system(&self) -> bool {
        self.timers().is_system()
    }

    /// Whether both are the same clock.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Clock, ManualClock};
    ///
    /// let manual = ManualClock::new();
    /// assert!(manual.clock().ptr_eq(&manual.clone().clock()));
    /// assert!(!manual.clock().ptr_eq(&Clock::system()));
    /// ```
    pub fn ptr_eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.timers(), other.timers())
    }
}

impl Default for Clock {
    /// The system's clock.
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Inner::System => "Clock(system)",
            Inner::Given(_) => "Clock(given)",
        })
    }
}
