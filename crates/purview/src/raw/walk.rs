//! Cancellation: mark everything below, and only then wake.
//!
//! The walk is a loop over the tree that needs no stack: parents are found by their immutable links. It takes the lock
//! of a node for its children and, inside, the lock of one child at a time. It marks each child with the reason and
//! cause of the node above it, so that a walk that meets another one helps it, whoever began first. README.md has the
//! protocol and its races.

use super::cause::CauseWord;
use super::closing::free_alone;
use super::locked::Locked;
use super::node::{Kind, Node, Ref};
use super::tree::{Share, release};
use super::waiter::WakeBatch;
use crate::reason::Reason;
use crate::sync::MARK_BATCH;
use std::ptr::NonNull;

/// Marks `node` and everything below it done, then wakes all that the marking met. False if the node was done before;
/// also then everything below is marked when this returns.
///
/// The word is taken over. The caller has a share in the node and keeps it.
pub(super) fn cancel(node: Ref<'_>, reason: Reason, cause: CauseWord) -> bool {
    if node.state().is_settled() {
        // SAFETY: the word was never stored.
        crate::sync::shield(|| unsafe { cause.drop_owned() });
        return false;
    }
    let locked = node.lock();
    let first = !locked.state().is_done();
    if first && locked.first_child().is_none() {
        locked.add_hold();
        // SAFETY: the hold is ours.
        unsafe { end_leaf(locked, reason, cause) };
        return true;
    }
    if first {
        locked.mark(reason, cause);
    }
    let mut walk = Walk::new();
    walk.note_marked(&locked, first);
    walk.mark_below(locked);
    if !first {
        // SAFETY: the word was never stored.
        crate::sync::shield(|| unsafe { cause.drop_owned() });
    }
    walk.finish();
    first
}

/// [`cancel`] for one who gives his hold back with it, in one locking where nothing is below and nobody waits.
///
/// # Safety
///
/// The caller has a hold, and does not use the node by it any more.
pub(super) unsafe fn cancel_and_release(node: NonNull<Node>, reason: Reason, cause: CauseWord) {
    // SAFETY: the hold keeps it alive.
    let this = unsafe { Ref::new(node) };
    // SAFETY: the hold is the caller's, and it is the only share if the node is alone: nobody is left to see its end.
    if !cause.is_owned() && unsafe { free_alone(this) } {
        return;
    }
    let locked = this.lock();
    if !locked.state().is_done() && locked.first_child().is_none() {
        // SAFETY: the caller's promise.
        return unsafe { end_leaf(locked, reason, cause) };
    }
    if locked.state().is_settled() && !cause.is_owned() && locked.give_back_one_of_many() {
        return;
    }
    drop(locked);
    cancel(this, reason, cause);
    // SAFETY: the caller's promise.
    unsafe { release(node, Share::Hold) };
}

/// All that a walk is for a node that is not done and has nothing below, in the locking in which that was seen: marks it,
/// tells those who wait for it, and gives a hold of it back.
///
/// # Safety
///
/// The hold is the caller's, who does not use the node by it any more.
#[inline]
unsafe fn end_leaf(locked: Locked<'_>, reason: Reason, cause: CauseWord) {
    let is_quiet = !locked.needs_wake();
    locked.mark_leaf(reason, cause);
    // SAFETY: the caller's promise.
    unsafe {
        if !is_quiet {
            tell_leaf(locked);
        } else if !locked.give_back_one_of_many() {
            let node = locked.node().ptr();
            drop(locked);
            release(node, Share::Hold);
        }
    }
}

/// # Safety
///
/// As for [`end_leaf`].
#[inline(never)]
unsafe fn tell_leaf(locked: Locked<'_>) {
    let node = locked.node();
    let mut batch = WakeBatch::new();
    // SAFETY: the caller's promise.
    unsafe {
        if node.is_armed() {
            drop(locked);
            wake_and_release(node, &mut batch);
        } else {
            take_and_release(locked, &mut batch);
        }
    }
    batch.notify_all();
}

/// What a walk has to remember: nodes in lists that are linked through `next_in_walk`, which belongs to the walk that
/// marked the node, or to the one that gave its last share back (I7).
#[derive(Debug)]
struct Walk {
    /// Marked by us, with somebody to tell; each with a hold. In the order of marking.
    wake_first: Option<NonNull<Node>>,
    wake_last: Option<NonNull<Node>>,
    /// Nodes that we gave the last share back of, to be finished when no lock is held. Each has got a hold again.
    ended: Option<NonNull<Node>>,
    /// The links to merged nodes that we are below of, outermost first. Most trees have none.
    links: Vec<NonNull<Node>>,
}

