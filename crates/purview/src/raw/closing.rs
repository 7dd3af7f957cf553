//! Giving handles and holds back, the short ways first: mostly nothing follows, or the node has nothing but its memory.

use super::node::{Kind, Node, Ref};
use super::tree::{Share, do_all, free, has_waiters, leave, release};
use crate::sync::Ordering;
use std::ptr::NonNull;

/// Gives a user handle back; with the last one goes the hold that all of them had together.
///
/// # Safety
///
/// The caller has the handle, and does not use the node by it any more.
#[inline]
pub(super) unsafe fn close(node: NonNull<Node>) {
    // SAFETY: the handle keeps the node alive.
    let this = unsafe { Ref::new(node) };
    if this.kind().has(Kind::STATIC) {
        return;
    }
    let openers = &this.node().openers;
    // Acquire and Release: what was done by other handles is over before the last one ends the node. With one handle
    // left nobody can make another, so that there is nothing to count down.
    if openers.load(Ordering::Acquire) != 1 {
        if openers.fetch_sub(1, Ordering::Release) != 1 {
            return;
        }
        openers.load(Ordering::Acquire);
    }
    // SAFETY: we have the hold that the handles had together, and nobody else has one of them.
    unsafe {
        if !free_alone(this) {
            release_hold(node);
        }
    }
}

/// [`release`] of a hold, which mostly is not the last share: then nothing follows.
///
/// # Safety
///
/// As for that.
#[inline]
pub(super) unsafe fn release_hold(node: NonNull<Node>) {
    // SAFETY: the hold keeps the node alive until it is given back.
    if !unsafe { Ref::new(node) }.lock().give_back_one_of_many() {
        // SAFETY: the caller's promise.
        unsafe { release(node, Share::Hold) };
    }
}

/// The short way out for a node that has nothing but its memory and that nobody else holds: one lock instead of two.
/// False if it is not such a node.
///
/// # Safety
///
/// The caller has a hold of it, which is the only one if the node is freed.
#[inline]
pub(super) unsafe fn free_alone(node: Ref<'_>) -> bool {
    let plain = Kind::CANCELABLE;
    let kind = node.kind();
    if (kind != plain && kind != plain.and(Kind::SLOT) && kind != Kind::TIMED) || !is_alone(node) {
        return false;
    }
    let Some(parent) = node.parent() else { return false };
    let scope = parent.scope();
    if scope.kind().has(Kind::STATIC) {
        if parent != scope || has_waiters(node) {
            return false;
        }
        // SAFETY: nobody above knows of it, and nobody else holds it.
        unsafe { free(node) };
        return true;
    }
    let above = scope.lock();
    // A walk may have come by before we had the lock; now nobody can find the node, which is linked below this lock.
    if !is_alone(node) || has_waiters(node) {
        return false;
    }
    // SAFETY: nobody can find it any more but by the list, and it has nothing to be dropped.
    if let Some(left) = unsafe { leave(node, parent, above) } {
        // SAFETY: it is left to us.
        unsafe { do_all(left) };
    }
    true
}

/// Whether the caller's hold is the only one, nothing is below, and nothing has to be dropped.
#[inline]
fn is_alone(node: Ref<'_>) -> bool {
    let header = node.node();
    // Acquire: whoever gave the last other share back did so before, and his stores are seen: a timer that he armed, too.
    // He may still be inside the lock, about to give it back; then the long way waits for him.
    header.derived.load(Ordering::Acquire) == 0
        && header.holds.load(Ordering::Acquire) == 1
        // Acquire: out of the wheel again, so whoever fired it has his hold by now, and the second look sees it.
        && header.slot.load(Ordering::Acquire) == 0
        && header.holds.load(Ordering::Acquire) == 1
        && header.lock.is_free()
        && header.extra.load(Ordering::Relaxed).is_null()
        && !node.cancelable().cause_word().is_owned()
}
