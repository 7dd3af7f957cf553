//! Freeing that would nest too deep is put off.
//!
//! Freeing a node drops what users put into it, and that may hold the last handle of another node, and so on, as deep as users
//! like. Up to [`DEEPEST`] the nested node is freed at once, as one expects of a drop. Below that, its share is put into a
//! list of this thread, which the loop at that depth gives back in turn.

use super::node::Node;
use super::tree::Share;
use std::cell::RefCell;
use std::ptr::NonNull;

/// So deep it may nest: a few kilobytes of stack.
pub(super) const DEEPEST: u32 = 8;

type Left = (NonNull<Node>, Share);

thread_local! {
    static LEFT: RefCell<Vec<Left>> = const { RefCell::new(Vec::new()) };
}

/// Puts a share off; false if that cannot be, since the thread is ending.
pub(super) fn put_off(share: Left) -> bool {
    LEFT.try_with(|left| left.borrow_mut().push(share)).is_ok()
}

/// A share that was put off.
pub(super) fn take() -> Option<Left> {
    LEFT.try_with(|left| left.borrow_mut().pop()).ok().flatten()
}
