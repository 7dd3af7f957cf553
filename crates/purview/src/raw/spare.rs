//! The memory of one freed child, which its parent keeps for the next.
//!
//! Who derives and drops one child after the other, as a loop over calls does, then neither allocates nor frees: both happen under
//! the lock of the parent, which is taken anyway. Only plain nodes are kept and made this way. What is kept is freed with the
//! node that keeps it.
//!
//! A branch is busy with one thread, and keeps nothing but a slot behind its own memory, far enough from those of other branches that
//! no two threads write to one line. What it has not got back stays unused until the branch is freed.

use super::alloc::dealloc;
use super::locked::Locked;
use super::node::{Cancelable, Kind, Node, Ref};
use crate::sync::{KEEPS_SPARE, Ordering};
use std::alloc::Layout;
use std::ptr::{self, NonNull};

impl Ref<'_> {
    /// Whether there seems to be memory for a child. Only a hint: it is taken under the lock.
    #[inline]
    pub(super) fn has_spare(self) -> bool {
        !self.cancelable().spare.load(Ordering::Relaxed).is_null()
    }
}

impl Locked<'_> {
    /// Puts a node of the given kind into the memory that is kept, if there is any.
    #[inline]
    pub(super) fn make_in_spare(&self, node: impl FnOnce(Kind) -> Cancelable) -> Option<NonNull<Node>> {
        let spare = &self.node().cancelable().spare;
        let memory = NonNull::new(spare.load(Ordering::Relaxed))?;
        spare.store(ptr::null_mut(), Ordering::Relaxed);
        let is_slot = self.node().kind().has(Kind::BRANCH);
        let kind = if is_slot { Kind::CANCELABLE.and(Kind::SLOT) } else { Kind::CANCELABLE };
        // SAFETY: it was kept for that, our lock guards it, and it is ours now.
        unsafe { memory.write(node(kind)) };
        Some(memory.cast())
    }

    /// Whether the memory of `child`, which was made below this very node, can be kept: it has nothing else, and there is room.
    #[inline]
    pub(super) fn fits_spare(&self, child: Ref<'_>) -> bool {
        let is_branch = self.node().kind().has(Kind::BRANCH);
        let fitting = if is_branch { Kind::CANCELABLE.and(Kind::SLOT) } else { Kind::CANCELABLE };
        // What the child keeps itself would have to be freed first: the allocator may be foreign code, and this is under a lock.
        KEEPS_SPARE
            && child.kind() == fitting
            && !self.node().has_spare()
            && !child.has_spare()
            && child.node().extra.load(Ordering::Relaxed).is_null()
    }

    /// Keeps the memory of `child`.
    ///
    /// # Safety
    ///
    /// It [fits](Self::fits_spare), nobody uses the child any more, and nothing in it is left to be dropped.
    #[inline]
    pub(super) unsafe fn keep_spare(&self, child: Ref<'_>) {
        // SAFETY: the caller's promise.
        unsafe { child.claim() };
        self.node().cancelable().spare.store(child.ptr().as_ptr().cast(), Ordering::Relaxed);
    }
}

/// Memory for a branch and its slot: a pair of lines each, since neighbours are written by different threads.
pub(super) fn branch_layout() -> Layout {
    let aligned = Layout::new::<Cancelable>().align_to(APART);
    let branch = aligned.unwrap_or_else(|_| std::process::abort()).pad_to_align();
    branch.extend(branch).unwrap_or_else(|_| std::process::abort()).0
}

/// How far from each other lies what different threads write to, in bytes.
const APART: usize = 128;

/// Gives a branch that was just made its slot.
pub(super) fn give_slot(branch: Ref<'_>) {
    if KEEPS_SPARE {
        branch.cancelable().spare.store(slot_of(branch).as_ptr().cast(), Ordering::Relaxed);
    }
}

fn slot_of(branch: Ref<'_>) -> NonNull<Node> {
    // SAFETY: the memory of a branch is twice as large as the branch.
    unsafe { branch.ptr().byte_add(branch_layout().size() / 2) }
}

/// Has a model check fail if somebody may still be using the child that was last in the slot of a branch.
///
/// # Safety
///
/// The branch is about to be freed, and nobody uses it, or what was below it, any more.
pub(super) unsafe fn claim_slot(branch: Ref<'_>) {
    // What came back is not in use, and was perhaps never made.
    if KEEPS_SPARE && !branch.has_spare() {
        // SAFETY: a slot that is gone has a node in it, which the caller promises nobody uses.
        unsafe { Ref::new(slot_of(branch)).claim() };
    }
}

/// Frees what a cancelable node keeps that is not a branch. Nobody else uses the node any more.
#[inline]
pub(super) fn free_spare(node: Ref<'_>) {
    let spare = NonNull::new(node.cancelable().spare.load(Ordering::Relaxed));
    if let Some(memory) = spare {
        node.cancelable().spare.store(ptr::null_mut(), Ordering::Relaxed);
        // SAFETY: it was placed with this layout, is in use by nobody, and is not found here again.
        unsafe { dealloc(memory.cast(), Layout::new::<Cancelable>()) };
    }
}
