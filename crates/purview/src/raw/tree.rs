//! Linking, counting and freeing nodes.

use super::alloc::{dealloc, place};
use super::deferred;
use super::extra::Extra;
use super::locked::Locked;
use super::node::{Cancelable, Kind, Node, Ref, Timed};
use super::spare::free_spare;
use super::state::State;
use super::tail::{drop_tail, free_full};
use super::waiter::WakeBatch;
use crate::sync::{Nesting, Ordering, shield};
use std::alloc::Layout;
use std::ptr::NonNull;

/// Puts a node without a tail into memory.
pub(super) fn alloc_cancelable(node: Cancelable) -> NonNull<Node> {
    place(node, Layout::new::<Cancelable>()).cast()
}

/// As [`alloc_cancelable`], with a deadline.
pub(super) fn alloc_timed(node: Timed) -> NonNull<Node> {
    place(node, Layout::new::<Timed>()).cast()
}

/// Counts `child`, which nobody has seen yet, below its parent, and links it below its scope if it is cancelable. If
/// the scope is done already, the child is born done, with the same reason and cause.
///
/// The parent is kept alive by the caller, or is a branch: then the answer is false, and nothing was done, if it ended.
pub(super) fn attach(child: Ref<'_>) -> bool {
    let Some(parent) = child.parent() else { return true };
    let scope = parent.scope();
    let linked = is_linked(child);
    if parent == scope && linked {
        return attach_linked(parent, child);
    }
    if !parent.kind().has(Kind::STATIC) {
        let above = parent.lock();
        if parent.kind().has(Kind::BRANCH) && !above.is_alive() {
            return false;
        }
        above.add_derived();
        note_contention(above);
    }
    if linked {
        let mut above = scope.lock();
        link(&mut above, child);
        note_contention(above);
    }
    true
}

/// [`attach`] for a child that is to be linked below its very parent.
#[inline]
pub(super) fn attach_linked(parent: Ref<'_>, child: Ref<'_>) -> bool {
    let mut above = parent.lock();
    if parent.kind().has(Kind::BRANCH) && !above.is_alive() {
        return false;
    }
    above.add_derived();
    link(&mut above, child);
    note_contention(above);
    true
}

/// Makes a child that is to be linked below its very parent, in memory that the parent keeps, and attaches it. Without such
/// memory, or below a branch that ended, nothing is done.
#[inline]
pub(super) fn make_in_spare(
    parent: Ref<'_>,
    child: impl FnOnce(Kind) -> Cancelable,
) -> Option<NonNull<Node>> {
    if !parent.has_spare() {
        return None;
    }
    let mut above = parent.lock();
    if parent.kind().has(Kind::BRANCH) && !above.is_alive() {
        return None;
    }
    let node = above.make_in_spare(child)?;
    above.add_derived();
    // SAFETY: just made.
    link(&mut above, unsafe { Ref::new(node) });
    note_contention(above);
    Some(node)
}

/// Whether a node is, or is to be, among the children of its scope above. Never changes.
fn is_linked(node: Ref<'_>) -> bool {
    node.kind().has(Kind::CANCELABLE)
        && !node.kind().has(Kind::NEVER)
        && node.parent().is_some_and(|parent| !parent.scope().kind().has(Kind::STATIC))
}

fn link(above: &mut Locked<'_>, child: Ref<'_>) {
    let state = above.state();
    if let Some(reason) = state.reason() {
        let below = child.cancelable();
        let cause = above.node().cancelable().cause_word().lend();
        below.cause.store(cause.0, Ordering::Relaxed);
        // Relaxed: nobody has seen the node yet, and whoever gets it gets all this with it.
        below.node.state.store(State::done(reason).settled().0, Ordering::Relaxed);
    }
    above.push_child(child);
}

/// Gives the lock back, and has the node grow branches when the lock was found taken too often.
#[inline]
fn note_contention(locked: Locked<'_>) {
    if locked.was_contended() {
        count_contention(locked);
    }
}

#[cold]
pub(super) fn count_contention(locked: Locked<'_>) {
    let node = locked.node();
    let grow = !node.kind().has(Kind::BRANCH) && !node.scope().state().is_done() && locked.count_contention();
    drop(locked);
    if grow {
        super::branch::grow(node);
    }
}

/// What is given back to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// One of its holds.
    Hold,
    /// So many of the nodes derived from it.
    Derived(u32),
    /// A hold, and so many of the nodes derived from it.
    HoldAndDerived(u32),
}

/// What is left to be done by one who gave a share back.
#[derive(Clone, Copy, Debug)]
pub(super) enum Left {
    /// To give this share in a node back.
    Share(NonNull<Node>, Share),
    /// To end a node: its last share was given back, by him.
    End(NonNull<Node>),
}

