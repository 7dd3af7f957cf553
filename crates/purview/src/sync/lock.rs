//! A lock of one byte for sections of a few instructions that run no foreign code.
//!
//! Unlocking is a plain store, which is what makes it cheaper than a futex: nobody parks on it. A section is bounded
//! (at most [`MARK_BATCH`](super::MARK_BATCH) children), so whoever finds it taken spins, gives way, and at last sleeps.

#![cfg_attr(loom, allow(dead_code, reason = "the face of loom blocks instead of spinning"))]

use super::{AtomicU8, Ordering, backoff, const_fn, worth_a_try};

/// The lock; it guards what the type that holds it says.
#[derive(Debug)]
pub(crate) struct Lock(pub(super) AtomicU8);

const FREE: u8 = 0;
const TAKEN: u8 = 1;

impl Lock {
    const_fn! {
        /// A free lock.
        pub(crate) const fn new() -> Self {
            Self(AtomicU8::new(FREE))
        }
    }

    /// Takes the lock; true if somebody else had it first.
    #[inline]
    pub(crate) fn lock(&self) -> bool {
        if self.try_lock() {
            return false;
        }
        self.lock_contended();
        true
    }

    #[inline]
    pub(super) fn try_lock(&self) -> bool {
        // Acquire: what the last holder wrote is seen.
        self.0.compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[cold]
    fn lock_contended(&self) {
        let mut round = 0;
        loop {
            backoff(round);
            round += 1;
            if worth_a_try(&self.0, FREE) && self.try_lock() {
                return;
            }
        }
    }

    /// Gives the lock back. Only its holder may.
    #[inline]
    pub(crate) fn unlock(&self) {
        // Release: what was written under the lock is seen by the next holder.
        self.0.store(FREE, Ordering::Release);
    }

    /// True if nobody holds it at this moment; what the last holder wrote is then seen.
    #[inline]
    pub(crate) fn is_free(&self) -> bool {
        self.0.load(Ordering::Acquire) == FREE
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::Lock;
    use crate::sync::UnsafeCell;
    use loom::sync::Arc;
    use loom::thread;

    /// What it guards, for the checker to see who touches it.
    struct Guarded(Lock, UnsafeCell<u32>);

    #[test]
    fn what_one_holder_wrote_the_next_one_sees() {
        loom::model(|| {
            let shared = Arc::new(Guarded(Lock::new(), UnsafeCell::new(0)));
            // One try each: the checker cannot bound a spin, and a spin is a series of tries.
            let touch = |shared: &Guarded| {
                if shared.0.try_lock() {
                    shared.1.with_mut(|value| assert!(!value.is_null()));
                    shared.0.unlock();
                }
            };
            let other = shared.clone();
            let thread = thread::spawn(move || touch(&other));
            touch(&shared);
            thread.join().unwrap();
            assert!(shared.0.is_free());
            touch(&shared);
        });
    }
}
