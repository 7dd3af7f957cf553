//! What the faces of both model checkers have in common.

pub(crate) use super::checker::sync::atomic::{
    AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering,
};
pub(crate) use super::checker::thread::{Thread, ThreadId, current};
/// The checkers' own `Arc` cannot hold a trait object; counts are not what we check through it.
pub(crate) use std::sync::Arc;

use super::checker::{LIMITS_PASS, is_over, leave, sync, thread};
use std::time::Duration;
use sync::MutexGuard;

pub(crate) const KEEPS_SPARE: bool = true;
// Small, so that the paths behind a full batch are explored too.
pub(crate) const WAKE_BATCH: usize = 2;
pub(crate) const MARK_BATCH: usize = 2;
pub(crate) const CONTENTION_LIMIT: u8 = 1;

#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(sync::Mutex::new(value))
    }

    #[track_caller]
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Condvar(sync::Condvar);

impl Condvar {
    pub(crate) fn new() -> Self {
        Self(sync::Condvar::new())
    }

    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        let guard = self.0.wait(guard).unwrap();
        if is_over() {
            drop(guard);
            leave();
        }
        guard
    }

    /// A model has no time: a limit passes at once or never.
    pub(crate) fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        _limit: Duration,
    ) -> (MutexGuard<'a, T>, bool) {
        if LIMITS_PASS { (guard, true) } else { (self.wait(guard), false) }
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

pub(crate) fn backoff(_round: u32) {
    thread::yield_now();
}

/// Models are not deep, and their threads share what is local to a thread.
#[derive(Debug)]
pub(crate) struct Nesting;

impl Nesting {
    pub(crate) fn enter() -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "as in the face of std")]
    pub(crate) fn depth(&self) -> u32 {
        0
    }
}

pub(crate) fn move_probe() {}

macro_rules! const_fn {
    ($(#[$meta:meta])* $vis:vis const fn $($rest:tt)*) => { $(#[$meta])* $vis fn $($rest)* };
}
pub(crate) use const_fn;
