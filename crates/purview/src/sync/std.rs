//! The face of std.
#![allow(clippy::disallowed_types, reason = "this is the door that the lint points to")]

pub(crate) use std::alloc::{alloc, dealloc};
pub(crate) use std::sync::Arc;
pub(crate) use std::sync::atomic::{
    AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering,
};
pub(crate) use std::thread::{Thread, ThreadId, current, park};

use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Whether a node keeps the memory of a freed child for the next one. Not for tools that look for the use of freed memory.
pub(crate) const KEEPS_SPARE: bool = !cfg!(purview_fresh_memory);
/// How many waiters are woken between two takings of the lock.
pub(crate) const WAKE_BATCH: usize = 32;
/// How many children are marked between two takings of the lock.
pub(crate) const MARK_BATCH: usize = 64;
/// How many times a parent's lock is found taken before the parent grows branches.
pub(crate) const CONTENTION_LIMIT: u8 = 8;

/// std's mutex; a panic while it was held leaves nothing half done here, so poison is passed over.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// std's condition variable, with poison passed over as in [`Mutex`].
#[derive(Debug, Default)]
pub(crate) struct Condvar(std::sync::Condvar);

impl Condvar {
    pub(crate) const fn new() -> Self {
        Self(std::sync::Condvar::new())
    }

    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits at most `limit`; the second answer is whether the limit passed.
    pub(crate) fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        limit: Duration,
    ) -> (MutexGuard<'a, T>, bool) {
        let (guard, result) = self.0.wait_timeout(guard, limit).unwrap_or_else(PoisonError::into_inner);
        (guard, result.timed_out())
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

pub(crate) fn park_timeout(limit: Duration) {
    std::thread::park_timeout(limit);
}

/// The time by the system's monotonic clock.
#[inline]
pub(crate) fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "this is where the system's clock is read")]
    Instant::now()
}

/// Starts a detached thread; none if the system has none to give.
pub(crate) fn spawn(name: &str, f: impl FnOnce() + Send + 'static) -> Option<Thread> {
    std::thread::Builder::new().name(name.to_owned()).spawn(f).ok().map(|handle| handle.thread().clone())
}

/// Waits a little for somebody who holds a lock: first by spinning, then by giving way, and at last by sleeping, so
/// that a thread of a high real-time priority lets the holder run.
pub(crate) fn backoff(round: u32) {
    match round {
        0..6 => (0..1 << round).for_each(|_| std::hint::spin_loop()),
        6..32 => std::thread::yield_now(),
        _ => {
            #[expect(
                clippy::disallowed_methods,
                reason = "gives way to the holder of a lock; waits for no time"
            )]
            std::thread::sleep(Duration::from_micros(50));
        }
    }
}

/// Whether a byte that is spun on has the value waited for: looks before anybody writes, so that waiting does not take the
/// line away from the holder of the lock.
pub(crate) fn worth_a_try(byte: &AtomicU8, value: u8) -> bool {
    byte.load(Ordering::Relaxed) == value
}

/// For the model checkers to know which memory is in use.
#[inline]
pub(crate) fn note_alloc(_memory: *mut u8) {}

#[inline]
pub(crate) fn note_dealloc(_memory: *mut u8) {}

/// How many threads can run at once.
pub(crate) fn cores() -> usize {
    static CORES: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// A small number of this thread's, spread over the threads; [`move_probe`] picks another.
#[inline]
pub(crate) fn probe() -> usize {
    PROBE.try_with(|cell| if cell.get() == 0 { next_probe(cell) } else { cell.get() }).unwrap_or(1)
}

/// Picks another number for this thread, since somebody else works where this one led.
#[cold]
pub(crate) fn move_probe() {
    let _ = PROBE.try_with(next_probe);
}

thread_local! {
    static PROBE: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

#[cold]
fn next_probe(cell: &std::cell::Cell<usize>) -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    let probe = NEXT.fetch_add(1, Ordering::Relaxed).max(1);
    cell.set(probe);
    probe
}

/// How deep this thread is in the freeing of things that free other things, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Nesting(u32);

thread_local! {
    static NESTING: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

impl Nesting {
    /// Goes one deeper. While a thread is ending it is not known how deep, and taken for not at all.
    pub(crate) fn enter() -> Self {
        Self(NESTING.try_with(|depth| depth.replace(depth.get() + 1)).unwrap_or(0))
    }

    pub(crate) fn depth(&self) -> u32 {
        self.0
    }
}

impl Drop for Nesting {
    fn drop(&mut self) {
        let _ = NESTING.try_with(|depth| depth.set(self.0));
    }
}

/// Declares a static that both worlds can have: plain in std, made anew for each run of a model under loom.
macro_rules! global {
    ($(#[$meta:meta])* static $name:ident: $type:ty = $init:expr;) => {
        $(#[$meta])* static $name: $type = $init;
    };
}
pub(crate) use global;

/// Declares what each thread has one of.
macro_rules! local {
    (static $name:ident: $type:ty = $init:expr;) => {
        std::thread_local! { static $name: $type = const { $init }; }
    };
}
pub(crate) use local;

/// Declares a function that is `const` where atomics can be made in constants.
macro_rules! const_fn {
    ($(#[$meta:meta])* $vis:vis const fn $($rest:tt)*) => { $(#[$meta])* $vis const fn $($rest)* };
}
pub(crate) use const_fn;
