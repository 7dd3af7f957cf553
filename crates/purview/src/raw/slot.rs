//! Puts the nodes of one slot of the wheel in order of their deadlines, in place.

use super::node::{Links, Node, Ref};
use super::wheel::links_at;
use std::ptr::NonNull;

type List = Option<NonNull<Node>>;

/// Sorts a list of nodes, the youngest first, by deadline, of equal ones the eldest first. A merge sort without
/// recursion: `bins[i]` is empty or a sorted list of two to the power of `i` nodes.
///
/// # Safety
///
/// The lock of the wheel is held, and the nodes are in its list.
pub(super) unsafe fn sort(list: List) -> List {
    let mut bins: [List; 48] = [None; 48];
    // SAFETY: the caller's promise, for this and all below.
    let mut rest = unsafe { reverse(list) };
    while let Some(node) = rest {
        // SAFETY: as above.
        rest = unsafe { links_at(node, |links| links.next.take()) };
        let mut carry = Some(node);
        for bin in &mut bins {
            let Some(elder) = bin.take() else {
                *bin = carry.take();
                break;
            };
            // SAFETY: as above.
            carry = unsafe { merge(Some(elder), carry) };
        }
        debug_assert!(carry.is_none(), "there is room for two to the power of 48");
    }
    // SAFETY: as above; a higher bin holds elder nodes.
    let sorted = bins.into_iter().fold(None, |younger, elder| unsafe { merge(elder, younger) });
    // SAFETY: as above.
    unsafe { mend_prev(sorted) };
    sorted
}

/// # Safety
///
/// As for [`sort`].
pub(super) unsafe fn reverse(mut list: List) -> List {
    let mut reversed = None;
    while let Some(node) = list {
        // SAFETY: the caller's promise.
        list = unsafe {
            links_at(node, |links| std::mem::replace(links, Links { prev: None, next: reversed }).next)
        };
        reversed = Some(node);
    }
    reversed
}

/// Merges two sorted lists; of equal deadlines those of `elder` come first.
///
/// # Safety
///
/// As for [`sort`].
unsafe fn merge(mut elder: List, mut younger: List) -> List {
    let mut head = None;
    let mut last: List = None;
    // SAFETY: the caller's promise, for all in this function.
    unsafe {
        while let (Some(a), Some(b)) = (elder, younger) {
            let (first, from) = if deadline(b) < deadline(a) { (b, &mut younger) } else { (a, &mut elder) };
            *from = links_at(first, |links| links.next);
            append(&mut head, &mut last, first);
        }
        if let Some(rest) = elder.or(younger) {
            append(&mut head, &mut last, rest);
        }
    }
    head
}

/// # Safety
///
/// As for [`sort`].
unsafe fn append(head: &mut List, last: &mut List, node: NonNull<Node>) {
    match last.replace(node) {
        None => *head = Some(node),
        // SAFETY: the caller's promise.
        Some(last) => unsafe { links_at(last, |links| links.next = Some(node)) },
    }
}

/// # Safety
///
/// As for [`sort`].
unsafe fn mend_prev(mut list: List) {
    let mut prev = None;
    while let Some(node) = list {
        // SAFETY: the caller's promise.
        list = unsafe {
            links_at(node, |links| {
                links.prev = prev;
                links.next
            })
        };
        prev = Some(node);
    }
}

/// # Safety
///
/// As for [`sort`].
unsafe fn deadline(node: NonNull<Node>) -> i64 {
    // SAFETY: the caller's promise.
    let node = unsafe { Ref::new(node) };
    node.timed().deadline
}
