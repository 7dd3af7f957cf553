//! The face of the model checker.

pub(crate) use loom::cell::UnsafeCell;
pub(crate) use loom::sync::atomic::{
    AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering,
};
pub(crate) use loom::thread::{Thread, current, park};
/// Loom's own `Arc` cannot hold a trait object; counts are not what we check through it.
pub(crate) use std::sync::Arc;

use loom::sync::MutexGuard;
use std::time::Duration;

// Small, so that the paths behind a full batch are explored too.
pub(crate) const WAKE_BATCH: usize = 2;
pub(crate) const MARK_BATCH: usize = 2;
pub(crate) const CONTENTION_LIMIT: u8 = 1;

#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }

    #[track_caller]
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Condvar(loom::sync::Condvar);

impl Condvar {
    pub(crate) fn new() -> Self {
        Self(loom::sync::Condvar::new())
    }

    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).unwrap()
    }

    /// A model has no time: the wait ends when it is notified.
    pub(crate) fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        _limit: Duration,
    ) -> (MutexGuard<'a, T>, bool) {
        (self.wait(guard), false)
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

pub(crate) fn park_timeout(_limit: Duration) {
    panic!("a model has no time: wait without a limit, or on a manual clock");
}

pub(crate) fn spawn(_name: &str, f: impl FnOnce() + Send + 'static) -> Option<Thread> {
    Some(loom::thread::spawn(f).thread().clone())
}

pub(crate) fn backoff(_round: u32) {
    loom::thread::yield_now();
}

pub(crate) fn cores() -> usize {
    1
}

pub(crate) fn probe() -> usize {
    1
}

pub(crate) fn move_probe() {}

macro_rules! global {
    ($(#[$meta:meta])* $vis:vis static $name:ident: $type:ty = $init:expr;) => {
        loom::lazy_static! { $(#[$meta])* $vis static ref $name: $type = $init; }
    };
}
pub(crate) use global;

macro_rules! const_fn {
    ($(#[$meta:meta])* $vis:vis const fn $($rest:tt)*) => { $(#[$meta])* $vis fn $($rest)* };
}
pub(crate) use const_fn;