/// Where a walk goes from a child.
enum Step<'a> {
    /// To the next child: there is nothing below this one to mark.
    Next,
    /// Below this node, which was given a hold.
    Descend(Locked<'a>),
}

impl Walk {
    const fn new() -> Self {
        Self { wake_first: None, wake_last: None, ended: None, links: Vec::new() }
    }

    /// Marks everything below the node whose lock is given, which is marked, and settles it.
    ///
    /// Of the nodes on the way down only the lowest has a hold of ours: it keeps those above it.
    fn mark_below(&mut self, top: Locked<'_>) {
        let mut above = top;
        let top = above.node();
        let mut child = above.first_child();
        let mut visited = 0;
        // How many of the last steps down were to a last child.
        let mut last_ones = 0;
        loop {
            let Some(this) = child else {
                let current = above.node();
                drop(above);
                current.settle();
                let Some(place) = self.ascend(current, top, std::mem::take(&mut last_ones)) else { return };
                (above, child) = place;
                continue;
            };
            match self.visit(&above, this) {
                Step::Next => {
                    visited += 1;
                    if visited % MARK_BATCH == 0 {
                        above = self.pause(above, this);
                    }
                    child = above.next_child(this);
                }
                Step::Descend(below) => {
                    last_ones = if is_last(&above, this) { last_ones + 1 } else { 0 };
                    if above.node() != top {
                        // It is kept by what we go down to.
                        above.sub_hold();
                    }
                    above = below;
                    child = above.first_child();
                }
            }
        }
    }

    /// Marks `child` with what is known of the node above, whose lock is held.
    #[inline]
    fn visit<'a>(&mut self, above: &Locked<'_>, child: Ref<'a>) -> Step<'a> {
        let locked = child.lock();
        if !locked.is_alive() || locked.state().is_settled() {
            return Step::Next;
        }
        self.mark_from(&locked, above.node());
        if child.kind().has(Kind::LINK) {
            return self.visit_merged(&locked);
        }
        if locked.first_child().is_none() {
            child.settle();
            return Step::Next;
        }
        locked.add_hold();
        Step::Descend(locked)
    }

    /// Goes through a link to the merged node behind it. The lock of the link is held, and that of the source above.
    fn visit_merged<'a>(&mut self, link: &Locked<'a>) -> Step<'a> {
        let merged = super::merge::target(link.node());
        let locked = merged.lock();
        if !locked.is_alive() || locked.state().is_settled() {
            link.node().settle();
            return Step::Next;
        }
        self.mark_from(&locked, link.node());
        // Its place in `links` is needed even where nothing is below, to settle the link on the way up.
        locked.add_hold();
        self.links.push(link.node().ptr());
        Step::Descend(locked)
    }

    fn mark_from(&mut self, locked: &Locked<'_>, above: Ref<'_>) {
        let Some(reason) = above.state().reason() else { return };
        let first = !locked.state().is_done();
        if first {
            locked.mark(reason, above.cancelable().cause_word().lend());
        }
        self.note_marked(locked, first);
    }

    /// Remembers a node that we marked, if there is somebody to tell.
    fn note_marked(&mut self, locked: &Locked<'_>, first: bool) {
        if !first || !locked.needs_wake() {
            return;
        }
        locked.add_hold();
        let node = locked.node().ptr();
        set_next(locked.node(), None);
        match self.wake_last.replace(node) {
            None => self.wake_first = Some(node),
            // SAFETY: a node in the list has a hold of ours.
            Some(last) => set_next(unsafe { Ref::new(last) }, Some(node)),
        }
    }

    /// Leaves `current`, which is settled, for the next node above that has something left to visit. The answer is that node,
    /// under its lock, and the child to go on with; none when there is nothing left below `top`. The hold moves there.
    ///
    /// Below a node that was left for its last child nothing is left: what was linked since was born done.
    fn ascend<'a>(
        &mut self,
        current: Ref<'a>,
        top: Ref<'a>,
        last_ones: usize,
    ) -> Option<(Locked<'a>, Option<Ref<'a>>)> {
        let mut settled = current;
        for _ in 0..last_ones {
            settled = scope_above(settled);
            settled.settle();
        }
        if settled == top {
            if current != top {
                self.give_back(current);
            }
            return None;
        }
        let through = self.links.last().copied().filter(|link| {
            // SAFETY: a merged node that is kept by our hold keeps its links.
            super::merge::target(unsafe { Ref::new(*link) }) == settled
        });
        let entered = match through {
            None => settled,
            Some(link) => {
                self.links.pop();
                // SAFETY: as above.
                let link = unsafe { Ref::new(link) };
                link.settle();
                link
            }
        };
        let up = scope_above(entered).lock();
        if up.node() != top {
            up.add_hold();
        }
        let next = up.next_child(entered);
        self.give_back(current);
        Some((up, next))
    }

    /// Gives a hold back while a lock is held: if it was the last share, the node is kept for `finish`.
    fn give_back(&mut self, node: Ref<'_>) {
        let locked = node.lock();
        debug_assert!(locked.state().is_done(), "only a marked node can be the last to go");
        // With branches it may be the last but for those, which `release` sees to.
        if locked.holds() == 1 && (locked.derived() == 0 || locked.extra().is_some()) {
            set_next(node, self.ended.replace(node.ptr()));
        } else {
            locked.sub_hold();
        }
    }

    /// Lets others have the lock for a moment. The child that was visited last keeps its place in the list by a hold, which
    /// is given back when the lock is held again, so that the child is there to go on from.
    fn pause<'a>(&mut self, above: Locked<'a>, last: Ref<'_>) -> Locked<'a> {
        let node = above.node();
        // Nobody but its merged node holds a link; and a node that is ending waits for our lock. We pause later.
        if last.kind().has(Kind::LINK) || !super::timing::hold(last) {
            return above;
        }
        drop(above);
        let above = node.lock();
        // It was marked when it was visited: nobody marks it again, so that `ended` has its link for itself (I7).
        self.give_back(last);
        above
    }

    /// All is marked: wakes those who wait, in the order of marking, and gives all holds back. No lock is held.
    fn finish(mut self) {
        let mut next = self.ended.take();
        while let Some(node) = next {
            // SAFETY: we have the last share, the hold, and read the link before we give it back.
            unsafe {
                next = get_next(Ref::new(node));
                release(node, Share::Hold);
            }
        }
        let mut batch = WakeBatch::new();
        let mut next = self.wake_first.take();
        while let Some(node) = next {
            // SAFETY: a node in the list has a hold of ours, which is given back after the last use.
            unsafe {
                next = get_next(Ref::new(node));
                wake_and_release(Ref::new(node), &mut batch);
            }
        }
        batch.notify_all();
    }
}

