//! Branches: below a node whose lock is found taken again and again, each thread derives under an internal node of its
//! own, so that many threads under one parent share nothing that they write.

use super::alloc::place;
use super::cause::CauseWord;
use super::extra::Branches;
use super::node::{Cancelable, Kind, Node, Ref};
use super::spare::{branch_layout, give_slot};
use super::state::State;
use super::timing::look;
use super::tree::{Share, attach, extra_of, release};
use crate::sync::{Ordering, cores, move_probe, probe, shield};
use std::ptr::NonNull;

/// The node to derive below instead of `node`: a branch of this thread's, or `node` itself.
#[inline]
pub(super) fn below(node: Ref<'_>) -> Ref<'_> {
    // Acquire: the branches are seen as they were made.
    let extra = node.node().extra.load(Ordering::Acquire);
    if extra.is_null() {
        return node;
    }
    // SAFETY: set once and freed with the node, which the caller keeps alive.
    match unsafe { &*extra }.branches() {
        // Below a node that is done everything has to be born done, which only the node itself can see to at once.
        Some(branches) if branches.is_open() && !node.scope().state().is_done() => {
            let branch = branches.pick(probe());
            if !branch.node().lock.is_free() {
                move_probe();
            }
            branch
        }
        _ => node,
    }
}

/// Grows branches below `node`, which the caller keeps alive.
///
/// Each is an ordinary child, marked by a walk as any other. The node owns their memory, and they keep the node alive
/// while they are alive: a cycle, which [`release`] breaks when nobody but they holds the node.
#[cold]
pub(super) fn grow(node: Ref<'_>) {
    // What hangs below a branch looks at that and not at the node, whose deadline has to be armed by then. The clock may be
    // foreign code.
    if !shield(|| _ = look(node.scope())) {
        return;
    }
    let count = (cores() * 2).next_power_of_two().clamp(2, 64);
    let nodes: Box<[NonNull<Node>]> = (0..count).map(|_| grow_one(node)).collect();
    let locked = node.lock();
    let extra = extra_of(&locked);
    debug_assert!(extra.branches().is_none(), "contention reaches its limit once");
    extra.set_branches(nodes);
    let closed = extra.branches().filter(|_| extra.is_counted());
    if let Some(branches) = closed {
        // Somebody waits for the node to be drained, and came while the branches grew.
        branches.close();
        locked.add_hold();
        drop(locked);
        // SAFETY: we closed them; the hold is ours.
        unsafe {
            let ended = let_go(node, branches);
            release(node.ptr(), Share::HoldAndDerived(ended));
        }
    }
}

fn grow_one(node: Ref<'_>) -> NonNull<Node> {
    // One hold, which is what open branches have.
    let header = Node::new(
        Kind::CANCELABLE.and(Kind::BRANCH),
        State::LIVE.0,
        0,
        1,
        Some(node.ptr()),
        node.node().values,
    );
    let timing = node.scope().timing().ptr().as_ptr().cast::<()>().cast_const();
    let branch = place(Cancelable::new(header, CauseWord::NONE, timing), branch_layout()).cast::<Node>();
    // SAFETY: just made.
    let this = unsafe { Ref::new(branch) };
    give_slot(this);
    attach(this);
    branch
}

/// Gives the holds of branches back that were just closed. The answer is how many of them ended, each of which leaves a
/// share in `node` to be given back.
///
/// # Safety
///
/// The caller closed them, and keeps `node` alive.
pub(super) unsafe fn let_go(node: Ref<'_>, branches: &Branches) -> u32 {
    let mut ended = 0;
    for branch in branches.iter() {
        let locked = branch.lock();
        locked.sub_hold();
        let alive = locked.is_alive();
        drop(locked);
        if !alive {
            node.scope().lock().remove_child(branch);
            ended += 1;
        }
    }
    ended
}

/// Has everything that is derived from `node` from now on counted in the node itself: closes its branches, and lets none
/// grow. The caller has a handle or a hold.
pub(super) fn count_here(node: Ref<'_>) {
    let locked = node.lock();
    let extra = extra_of(&locked);
    extra.set_counted();
    let Some(branches) = extra.branches().filter(|branches| branches.is_open()) else { return };
    branches.close();
    drop(locked);
    // SAFETY: we closed them, and the caller keeps the node alive.
    let ended = unsafe { let_go(node, branches) };
    if ended > 0 {
        // SAFETY: what the branches that ended left over.
        unsafe { release(node.ptr(), Share::Derived(ended)) };
    }
}

/// How many nodes are derived from `node` and exist, those below its branches included.
pub(super) fn count_derived(node: Ref<'_>) -> usize {
    let locked = node.lock();
    let Some(branches) = locked.extra().and_then(|extra| extra.branches()) else {
        return locked.derived() as usize;
    };
    // A branch that ended is not counted in the node any more.
    let (alive, below) = branches.iter().fold((0, 0), |(alive, below), branch| {
        let branch = branch.lock();
        (alive + usize::from(branch.is_alive()), below + branch.derived() as usize)
    });
    (locked.derived() as usize).saturating_sub(alive) + below
}
