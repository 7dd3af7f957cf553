//! Cancellation: mark everything below, and only then wake.
//!
//! The walk is a loop over the tree that needs no stack: parents are found by their immutable links. It takes the lock
//! of a node for its children and, inside, the lock of one child at a time. It marks each child with the reason and
//! cause of the node above it, so that a walk that meets another one helps it, whoever began first. README.md has the
//! protocol and its races.

use super::cause::CauseWord;
use super::locked::Locked;
use super::node::{Kind, Node, Ref};
use super::tree::{Share, free_alone, release, take_waiters};
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
    if first {
        locked.mark(reason, cause);
    }
    let mut walk = Walk::new();
    if locked.first_child().is_none() {
        locked.settle();
        walk.note_marked(&locked, first);
        drop(locked);
    } else {
        walk.note_marked(&locked, first);
        drop(locked);
        walk.mark_below(node);
    }
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
    let shared = locked.holds() > 1 || locked.derived() > 0;
    let quiet = locked.state().is_settled()
        || (!locked.state().is_done() && locked.first_child().is_none() && !locked.needs_wake());
    if shared && quiet && !cause.is_owned() && locked.extra().is_none() {
        if !locked.state().is_done() {
            locked.mark(reason, cause);
            locked.settle();
        }
        locked.sub_hold();
        return;
    }
    drop(locked);
    cancel(this, reason, cause);
    // SAFETY: the caller's promise.
    unsafe { release(node, Share::Hold) };
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
    Descend(Ref<'a>),
}

impl Walk {
    const fn new() -> Self {
        Self { wake_first: None, wake_last: None, ended: None, links: Vec::new() }
    }

    /// Marks everything below `top`, which is marked, and settles it.
    fn mark_below(&mut self, top: Ref<'_>) {
        let mut current = top;
        let mut above = current.lock();
        let mut child = above.first_child();
        let mut visited = 0;
        loop {
            let Some(this) = child else {
                above.settle();
                if current == top {
                    return;
                }
                drop(above);
                let (up, next) = self.ascend(current);
                child = next;
                current = up.node();
                above = up;
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
                    drop(above);
                    current = below;
                    above = current.lock();
                    child = above.first_child();
                }
            }
        }
    }

    /// Marks `child` with what is known of the node above, whose lock is held.
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
            locked.settle();
            return Step::Next;
        }
        locked.add_hold();
        Step::Descend(child)
    }

    /// Goes through a link to the merged node behind it. The lock of the link is held, and that of the source above.
    fn visit_merged<'a>(&mut self, link: &Locked<'a>) -> Step<'a> {
        let merged = super::merge::target(link.node());
        let locked = merged.lock();
        if !locked.is_alive() || locked.state().is_settled() {
            link.settle();
            return Step::Next;
        }
        self.mark_from(&locked, link.node());
        // Its place in `links` is needed even where nothing is below, to settle the link on the way up.
        locked.add_hold();
        self.links.push(link.node().ptr());
        Step::Descend(merged)
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

    /// Leaves `current`, below which all is marked, for the node that it was entered from. The answer is that node, under
    /// its lock, and the next child to visit. The hold that came with the descent is given back.
    fn ascend<'a>(&mut self, current: Ref<'a>) -> (Locked<'a>, Option<Ref<'a>>) {
        let through = self.links.last().copied().filter(|link| {
            // SAFETY: a merged node with a hold of ours keeps its links.
            super::merge::target(unsafe { Ref::new(*link) }) == current
        });
        let entered = match through {
            None => current,
            Some(link) => {
                self.links.pop();
                // SAFETY: as above.
                unsafe { Ref::new(link) }
            }
        };
        let Some(up) = entered.parent().map(Ref::scope) else {
            unreachable!("what a walk descends to has a parent")
        };
        let up = up.lock();
        if entered != current {
            entered.lock().settle();
        }
        let next = up.next_child(entered);
        self.give_back(current);
        (up, next)
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
        let mut next = self.wake_first.take();
        while let Some(node) = next {
            // SAFETY: a node in the list has a hold of ours, which is given back after the last use.
            unsafe {
                next = get_next(Ref::new(node));
                wake(Ref::new(node));
                release(node, Share::Hold);
            }
        }
    }
}

/// Wakes those who wait for `node`, which is done and to which no one is added any more, the eldest first.
fn wake(node: Ref<'_>) {
    take_waiters(node, WakeBatch::notify_all);
    if node.kind().has(Kind::TIMED) {
        super::timing::disarm(node);
    }
}

fn set_next(node: Ref<'_>, next: Option<NonNull<Node>>) {
    // SAFETY: the link belongs to the walk that marked the node, or that has its last share (I7): this one.
    node.cancelable().next_in_walk.with_mut(|link| unsafe { *link = next });
}

fn get_next(node: Ref<'_>) -> Option<NonNull<Node>> {
    // SAFETY: as in `set_next`.
    node.cancelable().next_in_walk.with(|link| unsafe { *link })
}
