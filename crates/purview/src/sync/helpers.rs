//! What outlives the part of a model that started it: helper threads, which loom wants to see ended, and time, which they sleep by.
//!
//! Threads change only at a use of what is the checker's; nothing in here is, but for [`park`](thread::park). So each function
//! happens at once.

use super::global;
use loom::thread::{self, JoinHandle, Thread, current};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

#[derive(Default)]
struct Helpers {
    threads: Vec<JoinHandle<()>>,
    sleeping: Vec<(Duration, Thread)>,
    /// Since the model began.
    time: Duration,
    /// The time that each thread was told last: from then on its limits count.
    told: Vec<(Thread, Duration)>,
    over: bool,
}

global! {
    static HELPERS: Mutex<Helpers> = Mutex::default();
}

/// What ends a helper where it waits.
struct Over;

fn helpers() -> MutexGuard<'static, Helpers> {
    HELPERS.lock().unwrap()
}

impl Helpers {
    fn told(&self) -> Duration {
        let me = current().id();
        self.told.iter().find(|(thread, _)| thread.id() == me).map_or(self.time, |(_, told)| *told)
    }
}

/// Starts a thread that may live on; none when the model is over.
pub(crate) fn spawn(_name: &str, f: impl FnOnce() + Send + 'static) -> Option<Thread> {
    if is_over() {
        return None;
    }
    let handle = thread::spawn(|| {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(f)) {
            if !payload.is::<Over>() {
                resume_unwind(payload);
            }
        }
    });
    let thread = handle.thread().clone();
    helpers().threads.push(handle);
    Some(thread)
}

/// The system's clock: it stands still but for [`pass`].
pub(crate) fn now() -> Instant {
    static BEGIN: OnceLock<Instant> = OnceLock::new();
    #[expect(clippy::disallowed_methods, reason = "any moment does for a beginning")]
    let begin = *BEGIN.get_or_init(Instant::now);
    let mut helpers = helpers();
    let (me, time) = (current(), helpers.time);
    helpers.told.retain(|(thread, _)| thread.id() != me.id());
    helpers.told.push((me, time));
    begin + time
}

/// Lets time pass.
#[cfg(test)]
pub(crate) fn pass(time: Duration) {
    let mut helpers = helpers();
    helpers.time += time;
    let now = helpers.time;
    helpers.sleeping.retain(|(until, thread)| {
        let sleeps_on = *until > now;
        if !sleeps_on {
            thread.unpark();
        }
        sleeps_on
    });
}

pub(crate) fn park() {
    leave_if_over();
    thread::park();
    leave_if_over();
}

pub(crate) fn park_timeout(limit: Duration) {
    leave_if_over();
    let mut helpers = helpers();
    let until = helpers.told().saturating_add(limit);
    if until <= helpers.time {
        return;
    }
    helpers.sleeping.push((until, current()));
    drop(helpers);
    thread::park();
    let me = current().id();
    self::helpers().sleeping.retain(|(_, thread)| thread.id() != me);
    leave_if_over();
}

pub(super) fn is_over() -> bool {
    helpers().over
}

/// Ends a helper that would wait after the model is over.
pub(super) fn leave() -> ! {
    resume_unwind(Box::new(Over))
}

fn leave_if_over() {
    if is_over() {
        leave();
    }
}

/// Ends all helpers.
#[cfg(test)]
pub(crate) fn end_helpers() {
    let mut helpers = helpers();
    helpers.over = true;
    let threads = std::mem::take(&mut helpers.threads);
    drop(helpers);
    for handle in threads {
        handle.thread().unpark();
        handle.join().unwrap();
    }
}