impl Left {
    fn node(self) -> NonNull<Node> {
        match self {
            Self::Share(node, _) | Self::End(node) => node,
        }
    }
}

/// Gives a share in a node back, and frees the node if it was the last, and its parent if that was the last, and so on
/// up the chain: a loop, whatever the depth. No lock is held.
///
/// # Safety
///
/// The caller has the share, and does not use the node by it any more.
pub(super) unsafe fn release(node: NonNull<Node>, share: Share) {
    // SAFETY: the caller's promise.
    unsafe { do_all(Left::Share(node, share)) };
}

/// Does what is left, and what is left after that, and so on. No lock is held.
///
/// # Safety
///
/// It is left to the caller.
pub(super) unsafe fn do_all(left: Left) {
    let nesting = Nesting::enter();
    let too_deep = nesting.depth() > deferred::DEEPEST;
    // A link has to end before the merged node that is being freed around us: of that, only what it leaves over is put off.
    // SAFETY: the share keeps the node, and one that is to be ended is ours.
    let is_link = unsafe { Ref::new(left.node()) }.kind().has(Kind::LINK);
    if too_deep && !is_link && deferred::put_off(left) {
        return;
    }
    let mut next = Some(left);
    while let Some(left) = next.or_else(|| deferred_at(&nesting)) {
        // SAFETY: a share keeps its node until it is given back under the lock; a node that is to be ended is ours.
        next = unsafe {
            match left {
                Left::Share(node, share) => give_back(Ref::new(node).lock(), share),
                Left::End(node) => finish(Ref::new(node)),
            }
        };
        if too_deep {
            next = next.filter(|left| !deferred::put_off(*left));
        }
    }
}

/// What was put off by those who would have nested deeper than this.
fn deferred_at(nesting: &Nesting) -> Option<Left> {
    if nesting.depth() == deferred::DEEPEST { deferred::take() } else { None }
}

/// Gives a share back, under the lock, and ends the node if it was the last.
///
/// # Safety
///
/// As for [`release`].
unsafe fn give_back(mut locked: Locked<'_>, share: Share) -> Option<Left> {
    let node = locked.node();
    match share {
        Share::Hold => locked.sub_hold(),
        Share::Derived(count) => locked.sub_derived(count),
        Share::HoldAndDerived(count) => {
            locked.sub_hold();
            locked.sub_derived(count);
        }
    }
    if !locked.is_alive() {
        drop(locked);
        // SAFETY: nobody holds it, and whoever finds it by its links sees that it is not alive (I2).
        return unsafe { finish(node) };
    }
    let extra = locked.extra()?;
    if let Some(branches) = extra.branches() {
        let only_branches = locked.holds() == 0 && locked.derived() as usize == branches.len();
        if only_branches && branches.is_open() {
            branches.close();
            // Keeps the node, and with it the memory of the branches, while they are let go.
            locked.add_hold();
            drop(locked);
            // SAFETY: the branches were open, so each has the hold that came with that.
            let ended = unsafe { super::branch::let_go(node, branches) };
            return Some(Left::Share(node.ptr(), Share::HoldAndDerived(ended)));
        }
    }
    if locked.derived() == 0 && extra.with_drained(&mut locked, |list| !list.is_empty()) {
        locked.add_hold();
        drop(locked);
        wake_drained(node, extra);
        return Some(Left::Share(node.ptr(), Share::Hold));
    }
    None
}

/// Tells those who wait for `node` to be drained. The caller has a hold.
fn wake_drained(node: Ref<'_>, extra: &Extra) {
    let mut batch = WakeBatch::new();
    loop {
        let mut locked = node.lock();
        // SAFETY: the lock is held.
        extra.with_drained(&mut locked, |list| unsafe { list.pop_into(&mut batch) });
        drop(locked);
        let more = batch.is_full();
        batch.notify_all();
        if !more {
            return;
        }
    }
}

/// Ends a node that is not alive any more: drops what it holds, takes it out of the wheel and of the children of its
/// scope, and frees it. The answer is what is left to do after that.
///
/// # Safety
///
/// The node was found not alive under its lock, by the one who made it so.
unsafe fn finish(node: Ref<'_>) -> Option<Left> {
    let kind = node.kind();
    if node.is_armed() {
        super::timing::disarm(node);
    }
    if kind.has(Kind::CANCELABLE) {
        // What is still there are callbacks that can never be called any more; whoever else waits has a handle.
        drop_waiters(node);
    }
    if kind.has(Kind::TAIL) {
        // SAFETY: the node is not alive, so nobody but us reaches its tail.
        unsafe { drop_tail(node.ptr(), kind) };
    }
    // SAFETY: nothing below is left, so nobody uses the cause or one lent from it.
    unsafe { drop_cause(node) };
    let parent = node.parent()?;
    if is_linked(node) {
        // SAFETY: the node is not alive, and in the list of this scope.
        return unsafe { leave(node, parent, parent.scope().lock()) };
    }
    // SAFETY: nobody can find the node any more.
    unsafe { free(node) };
    (!parent.kind().has(Kind::STATIC)).then_some(Left::Share(parent.ptr(), Share::Derived(1)))
}

