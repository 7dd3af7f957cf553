//! The face of the model checker.

/// Memory whose leak fails the model.
pub(crate) use loom::alloc::{alloc, dealloc};
pub(crate) use loom::cell::UnsafeCell;
pub(crate) use loom::sync::atomic::{AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};
pub(crate) use loom::thread::{Thread, ThreadId, current, park};
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

/// The lock of the engine, as the model has it: whoever finds it taken blocks instead of spinning, since the checker cannot
/// bound a spin. The spinning one has a model of its own, in `lock.rs`.
#[derive(Debug)]
pub(crate) struct Lock {
    taken: Mutex<bool>,
    freed: Condvar,
}

impl Lock {
    pub(crate) fn new() -> Self {
        Self { taken: Mutex::new(false), freed: Condvar::new() }
    }

    /// Takes the lock; true if somebody else had it first.
    pub(crate) fn lock(&self) -> bool {
        let mut taken = self.taken.lock();
        let contended = *taken;
        while *taken {
            taken = self.freed.wait(taken);
        }
        *taken = true;
        contended
    }

    pub(crate) fn unlock(&self) {
        *self.taken.lock() = false;
        self.freed.notify_one();
    }

    pub(crate) fn is_free(&self) -> bool {
        !*self.taken.lock()
    }
}

/// A model may read an old value for ever; only a read-modify-write has to see the newest.
pub(crate) fn worth_a_try(_byte: &AtomicU8, _value: u8) -> bool {
    true
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

pub(crate) fn cores() -> usize {
    1
}

pub(crate) fn probe() -> usize {
    1
}

pub(crate) fn move_probe() {}

macro_rules! global {
    ($(#[$meta:meta])* static $name:ident: $type:ty = $init:expr;) => {
        loom::lazy_static! { $(#[$meta])* static ref $name: $type = $init; }
    };
}
pub(crate) use global;

/// Each thread of the model has its own.
macro_rules! local {
    (static $name:ident: $type:ty = $init:expr;) => {
        loom::thread_local! { static $name: $type = $init; }
    };
}
pub(crate) use local;

macro_rules! const_fn {
    ($(#[$meta:meta])* $vis:vis const fn $($rest:tt)*) => { $(#[$meta])* $vis fn $($rest)* };
}
pub(crate) use const_fn;
