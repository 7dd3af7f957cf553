//! A node under its lock: everything that the lock guards is reached from here.

use super::cause::CauseWord;
use super::extra::{ASIDE, Extra};
use super::node::{Cancelable, Links, Node, Ref};
use super::state::State;
use super::tree::extra_of;
use super::waiter::WaiterList;
use crate::reason::Reason;
use crate::sync::Ordering;
use std::ptr::NonNull;

/// A node whose lock we hold.
///
/// Lock order: a node before the nodes below it, the wheel before a node. No foreign code runs while one of these lives.
#[derive(Debug)]
pub(super) struct Locked<'a> {
    node: Ref<'a>,
    contended: bool,
}

impl<'a> Ref<'a> {
    #[inline]
    pub(super) fn lock(self) -> Locked<'a> {
        let contended = self.node().lock.lock();
        Locked { node: self, contended }
    }

    /// The state, with whatever was written before it.
    #[inline]
    pub(super) fn state(self) -> State {
        // Acquire: whoever sees the node done sees its cause (I6).
        State(self.node().state.load(Ordering::Acquire))
    }

    /// Says of a marked node that everything below it is marked as well. No lock is needed: of what others add to the state
    /// of a marked node meanwhile, this repeats or loses only that it is told.
    #[inline]
    pub(super) fn settle(self) {
        // Acquire: if another walk has told those who wait, our store says so too, and has to pass on what that walk did.
        let state = State(self.node().state.load(Ordering::Acquire));
        // Release: whoever finds it settled sees everything below marked (I4).
        self.node().state.store(state.settled().0, Ordering::Release);
    }
}

impl Ref<'_> {
    /// Says of a settled node that nobody is left in the list of its waiters, to which no one is added any more. Whoever
    /// settles it in the same moment may undo that: it only saves a locking.
    pub(super) fn set_told(self) {
        let state = State(self.node().state.load(Ordering::Relaxed));
        // Release: whoever sees it and has waited sees his waiter taken out.
        self.node().state.store(state.told().0, Ordering::Release);
    }
}

impl Drop for Locked<'_> {
    #[inline]
    fn drop(&mut self) {
        self.node.node().lock.unlock();
    }
}

