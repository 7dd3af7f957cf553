//! The face of loom, which explores every order of a few threads, and what weak memory may show them.

/// Memory whose leak fails the model.
pub(crate) use loom::alloc::{alloc, dealloc};
pub(crate) use loom::cell::UnsafeCell;
pub(super) use loom::{sync, thread};

use self::thread::park;
use super::{AtomicPtr, AtomicU8, AtomicU16, AtomicU32, Thread, current, lock};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) use super::helpers::{is_over, leave};

pub(super) const LIMITS_PASS: bool = false;

/// The very lock of the engine, but whoever finds it taken blocks instead of spinning, since the checker cannot bound a spin.
///
/// The checker changes threads only at a use of what is the checker's. So what follows such a use, up to the next one, happens
/// together with it.
#[derive(Debug)]
pub(crate) struct Lock {
    spin: lock::Lock,
    blocked: std::sync::Mutex<VecDeque<Arc<Blocked>>>,
}

#[derive(Debug)]
struct Blocked {
    thread: Thread,
    /// It may try again. A thread may also be unparked by others, for what it does when it has the lock.
    called: AtomicBool,
}

impl Lock {
    pub(crate) fn new() -> Self {
        Self { spin: lock::Lock::new(), blocked: std::sync::Mutex::default() }
    }

    /// Takes the lock; true if somebody else had it first.
    pub(crate) fn lock(&self) -> bool {
        let mut contended = false;
        let mut unparked_by_others = false;
        while !self.spin.try_lock() {
            contended = true;
            let me = Arc::new(Blocked { thread: current(), called: AtomicBool::new(false) });
            self.blocked.lock().unwrap().push_back(me.clone());
            park();
            while !me.called.load(Ordering::Relaxed) {
                unparked_by_others = true;
                park();
            }
        }
        if unparked_by_others {
            current().unpark();
        }
        contended
    }

    pub(crate) fn unlock(&self) {
        // Whoever comes next may free what we are in, as with the spinning lock; but nobody comes before this ends.
        self.spin.unlock();
        if let Some(next) = self.blocked.lock().unwrap().pop_front() {
            next.called.store(true, Ordering::Relaxed);
            next.thread.unpark();
        }
    }

    pub(crate) fn is_free(&self) -> bool {
        self.spin.is_free()
    }
}

/// What a use that is not over by then can be seen of.
pub(crate) trait Claim {
    fn claim(&mut self);
}

/// The model fails if somebody may still be using this: it is about to be freed.
pub(crate) fn claim(shared: &mut impl Claim) {
    shared.claim();
}

impl Claim for Lock {
    fn claim(&mut self) {
        claim(&mut self.spin.0);
        self.blocked = std::sync::Mutex::default();
    }
}

impl<T> Claim for UnsafeCell<T> {
    fn claim(&mut self) {
        self.with_mut(|_| ());
    }
}

macro_rules! claim_atomics {
    ($($atomic:ty),*) => {
        $(impl Claim for $atomic {
            #[track_caller]
            fn claim(&mut self) {
                self.with_mut(|_| ());
            }
        })*
    };
}
claim_atomics!(AtomicU8, AtomicU16, AtomicU32);

impl<T> Claim for AtomicPtr<T> {
    fn claim(&mut self) {
        self.with_mut(|_| ());
    }
}

/// Models are of code that does not panic: a panic is the checker's, and fails the model.
pub(crate) fn shield(f: impl FnOnce()) -> bool {
    f();
    true
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
