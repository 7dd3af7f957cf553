//! The timers of a clock: a wheel of armed deadlines, and who turns it.

mod driver;

use self::driver::Driver;
use crate::clock::TimeSource;
use crate::raw::{Guarded, GuardedRef, NO_DEADLINE, Wheel};
use crate::sync::{Once, global};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// So many nanoseconds late the thread that turns the wheel may be before another one is started: a waker that blocks can
/// hold it up for ever.
const PATIENCE: i64 = 50_000_000;

/// The deadlines that are measured by one clock.
///
/// Time is kept in nanoseconds since the clock's origin, as `i64`: 292 years both ways; what is further saturates.
#[derive(Debug)]
pub(crate) struct Timers {
    source: Source,
    origin: Once<Instant>,
    wheel: Guarded<Wheel>,
    /// Where these timers lie, for those who want a [`Clock`](crate::Clock) of them; nowhere for the system's.
    here: Weak<Self>,
}

enum Source {
    /// The system's monotonic clock, with one helper thread.
    System(Driver),
    /// A clock of the user's, turned by whoever moves it.
    Given(Box<dyn TimeSource>),
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::System(_) => "System",
            Self::Given(_) => "Given",
        })
    }
}

global! {
    static SYSTEM: Timers = Timers {
        source: Source::System(Driver::new()),
        origin: Once::new(),
        wheel: Guarded::new(Wheel::new()),
        here: Weak::new(),
    };
}

impl Timers {
    /// Those of the system's clock.
    pub(crate) fn system() -> &'static Self {
        &SYSTEM
    }

    pub(crate) fn new(source: impl TimeSource) -> Arc<Self> {
        Arc::new_cyclic(|here| Self {
            source: Source::Given(Box::new(source)),
            origin: Once::new(),
            wheel: Guarded::new(Wheel::new()),
            here: here.clone(),
        })
    }

    /// The shared reference that these timers lie behind; none for the system's.
    pub(crate) fn shared(&self) -> Option<Arc<Self>> {
        self.here.upgrade()
    }

    pub(crate) fn is_system(&self) -> bool {
        matches!(self.source, Source::System(_))
    }

    /// The time by the clock. It may be foreign code: no lock is held.
    pub(crate) fn now_instant(&self) -> Instant {
        match &self.source {
            Source::System(_) => crate::sync::now(),
            Source::Given(source) => source.now(),
        }
    }

    fn origin(&self) -> Instant {
        if let Some(origin) = self.origin.get() {
            return *origin;
        }
        // Asked before, not inside: a clock is foreign code, and may come back here.
        let now = self.now_instant();
        *self.origin.get_or_init(|| now)
    }

    /// The time by the clock, in nanoseconds since its origin.
    pub(crate) fn now(&self) -> i64 {
        let origin = self.origin();
        self.nanos_from(origin, self.now_instant())
    }

    /// The nanoseconds at which `at` lies; never [`NO_DEADLINE`].
    pub(crate) fn nanos(&self, at: Instant) -> i64 {
        self.nanos_from(self.origin(), at)
    }

    #[expect(clippy::unused_self, reason = "a moment has nanoseconds only by a clock")]
    fn nanos_from(&self, origin: Instant, at: Instant) -> i64 {
        match at.checked_duration_since(origin) {
            Some(after) => saturating_nanos(after),
            None => -saturating_nanos(origin.duration_since(at)),
        }
    }

    /// The nanoseconds at which the time is `after` from `now`.
    pub(crate) fn nanos_after(now: i64, after: Duration) -> i64 {
        now.saturating_add(saturating_nanos(after)).min(NO_DEADLINE - 1)
    }

    /// The moment at `nanos`.
    pub(crate) fn instant(&self, nanos: i64) -> Instant {
        let origin = self.origin();
        let distance = Duration::from_nanos(nanos.unsigned_abs());
        let moment = if nanos < 0 { origin.checked_sub(distance) } else { origin.checked_add(distance) };
        // An `Instant` of this platform may not reach as far as a deadline; it then tells its farthest that we know.
        moment.unwrap_or(origin)
    }

    /// Whether deadlines are armed when a context is made, not at the first look.
    pub(crate) fn arms_at_birth(&self) -> bool {
        match &self.source {
            Source::System(_) => false,
            Source::Given(source) => source.arms_at_birth(),
        }
    }

    /// Whether somebody turns the wheel; for the system's clock its thread is started now if it is not there.
    pub(crate) fn can_drive(&self) -> bool {
        match &self.source {
            Source::System(driver) => driver.start(),
            Source::Given(_) => true,
        }
    }

    pub(crate) fn lock(&self) -> GuardedRef<'_, Wheel> {
        self.wheel.lock()
    }

    /// Unlocks the wheel, and has whoever turns it come earlier if what was put in asks for it.
    pub(crate) fn unlock_and_wake(&self, mut wheel: GuardedRef<'_, Wheel>, now: i64) {
        let coming = wheel.next_coming();
        let overdue = wheel.wake_at.saturating_add(PATIENCE) < now;
        if coming >= wheel.wake_at && !overdue {
            return;
        }
        wheel.wake_at = coming;
        drop(wheel);
        match &self.source {
            Source::System(driver) if overdue => driver.replace(),
            Source::System(driver) => driver.wake(),
            Source::Given(source) => self.tell(&**source, coming),
        }
    }

    /// Tells a source when to turn the clock. Of two threads that do so at once the later may have the later moment: the
    /// earliest is told last.
    fn tell(&self, source: &dyn TimeSource, mut at: i64) {
        loop {
            source.wake_at(self.instant(at));
            let earliest = self.lock().wake_at;
            if earliest >= at {
                return;
            }
            at = earliest;
        }
    }

    /// Fires what is due, and tells the source of a given clock when to turn again.
    pub(crate) fn turn(&self) {
        self.fire_due();
        let mut wheel = self.lock();
        let coming = wheel.next_coming();
        wheel.wake_at = coming;
        drop(wheel);
        if let (Source::Given(source), true) = (&self.source, coming != i64::MAX) {
            self.tell(&**source, coming);
        }
    }

    /// How many deadlines are armed.
    pub(crate) fn armed(&self) -> usize {
        self.lock().len()
    }

    /// How often the helper thread of the system's clock woke up so far.
    pub(crate) fn wakeups(&self) -> u64 {
        match &self.source {
            Source::System(driver) => driver.wakeups(),
            Source::Given(_) => 0,
        }
    }
}

fn saturating_nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(NO_DEADLINE).min(NO_DEADLINE - 1)
}
