//! The two static roots.

use super::cause::CauseWord;
use super::node::{Cancelable, Kind, NO_DEADLINE, Node, Timed};
use super::state::State;
use crate::sync::{const_fn, global};
use std::ptr::{self, NonNull};

/// A root that lives for ever.
pub(super) struct Root(Timed);

// SAFETY: a static node is never changed: it is not counted, not locked, and nobody is linked below it.
unsafe impl Sync for Root {}
// SAFETY: as above.
unsafe impl Send for Root {}

const KIND: Kind = Kind::TIMED.and(Kind::NEVER).and(Kind::STATIC);

const_fn! {
    const fn root() -> Root {
        let node = Node::new(KIND, State::LIVE.0, 1, 1, None, None);
        // No timers of its own: the system's clock.
        Root(Timed::new(Cancelable::new(node, CauseWord::NONE, ptr::null()), NO_DEADLINE))
    }
}

global! {
    static BACKGROUND: Root = root();
}
global! {
    static TODO: Root = root();
}

pub(super) fn background() -> NonNull<Node> {
    NonNull::from(&BACKGROUND.0).cast()
}

pub(super) fn todo() -> NonNull<Node> {
    NonNull::from(&TODO.0).cast()
}

/// The text of a static root.
pub(super) fn label(node: NonNull<Node>) -> Option<&'static str> {
    if node == background() {
        Some("background")
    } else if node == todo() {
        Some("todo")
    } else {
        None
    }
}
