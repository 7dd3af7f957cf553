//! A value under a [`Lock`], for sections of a few instructions that run no foreign code.

use crate::sync::{Lock, UnsafeCell, const_fn};
use std::ops::{Deref, DerefMut};

/// The value and its lock.
#[derive(Debug)]
pub(crate) struct Guarded<T> {
    lock: Lock,
    value: UnsafeCell<T>,
}

// SAFETY: the lock gives the value to one thread at a time.
unsafe impl<T: Send> Sync for Guarded<T> {}

impl<T> Guarded<T> {
    const_fn! {
        pub(crate) const fn new(value: T) -> Self {
            Self { lock: Lock::new(), value: UnsafeCell::new(value) }
        }
    }

    pub(crate) fn lock(&self) -> GuardedRef<'_, T> {
        self.lock.lock();
        GuardedRef(self)
    }
}

/// The value, locked.
#[derive(Debug)]
pub(crate) struct GuardedRef<'a, T>(&'a Guarded<T>);

impl<T> Deref for GuardedRef<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: we hold the lock.
        self.0.value.with(|value| unsafe { &*value })
    }
}

impl<T> DerefMut for GuardedRef<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: we hold the lock.
        self.0.value.with_mut(|value| unsafe { &mut *value })
    }
}

impl<T> Drop for GuardedRef<'_, T> {
    fn drop(&mut self) {
        self.0.lock.unlock();
    }
}