/// Whether nothing follows `child`, and a walk that goes below it need not come back to the node above.
fn is_last(above: &Locked<'_>, child: Ref<'_>) -> bool {
    // Behind a link lies a node from elsewhere; and whoever has branches has to see to them when a hold is given back.
    above.next_child(child).is_none() && !child.kind().has(Kind::LINK) && above.extra().is_none()
}

/// The scope that a node is linked below.
fn scope_above(node: Ref<'_>) -> Ref<'_> {
    let Some(parent) = node.parent() else { unreachable!("what a walk descends to has a parent") };
    parent.scope()
}

/// Takes those who wait for `node`, which is done and to which no one is added any more, into the batch, the eldest first, and
/// gives a hold of it back. A full batch is told; what is in it at the end is left to the caller.
///
/// # Safety
///
/// The hold is the caller's, who does not use the node by it any more.
unsafe fn wake_and_release(node: Ref<'_>, batch: &mut WakeBatch) {
    // Since it was marked, under its lock, nobody puts it into the wheel any more.
    if node.is_armed() {
        super::timing::disarm(node);
    }
    // SAFETY: the caller's promise.
    unsafe { take_and_release(node.lock(), batch) };
}

/// [`wake_and_release`] of a node that is out of the wheel, under its lock.
///
/// # Safety
///
/// As for that.
unsafe fn take_and_release(mut locked: Locked<'_>, batch: &mut WakeBatch) {
    let node = locked.node();
    loop {
        // SAFETY: the lock is held.
        locked.with_waiters(|list| unsafe { list.pop_into(batch) });
        if !locked.has_waiters() {
            break;
        }
        drop(locked);
        batch.notify_all();
        locked = node.lock();
    }
    node.set_told();
    // Nothing may follow from it: then the same locking does.
    if locked.give_back_one_of_many() {
        return;
    }
    drop(locked);
    // What is freed with the node is foreign, and comes after those who were to be told before.
    batch.notify_all();
    // SAFETY: the caller's promise.
    unsafe { release(node.ptr(), Share::Hold) };
}

fn set_next(node: Ref<'_>, next: Option<NonNull<Node>>) {
    // SAFETY: the link belongs to the walk that marked the node, or that has its last share (I7): this one.
    node.cancelable().next_in_walk.with_mut(|link| unsafe { *link = next });
}

fn get_next(node: Ref<'_>) -> Option<NonNull<Node>> {
    // SAFETY: as in `set_next`.
    node.cancelable().next_in_walk.with(|link| unsafe { *link })
}
