//! What tests of [`purview`], and of code that uses it, need.
//!
//! | for | take |
//! |---|---|
//! | time | [`manual_root`]: a root whose clock moves only by hand; [`advance_until_done`]; [`unwoken_root`]: deadlines that nobody notices |
//! | polling by hand | [`poll_once`], [`poll_with`], [`task`] and its [`Spawned`] |
//! | who was woken | [`CountingWaker`], [`WakeLog`] for the order |
//! | wakers that misbehave | [`PanickingWaker`], [`ReentrantWaker`], [`BlockingWaker`] |
//! | values and causes that misbehave | [`PanicOnDrop`], [`RunOnDrop`], [`PanickingCause`] |
//! | leaks | [`DropCounter`] with its [`Probe`]s, [`assert_drained`] |
//! | tests that could hang | [`within`], [`within_stack`], [`Gate`] |
//!
//! Nothing here sleeps. A limit of time is a net below a test that has gone wrong, and its passing is a panic.
//!
//! ```
//! use std::time::Duration;
//! use purview_test::{manual_root, task};
//!
//! let (root, clock) = manual_root();
//! let (ctx, _cancel) = root.with_timeout(Duration::from_secs(5));
//!
//! let mut done = task(ctx.done());
//! assert!(done.poll().is_pending());
//!
//! clock.advance(Duration::from_secs(5));
//! assert!(done.is_woken());
//! assert!(done.poll().is_ready());
//! ```
#![forbid(unsafe_code)]

mod clock;
mod gate;
mod hostile;
mod probe;
mod task;
mod wakers;

pub use clock::{UnwokenClock, advance_until_done, manual_root, unwoken_root};
pub use gate::{Gate, HANG_LIMIT, SMALL_STACK, within, within_stack};
pub use hostile::{BlockingWaker, PanicOnDrop, PanickingCause, PanickingWaker, ReentrantWaker, RunOnDrop};
pub use probe::{DropCounter, Probe, assert_drained};
pub use task::{Spawned, poll_once, poll_with, task};
pub use wakers::{CountingWaker, WakeLog};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, also after a panic: the helpers are used where panics are on purpose.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
