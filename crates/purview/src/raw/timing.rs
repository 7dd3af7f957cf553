//! Deadlines: who arms them, and what happens when they come.

use super::cause::CauseWord;
use super::node::{Kind, NO_DEADLINE, Ref};
use super::state::State;
use super::tree::{Share, release};
use super::walk::cancel;
use crate::reason::Reason;
use crate::sync::Ordering;
use crate::timer::Timers;

/// The first look at a node whose own deadline nobody has looked for: if the time is up it is done now, else its timer
/// is armed. The caller keeps the node alive.
#[cold]
pub(super) fn first_look(node: Ref<'_>) {
    let timers = node.timers();
    // The clock may be foreign code: it is asked before any lock is taken.
    let now = timers.now();
    if now >= node.timed().deadline {
        expire(node);
        return;
    }
    if !timers.can_drive() {
        // There is no thread to be had. The node stays as it is, and each look asks the clock.
        return;
    }
    let mut wheel = timers.lock();
    let locked = node.lock();
    if locked.state() != State::UNARMED {
        return;
    }
    locked.set_armed();
    // SAFETY: the wheel's lock is held, the node was not armed before, and `finish` takes it out.
    unsafe { wheel.insert(node) };
    drop(locked);
    timers.unlock_and_wake(wheel, now);
    // A clock that is moved by hand may have moved on meanwhile, and was not turned for what was not in the wheel yet.
    if !timers.is_system() && timers.now() >= node.timed().deadline {
        expire(node);
    }
}

/// Looks at the scope of a node, as a read does; true if it is done.
#[inline]
pub(super) fn look(scope: Ref<'_>) -> State {
    let state = scope.state();
    if state != State::UNARMED {
        return state;
    }
    first_look(scope);
    scope.state()
}

impl Ref<'_> {
    /// Whether the wheel may know of the node.
    pub(super) fn is_armed(self) -> bool {
        self.kind().has(Kind::TIMED) && self.node().slot.load(Ordering::Relaxed) != 0
    }
}

/// Takes a node out of the wheel, after which the wheel is done with it. No lock is held.
pub(super) fn disarm(node: Ref<'_>) {
    let mut wheel = node.timers().lock();
    // SAFETY: the wheel's lock is held, and the node is of this wheel.
    unsafe { wheel.remove(node) };
}

/// Ends a timed node whose deadline has passed, with the cause that was given for that. The caller keeps it alive.
pub(super) fn expire(node: Ref<'_>) {
    let cause = node.tail().and_then(|tail| tail.parts.deadline_cause.as_ref());
    // The cause lives in the node itself, and so as long as anybody below.
    cancel(node, Reason::DeadlineExceeded, cause.map_or(CauseWord::NONE, CauseWord::borrowed));
}

/// If the deadline that `node` is under has passed by its clock, everything under that deadline is done when this
/// returns. The answer is the time left in nanoseconds, none if there is no deadline. The caller keeps the node alive.
pub(super) fn check_clock(node: Ref<'_>) -> Option<i64> {
    let owner = node.scope().timing();
    let deadline = owner.timed().deadline;
    if deadline == NO_DEADLINE {
        return None;
    }
    let left = deadline.saturating_sub(owner.timers().now());
    if left <= 0 && !owner.state().is_settled() {
        expire(owner);
    }
    Some(left)
}

impl Timers {
    /// Fires everything that is due, the earliest first, and gives the moment up to which nothing is due after that.
    pub(crate) fn fire_due(&self) -> Option<i64> {
        loop {
            let now = self.now();
            let mut wheel = self.lock();
            // SAFETY: the wheel's lock is held.
            let Some(node) = (unsafe { wheel.pop_due(now) }) else {
                // SAFETY: as above.
                return unsafe { wheel.next_event() };
            };
            // SAFETY: a node that is freed takes the wheel's lock before, so it is alive or waits for us to let go.
            let node = unsafe { Ref::new(node) };
            let held = hold(node);
            drop(wheel);
            if held {
                expire(node);
                // SAFETY: the hold is ours.
                unsafe { release(node.ptr(), Share::Hold) };
            }
        }
    }
}

impl Timers {
    /// The nearest deadline that is armed.
    pub(crate) fn nearest(&self) -> Option<i64> {
        // SAFETY: the wheel's lock is held.
        unsafe { self.lock().nearest() }
    }
}

/// Takes a hold of a node that is found without a share in it; false if it is ending.
pub(super) fn hold(node: Ref<'_>) -> bool {
    let locked = node.lock();
    let alive = locked.is_alive();
    if alive {
        locked.add_hold();
    }
    alive
}

/// Whether a deadline is to be kept by the node itself: earlier than that of everything above.
pub(super) fn is_earlier(deadline: i64, above: Ref<'_>) -> bool {
    deadline < above.deadline()
}
