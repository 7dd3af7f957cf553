//! Freeing that would nest too deep is put off.
//!
//! Freeing a node drops what users put into it, and that may hold the last handle of another node, and so on, as deep as users
//! like. Up to [`DEEPEST`] the nested node is freed at once, as one expects of a drop. Below that, its share is put into a
//! list of this thread, which the loop at that depth gives back in turn.

use super::tree::Left;
use std::cell::RefCell;

/// So deep it may nest: a few kilobytes of stack.
pub(super) const DEEPEST: u32 = 8;

thread_local! {
    static LEFT: RefCell<Vec<Left>> = const { RefCell::new(Vec::new()) };
}

/// Puts something off; false if that cannot be, since the thread is ending.
pub(super) fn put_off(left: Left) -> bool {
    LEFT.try_with(|list| list.borrow_mut().push(left)).is_ok()
}

/// What was put off.
pub(super) fn take() -> Option<Left> {
    LEFT.try_with(|list| list.borrow_mut().pop()).ok().flatten()
}
