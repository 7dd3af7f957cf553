//! The helper thread of the system's clock: one a process, started when the first deadline is armed.
//!
//! It sleeps until the wheel's `wake_at`, which it sets under the wheel's lock before it sleeps. Whoever arms an earlier
//! deadline lowers `wake_at` under that lock and unparks the thread. An unpark that comes before the park is kept by it,
//! so that no deadline is slept through.
//!
//! The thread calls wakers, which must not block, but might. Whoever arms a deadline and finds `wake_at` long past starts
//! another thread in its place; the one that is stuck ends when it comes back.

use super::{Source, Timers};
use crate::sync::{AtomicU64, Mutex, Ordering, Thread, const_fn, park, park_timeout, shield, spawn};
use std::time::Duration;

/// The thread, once it is there.
#[derive(Debug)]
pub(super) struct Driver {
    current: Mutex<Current>,
    wakeups: AtomicU64,
}

#[derive(Debug)]
struct Current {
    thread: Option<Thread>,
    /// Which thread it is: the first, or the how manieth replacement.
    number: u64,
}

impl Driver {
    const_fn! {
        pub(super) const fn new() -> Self {
            Self { current: Mutex::new(Current { thread: None, number: 0 }), wakeups: AtomicU64::new(0) }
        }
    }

    /// Starts the thread if it is not there; false if the system has none to give.
    pub(super) fn start(&self) -> bool {
        let mut current = self.current.lock();
        if current.thread.is_none() {
            current.start();
        }
        current.thread.is_some()
    }

    /// Has the thread look at the wheel again.
    pub(super) fn wake(&self) {
        let thread = self.current.lock().thread.clone();
        if let Some(thread) = thread {
            thread.unpark();
        }
    }

    /// Starts another thread in the place of one that is stuck.
    #[cold]
    pub(super) fn replace(&self) {
        self.current.lock().start();
    }

    fn is_current(&self, number: u64) -> bool {
        self.current.lock().number == number
    }

    pub(super) fn wakeups(&self) -> u64 {
        self.wakeups.load(Ordering::Relaxed)
    }
}

impl Current {
    fn start(&mut self) {
        let number = self.number + 1;
        if let Some(thread) = spawn("purview-timer", move || run(Timers::system(), number)) {
            *self = Self { thread: Some(thread), number };
        }
    }
}

/// What the thread does, for as long as the process lives or until it is replaced.
fn run(timers: &Timers, number: u64) {
    let Source::System(driver) = &timers.source else { return };
    loop {
        // A waker that panics is caught where it is called; nothing else in here should, and the timer must not end.
        shield(|| {
            timers.fire_due();
        });
        // Holding the lock of `current` keeps a new thread, which was not counted yet, from taking itself for replaced.
        if !driver.is_current(number) {
            return;
        }
        let mut wheel = timers.lock();
        let coming = wheel.next_coming();
        wheel.wake_at = coming;
        drop(wheel);
        if coming == i64::MAX {
            park();
        } else if let Ok(left @ 1..) = u64::try_from(coming.saturating_sub(timers.now())) {
            park_timeout(Duration::from_nanos(left));
        }
        driver.wakeups.fetch_add(1, Ordering::Relaxed);
    }
}
