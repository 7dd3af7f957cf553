//! The face of shuttle, which runs many threads in random orders. To it every atomic operation is sequentially consistent:
//! what weak memory may show is loom's to find.

pub(crate) use super::cell::{UnsafeCell, claim};
pub(super) use shuttle::{sync, thread};
pub(crate) use std::alloc::{alloc, dealloc};

pub(crate) use shuttle::thread::park;

use super::{AtomicU8, Ordering, Thread, current};
use std::cell::RefCell;
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// A model ends when all its threads have ended: those of the pool, which wait for more, must not stay.
pub(super) const LIMITS_PASS: bool = true;

std::thread_local! {
    /// The nodes that are there. All threads of a model take turns in one thread of the system, so this is theirs together.
    static NODES: RefCell<HashSet<usize>> = RefCell::default();
}

pub(crate) fn note_alloc(memory: *mut u8) {
    NODES.with_borrow_mut(|nodes| nodes.insert(memory.addr()));
}

/// A second freeing of the same memory fails the model.
pub(crate) fn note_dealloc(memory: *mut u8) {
    let known = NODES.with_borrow_mut(|nodes| nodes.remove(&memory.addr()));
    assert!(known, "a node was freed twice");
}

/// How many nodes there are.
#[cfg(test)]
pub(crate) fn nodes() -> usize {
    NODES.with_borrow(HashSet::len)
}

/// Forgets what an execution that failed has left behind.
#[cfg(test)]
pub(crate) fn forget_nodes() {
    NODES.with_borrow_mut(HashSet::clear);
}

pub(crate) fn park_timeout(_limit: Duration) {
    panic!("a model has no time: wait without a limit, or on a manual clock");
}

pub(crate) fn spawn(_name: &str, f: impl FnOnce() + Send + 'static) -> Option<Thread> {
    Some(thread::spawn(f).thread().clone())
}

#[expect(clippy::disallowed_methods, reason = "this is where the system's clock is read")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The newest value is what everybody reads here.
pub(crate) fn worth_a_try(byte: &AtomicU8, value: u8) -> bool {
    byte.load(Ordering::Relaxed) == value
}

pub(crate) fn cores() -> usize {
    2
}

/// Each thread works where its number leads.
pub(crate) fn probe() -> usize {
    usize::from(current().id()) + 1
}

/// Made anew for each execution.
macro_rules! global {
    ($(#[$meta:meta])* static $name:ident: $type:ty = $init:expr;) => {
        shuttle::lazy_static! { $(#[$meta])* static ref $name: $type = $init; }
    };
}
pub(crate) use global;

/// Each thread of the model has its own.
macro_rules! local {
    (static $name:ident: $type:ty = $init:expr;) => {
        shuttle::thread_local! { static $name: $type = $init; }
    };
}
pub(crate) use local;

/// Helpers live on when a model ends.
pub(super) fn is_over() -> bool {
    false
}

pub(super) fn leave() -> ! {
    unreachable!("no model is over")
}
