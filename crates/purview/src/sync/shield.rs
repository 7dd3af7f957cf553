//! Runs foreign code so that its panic harms nobody else.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `f`, which is somebody else's code, and swallows its panic: the panic hook has reported it already.
///
/// Used wherever a waker, a callback or the drop of a value could stop us half-way. Returns whether `f` came to its end.
pub(crate) fn shield(f: impl FnOnce()) -> bool {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(()) => true,
        Err(payload) => {
            drop_payload(payload);
            false
        }
    }
}

/// Drops what a panic carried, which may panic in turn; what that second panic carries is leaked, to end the matter.
#[cold]
fn drop_payload(payload: Box<dyn Any + Send>) {
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        let _leaked = std::mem::ManuallyDrop::new(second);
    }
}