/// Takes a node that nobody holds any more out of the children of its scope, whose lock is given, and frees it. Its share
/// in its parent is given back under the same lock, where it is that of the parent; otherwise it is left.
///
/// # Safety
///
/// Nobody uses the node any more, and nothing in it is left to be dropped.
#[inline]
pub(super) unsafe fn leave(node: Ref<'_>, parent: Ref<'_>, above: Locked<'_>) -> Option<Left> {
    above.remove_child(node);
    let fits = above.node() == parent && above.fits_spare(node);
    // The memory of a slot is its parent's: the share that keeps it is given back after the last use.
    let used_after = node.kind().has(Kind::SLOT) && !fits;
    let left = if above.node() != parent || above.extra().is_some() || used_after {
        Some(Left::Share(parent.ptr(), Share::Derived(1)))
    } else {
        above.sub_derived(1);
        (!above.is_alive()).then_some(Left::End(parent.ptr()))
    };
    if left.is_none() && fits {
        // SAFETY: nobody can find it any more.
        unsafe { above.keep_spare(node) };
        return None;
    }
    drop(above);
    // SAFETY: as above.
    unsafe { free(node) };
    left
}

/// Takes the callbacks of a node that is not alive out, and drops them uncalled, with no lock held.
fn drop_waiters(node: Ref<'_>) {
    let mut batch = WakeBatch::new();
    while has_waiters(node) {
        let mut locked = node.lock();
        // SAFETY: the lock is held.
        locked.with_waiters(|list| unsafe { list.pop_into(&mut batch) });
        drop(locked);
        batch.drop_all();
    }
}

/// # Safety
///
/// Nobody uses the node, or one below it, any more.
unsafe fn drop_cause(node: Ref<'_>) {
    if node.kind().has(Kind::CANCELABLE) {
        let word = node.cancelable().cause_word();
        if word.is_owned() {
            // SAFETY: the caller's promise.
            shield(|| unsafe { word.drop_owned() });
        }
    }
}

/// # Safety
///
/// Nobody can find the node any more, and its tail was dropped.
pub(super) unsafe fn free(node: Ref<'_>) {
    let kind = node.kind();
    // The memory of a branch belongs to the node that it grew from, which is freed after it.
    if kind.has(Kind::BRANCH) {
        return;
    }
    if kind.has(Kind::CANCELABLE) {
        free_spare(node);
    }
    let extra = node.node().extra.load(Ordering::Relaxed);
    // SAFETY: the caller's promise.
    unsafe { node.claim() };
    if !extra.is_null() {
        // SAFETY: made from a box in `extra_of`, once.
        drop(unsafe { Box::from_raw(extra) });
    }
    let layout = match () {
        () if kind.has(Kind::SLOT) => return,
        () if kind.has(Kind::TAIL) => {
            // SAFETY: the caller's promise.
            return unsafe { free_full(node.ptr(), kind) };
        }
        () if kind.has(Kind::TIMED) => Layout::new::<Timed>(),
        () => Layout::new::<Cancelable>(),
    };
    // SAFETY: a cancelable node without a tail was placed with this layout; nothing in it is left to drop.
    unsafe { dealloc(node.ptr().cast(), layout) };
}

/// The extra of a node, made now if there is none.
pub(super) fn extra_of<'a>(locked: &Locked<'a>) -> &'a Extra {
    if let Some(extra) = locked.extra() {
        return extra;
    }
    let extra = Box::into_raw(Box::new(Extra::new()));
    // Release: whoever derives reads it without the lock.
    locked.node().node().extra.store(extra, Ordering::Release);
    // SAFETY: just made; freed with the node.
    unsafe { &*extra }
}

/// Whether callbacks are registered with a node that nobody else uses: it is not alive, or alone and under the lock that a
/// walk would come by.
#[inline]
pub(super) fn has_waiters(node: Ref<'_>) -> bool {
    // SAFETY: nobody else is there to change the list: no handle, no hold, no walk.
    node.cancelable().waiters.with(|list| unsafe { !(*list).is_empty() })
}
