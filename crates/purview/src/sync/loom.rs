//! The face of loom, which explores every order of a few threads, and what weak memory may show them.

/// Memory whose leak fails the model.
pub(crate) use loom::alloc::{alloc, dealloc};
pub(crate) use loom::cell::UnsafeCell;
pub(super) use loom::{sync, thread};

use super::{AtomicU8, Condvar, Mutex};

pub(super) const LIMITS_PASS: bool = false;

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

pub(crate) fn note_alloc(_memory: *mut u8) {}

pub(crate) fn note_dealloc(_memory: *mut u8) {}

pub(crate) fn cores() -> usize {
    1
}

pub(crate) fn probe() -> usize {
    1
}

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
