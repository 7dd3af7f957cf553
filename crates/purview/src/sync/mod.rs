//! The only door to atomics, locks, cells and threads: one face for std, one for each model checker.
//!
//! The algorithms above know nothing of `cfg(loom)` and `cfg(shuttle)`. What differs between the worlds differs here.

#[cfg(not(loom))]
mod cell;
#[cfg(any(loom, shuttle))]
mod checked;
#[cfg(loom)]
mod helpers;
#[cfg(loom)]
mod loom;
#[cfg(shuttle)]
mod shuttle;
#[cfg(not(any(loom, shuttle)))]
mod std;

mod lock;
mod once;
#[cfg(not(loom))]
mod shield;

#[cfg(not(loom))]
pub(crate) use self::lock::Lock;
pub(crate) use self::once::Once;
#[cfg(not(loom))]
pub(crate) use self::shield::shield;

#[cfg(any(loom, shuttle))]
pub(crate) use self::checked::*;
#[cfg(loom)]
use self::loom as checker;
#[cfg(shuttle)]
use self::shuttle as checker;
#[cfg(shuttle)]
pub(crate) use self::shuttle::*;
#[cfg(not(any(loom, shuttle)))]
pub(crate) use self::{cell::UnsafeCell, cell::claim, std::*};
#[cfg(loom)]
pub(crate) use self::{helpers::*, loom::*};
