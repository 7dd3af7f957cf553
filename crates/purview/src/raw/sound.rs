//! What holds of a tree while nobody is at work in it, for models and tests to look at.

use super::handle::Handle;
use super::node::{Node, Ref};
use std::ptr::NonNull;

/// Panics if a context, or something below it, is not as README.md has it.
pub(crate) fn assert_sound(handle: &Handle) {
    check(handle.node().scope());
}

fn check(node: Ref<'_>) {
    let mut locked = node.lock();
    let state = locked.state();
    assert!(locked.is_alive(), "what can be found has a share (I2)");
    locked.with_waiters(|list| {
        // SAFETY: the lock is held.
        let waiters = unsafe { list.len() };
        assert!(waiters == 0 || !state.is_done(), "whoever waited for what is done was told");
    });
    if state.is_done() {
        assert!(state.is_settled(), "a walk ends when all below is marked (I4)");
        let in_wheel = node.is_armed();
        assert!(!in_wheel, "what is done has no timer");
    }
    let mut children = Vec::new();
    let mut next = locked.first_child();
    while let Some(child) = next {
        next = locked.next_child(child);
        assert!(child.parent().is_some_and(|parent| parent.scope() == node), "a child is below its scope");
        assert!(child.state().is_done() || !state.is_done(), "what is below is done as well (I4)");
        children.push(child);
    }
    let before = children.iter().rev().take(1).chain(&children);
    for (child, before) in children.iter().zip(before) {
        assert!(prev(*child) == Some(before.ptr()), "the list reads the same in both directions");
    }
    let own = children.iter().filter(|child| child.parent() == Some(node)).count();
    assert!(own <= locked.derived() as usize, "whoever is below is counted (I1)");
    children.into_iter().for_each(check);
}

/// The elder neighbour; of the eldest, the youngest.
fn prev(child: Ref<'_>) -> Option<NonNull<Node>> {
    // SAFETY: the lock of the scope above is held.
    child.cancelable().links.with(|links| unsafe { (*links).prev })
}
