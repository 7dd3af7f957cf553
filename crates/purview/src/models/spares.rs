//! The memory of a freed child, which its parent keeps for the next one.

use super::thread;
use super::{Count, model, root, sound};
use std::future::Future;
use std::pin::pin;
use std::task::Context as TaskContext;

#[test]
fn two_threads_that_want_the_memory_of_one_child_get_a_child_each() {
    model(3, || {
        let (parent, canceler) = root();
        drop(parent.with_cancel());
        let deriving = parent.clone();
        let other = thread::spawn(move || deriving.with_cancel());
        let (mine, my_canceler) = parent.with_cancel();
        let (theirs, their_canceler) = other.join().unwrap();
        my_canceler.cancel();
        assert!(mine.is_done() && !theirs.is_done());
        sound(&parent);
        drop(canceler);
        assert!(theirs.is_done());
        drop(their_canceler);
    });
}

#[test]
fn a_child_in_the_memory_of_one_that_a_walk_has_met_is_marked_too() {
    model(3, || {
        let (parent, canceler) = root();
        let first = parent.with_cancel();
        let deriving = parent.clone();
        let other = thread::spawn(move || {
            drop(first);
            deriving.with_cancel()
        });
        canceler.cancel();
        let (second, _second) = other.join().unwrap();
        assert!(second.is_done());
        sound(&parent);
    });
}

#[test]
fn whoever_waits_for_a_child_in_used_memory_is_woken_by_its_own_end_alone() {
    model(3, || {
        let (parent, canceler) = root();
        let (first, first_canceler) = parent.with_cancel();
        let other = thread::spawn(move || {
            first_canceler.cancel();
            drop(first);
        });
        let (second, second_canceler) = parent.with_cancel();
        let count = Count::new();
        let waker = count.waker();
        let mut done = pin!(second.done());
        assert!(done.as_mut().poll(&mut TaskContext::from_waker(&waker)).is_pending());
        other.join().unwrap();
        assert_eq!(count.wakes(), 0);
        second_canceler.cancel();
        assert_eq!(count.wakes(), 1);
        drop(canceler);
    });
}

#[test]
fn what_a_branch_keeps_is_freed_with_its_parent() {
    model(3, || {
        let (parent, canceler) = root();
        crate::raw::grow_branches(&parent.0);
        let deriving = parent.clone();
        let other = thread::spawn(move || drop(deriving.with_cancel()));
        drop(parent.with_cancel());
        drop(canceler);
        drop(parent);
        other.join().unwrap();
    });
}

#[test]
fn a_child_in_the_slot_of_a_branch_frees_what_it_keeps_itself() {
    model(3, || {
        let (parent, canceler) = root();
        crate::raw::grow_branches(&parent.0);
        let (child, child_canceler) = parent.with_cancel();
        drop(child.with_cancel());
        crate::raw::grow_branches(&child.0);
        let other = thread::spawn(move || drop((child, child_canceler)));
        drop((canceler, parent));
        other.join().unwrap();
    });
}
