//! The only door to atomics, locks, cells and threads: one face for std, one for the model checker.
//!
//! The algorithms above know nothing of `cfg(loom)`. What differs between the two worlds differs here.

#[cfg(loom)]
mod loom;
#[cfg(not(loom))]
mod std;

mod lock;
mod once;
mod shield;

#[cfg(not(loom))]
pub(crate) use self::lock::Lock;
pub(crate) use self::once::Once;
pub(crate) use self::shield::shield;

#[cfg(loom)]
pub(crate) use self::loom::*;
#[cfg(not(loom))]
pub(crate) use self::std::*;
