//! What keeps a node without being a user's handle, and cancels it.

use super::cause::CauseWord;
use super::closing::release_hold;
use super::node::{Node, Ref};
use super::walk::{cancel, cancel_and_release};
use crate::reason::{Cause, Reason};
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::ptr::NonNull;

/// A hold of a node: it keeps nothing from being the last handle.
#[derive(Debug)]
pub(crate) struct Hold(NonNull<Node>);

// SAFETY: as for `Handle`.
unsafe impl Send for Hold {}
// SAFETY: as for `Handle`.
unsafe impl Sync for Hold {}

impl Hold {
    /// Takes a hold over.
    ///
    /// # Safety
    ///
    /// The caller has one of the node and gives it away.
    pub(super) unsafe fn from_ptr(node: NonNull<Node>) -> Self {
        Self(node)
    }

    pub(super) fn node(&self) -> Ref<'_> {
        // SAFETY: the hold keeps the node alive.
        unsafe { Ref::new(self.0) }
    }

    /// Ends the node and everything below; true if it was not done before.
    pub(crate) fn cancel(&self, reason: Reason, cause: Cause) -> bool {
        cancel(self.node(), reason, CauseWord::from_stored(cause.into_stored()))
    }

    /// A second hold of the same node.
    pub(crate) fn again(&self) -> Option<Self> {
        super::timing::hold(self.node()).then_some(Self(self.0))
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // SAFETY: the hold is ours and ends here.
        unsafe { release_hold(self.0) };
    }
}

/// The hold of a canceler, which ends its node when it is dropped. One pointer wide.
#[derive(Debug)]
pub(crate) struct CancelingHold(ManuallyDrop<Hold>);

impl CancelingHold {
    /// Takes a hold over.
    ///
    /// # Safety
    ///
    /// The caller has one of the node and gives it away; the node was made with where its canceler was made.
    pub(super) unsafe fn from_ptr(node: NonNull<Node>) -> Self {
        // SAFETY: the caller's promise.
        Self(ManuallyDrop::new(unsafe { Hold::from_ptr(node) }))
    }

    pub(crate) fn hold(&self) -> &Hold {
        &self.0
    }

    /// Ends the node and everything below, if it is not done yet, and gives the hold back.
    #[inline]
    pub(crate) fn cancel(self, reason: Reason, cause: Cause) {
        let this = ManuallyDrop::new(self);
        // SAFETY: the hold is ours and ends here.
        unsafe { cancel_and_release(this.0.0, reason, CauseWord::from_stored(cause.into_stored())) };
    }

    /// Gives the hold back, and lets the node go on.
    pub(crate) fn detach(self) {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: the hold is ours and ends here.
        unsafe { ManuallyDrop::drop(&mut this.0) };
    }

    /// Where the canceler was made; none when the node is done.
    pub(crate) fn made_at(&self) -> Option<&'static Location<'static>> {
        let locked = self.0.node().lock();
        if locked.state().is_done() { None } else { locked.node().cancelable().cause_word().made_at() }
    }
}

impl Drop for CancelingHold {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the hold is ours and ends here.
        unsafe { cancel_and_release(self.0.0, Reason::Canceled, CauseWord::AS_BORN) };
    }
}
