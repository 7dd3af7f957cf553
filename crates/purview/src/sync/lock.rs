//! A lock of one byte for sections of a few instructions that run no foreign code.
//!
//! Unlocking is a plain store, which is what makes it cheaper than a futex: nobody parks on it. A section is bounded
//! (at most [`MARK_BATCH`](super::MARK_BATCH) children), so whoever finds it taken spins, gives way, and at last sleeps.

use super::{AtomicU8, Ordering, backoff, const_fn};

/// The lock; it guards what the type that holds it says.
#[derive(Debug)]
pub(crate) struct Lock(AtomicU8);

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
        // Acquire: what the last holder wrote is seen.
        if self.0.swap(TAKEN, Ordering::Acquire) == FREE {
            return false;
        }
        self.lock_contended();
        true
    }

    #[cold]
    fn lock_contended(&self) {
        let mut round = 0;
        loop {
            backoff(round);
            round += 1;
            // Looks before it writes, so that waiting does not take the line away from the holder.
            if self.0.load(Ordering::Relaxed) == FREE && self.0.swap(TAKEN, Ordering::Acquire) == FREE {
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