impl<'a> Locked<'a> {
    #[inline]
    pub(super) fn node(&self) -> Ref<'a> {
        self.node
    }

    fn header(&self) -> &'a Node {
        self.node.node()
    }

    fn cancelable(&self) -> &'a Cancelable {
        self.node.cancelable()
    }

    /// Whether somebody else held the lock when we came.
    #[inline]
    pub(super) fn was_contended(&self) -> bool {
        self.contended
    }

    // ---- counts ----

    pub(super) fn is_alive(&self) -> bool {
        self.header().is_alive()
    }

    pub(super) fn holds(&self) -> u16 {
        self.header().holds.load(Ordering::Relaxed)
    }

    pub(super) fn derived(&self) -> u32 {
        self.header().derived.load(Ordering::Relaxed)
    }

    /// Adds a hold. The node must be alive.
    pub(super) fn add_hold(&self) {
        let holds = self.holds().checked_add(1).unwrap_or_else(|| {
            extra_of(self).put_holds_aside();
            u16::MAX - ASIDE + 1
        });
        self.header().holds.store(holds, Ordering::Relaxed);
    }

    pub(super) fn sub_hold(&self) {
        debug_assert!(self.holds() > 0, "a hold is given back once");
        let mut holds = self.holds() - 1;
        // While some are aside it never looks as if there were one or none.
        if holds < 2 && self.extra().is_some_and(Extra::take_holds_back) {
            holds += ASIDE;
        }
        self.leave_holds(holds);
    }

    #[inline]
    fn leave_holds(&self, holds: u16) {
        // Release: the last opener reads it without the lock, and frees the node when it is the last hold (I2).
        self.header().holds.store(holds, Ordering::Release);
    }

    /// Gives a hold back, if it is not the last share in a node without extra: then nothing follows from it.
    #[inline]
    pub(super) fn give_back_one_of_many(&self) -> bool {
        let holds = self.holds();
        let plain = (holds > 1 || self.derived() > 0) && self.extra().is_none();
        if plain {
            debug_assert!(holds > 0, "a hold is given back once");
            // Without extra none are aside.
            self.leave_holds(holds - 1);
        }
        plain
    }

    #[inline]
    pub(super) fn add_derived(&self) {
        // Four billion nodes do not fit a memory of this day; wrapping around would free a node in use.
        let Some(derived) = self.derived().checked_add(1) else { std::process::abort() };
        self.header().derived.store(derived, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn sub_derived(&self, count: u32) {
        debug_assert!(self.derived() >= count, "a derived node is given back once");
        // Release: as in `sub_hold`.
        self.header().derived.store(self.derived() - count, Ordering::Release);
    }

    /// Counts a contended visit; true when there were enough of them to grow branches, which is told once.
    pub(super) fn count_contention(&self) -> bool {
        let count = self.header().contended.load(Ordering::Relaxed);
        if count == u8::MAX {
            return false;
        }
        let reached = count + 1 >= crate::sync::CONTENTION_LIMIT;
        self.header().contended.store(if reached { u8::MAX } else { count + 1 }, Ordering::Relaxed);
        reached
    }

    pub(super) fn extra(&self) -> Option<&'a Extra> {
        let extra = self.header().extra.load(Ordering::Relaxed);
        // SAFETY: set once, under this lock, and freed with the node.
        unsafe { extra.as_ref() }
    }

    // ---- state ----

    pub(super) fn state(&self) -> State {
        // Acquire, although we have the lock: a node is settled without it.
        self.node.state()
    }

    /// Publishes that the node is done, and why.
    #[inline]
    pub(super) fn mark(&self, reason: Reason, cause: CauseWord) {
        self.publish(State::done(reason), cause);
    }

    /// The same for one that has nothing below: it is settled with that.
    #[inline]
    pub(super) fn mark_leaf(&self, reason: Reason, cause: CauseWord) {
        debug_assert!(self.first_child().is_none(), "what is below is marked before");
        self.publish(State::done(reason).settled(), cause);
    }

    #[inline]
    fn publish(&self, state: State, cause: CauseWord) {
        debug_assert!(!self.state().is_done(), "the first cancellation wins");
        if cause != CauseWord::AS_BORN {
            self.cancelable().cause.store(cause.0, Ordering::Relaxed);
        }
        // Release: the cause is there before the state says done (I6).
        self.header().state.store(state.0, Ordering::Release);
    }

    /// Says that the deadline of this node is armed.
    pub(super) fn set_armed(&self) {
        // Relaxed: whoever sees that it is armed concludes nothing but that he need not arm it.
        self.header().state.store(State::LIVE.0, Ordering::Relaxed);
    }

    // ---- children ----

    #[inline]
    pub(super) fn first_child(&self) -> Option<Ref<'a>> {
        // SAFETY: our lock guards the list; linked children are alive while it is held (I2).
        self.cancelable().children.with(|head| unsafe { (*head).map(|child| Ref::new(child)) })
    }

    /// The child after `child`, which is one of ours.
    #[inline]
    #[expect(clippy::unused_self, reason = "the lock that is held is the witness")]
    pub(super) fn next_child(&self, child: Ref<'_>) -> Option<Ref<'a>> {
        // SAFETY: our lock guards the links of our children; the one after the youngest is none.
        child.cancelable().links.with(|links| unsafe { (*links).next.map(|next| Ref::new(next)) })
    }

    /// Links `child` as the youngest.
    #[inline]
    pub(super) fn push_child(&self, child: Ref<'_>) {
        let new = child.ptr();
        // SAFETY: our lock guards the list and the links of the children in it; they are alive while linked (I2).
        self.cancelable().children.with_mut(|head| unsafe {
            let Some(eldest) = *head else {
                child.cancelable().links.with_mut(|links| *links = Links { prev: Some(new), next: None });
                *head = Some(new);
                return;
            };
            let youngest = links_of(eldest, |links| links.prev.replace(new)).unwrap_or(eldest);
            links_of(youngest, |links| links.next = Some(new));
            links_of(new, |links| *links = Links { prev: Some(youngest), next: None });
        });
    }

    /// Unlinks `child`, which is linked below us.
    #[inline]
    pub(super) fn remove_child(&self, child: Ref<'_>) {
        // SAFETY: as in `push_child`.
        self.cancelable().children.with_mut(|head| unsafe {
            let Links { prev, next } = links_of(child.ptr(), std::mem::take);
            let is_eldest = *head == Some(child.ptr());
            if is_eldest {
                *head = next;
            } else if let Some(prev) = prev {
                links_of(prev, |links| links.next = next);
            }
            // The `prev` of the eldest is the youngest, so the end of the list is mended there.
            let end = next.or(*head);
            if let Some(end) = end {
                links_of(end, |links| links.prev = prev);
            }
        });
    }

    // ---- waiters ----

    /// The list of those who wait for this node to be done.
    #[inline]
    pub(super) fn with_waiters<R>(&mut self, f: impl FnOnce(&mut WaiterList) -> R) -> R {
        // SAFETY: our lock guards the list, and `&mut self` keeps it from being lent twice.
        self.cancelable().waiters.with_mut(|list| f(unsafe { &mut *list }))
    }

    #[inline]
    pub(super) fn has_waiters(&self) -> bool {
        // SAFETY: our lock guards the list.
        self.cancelable().waiters.with(|list| unsafe { !(*list).is_empty() })
    }

    /// Whether the end of this node has somebody to tell, or a timer to take out of the wheel.
    #[inline]
    pub(super) fn needs_wake(&self) -> bool {
        self.has_waiters() || self.node.is_armed()
    }
}

/// Changes the links of a child.
///
/// # Safety
///
/// It is alive, and the lock of the node that it is linked below is held.
#[inline]
unsafe fn links_of<R>(child: NonNull<Node>, f: impl FnOnce(&mut Links) -> R) -> R {
    // SAFETY: the caller's promise; linked nodes are cancelable (I3).
    unsafe { Ref::new(child) }.cancelable().links.with_mut(|links| f(unsafe { &mut *links }))
}
