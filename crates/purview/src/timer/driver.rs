//! The helper thread of the system's clock: one a process, started when the first deadline is armed.
//!
//! It sleeps until the wheel's `wake_at`, which it sets under the wheel's lock before it sleeps. Whoever arms an earlier
//! deadline lowers `wake_at` under that lock and unparks the thread. An unpark that comes before the park is kept by it,
//! so that no deadline is slept through.

use super::Timers;
use crate::sync::{AtomicU64, Mutex, Ordering, Thread, const_fn, park, park_timeout, shield, spawn};
use std::time::Duration;

/// The thread, once it is there.
#[derive(Debug)]
pub(super) struct Driver {
    thread: Mutex<Option<Thread>>,
    wakeups: AtomicU64,
}

impl Driver {
    const_fn! {
        pub(super) const fn new() -> Self {
            Self { thread: Mutex::new(None), wakeups: AtomicU64::new(0) }
        }
    }

    /// Starts the thread if it is not there; false if the system has none to give.
    pub(super) fn start(&self) -> bool {
        let mut thread = self.thread.lock();
        if thread.is_none() {
            *thread = spawn("purview-timer", || run(Timers::system()));
        }
        thread.is_some()
    }

    /// Has the thread look at the wheel again.
    pub(super) fn wake(&self) {
        let thread = self.thread.lock().clone();
        if let Some(thread) = thread {
            thread.unpark();
        }
    }

    pub(super) fn wakeups(&self) -> u64 {
        self.wakeups.load(Ordering::Relaxed)
    }

    fn count_wakeup(&self) {
        self.wakeups.fetch_add(1, Ordering::Relaxed);
    }
}

/// What the thread does, for as long as the process lives.
fn run(timers: &Timers) {
    loop {
        // A waker that panics is caught where it is called; nothing else in here should, and the timer must not end.
        shield(|| {
            timers.fire_due();
        });
        let mut wheel = timers.lock();
        let coming = wheel.next_coming();
        wheel.wake_at = coming;
        drop(wheel);
        if coming == i64::MAX {
            park();
        } else if let Ok(left @ 1..) = u64::try_from(coming.saturating_sub(timers.now())) {
            park_timeout(Duration::from_nanos(left));
        }
        if let super::Source::System(driver) = &timers.source {
            driver.count_wakeup();
        }
    }
}
