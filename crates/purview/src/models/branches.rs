//! Branches, which under the model grow at the first contention.

use super::thread;
use super::{Count, model, root, sound};
use std::future::Future;
use std::task::Context as TaskContext;

#[test]
fn two_threads_derive_and_drop_under_one_parent() {
    model(3, || {
        let (parent, canceler) = root();
        let deriving = parent.clone();
        let other = thread::spawn(move || {
            let (child, child_canceler) = deriving.with_cancel();
            drop(child_canceler);
            assert!(child.is_done());
        });
        let (child, child_canceler) = parent.with_cancel();
        drop((child, child_canceler));
        other.join().unwrap();
        assert_eq!(parent.derived_count(), 0);
        drop(canceler);
        sound(&parent);
    });
}

#[test]
fn what_is_derived_while_branches_grow_is_marked() {
    model(3, || {
        let (parent, canceler) = root();
        let deriving = parent.clone();
        let other = thread::spawn(move || deriving.with_cancel());
        let (mine, _mine) = parent.with_cancel();
        canceler.cancel();
        let (theirs, _theirs) = other.join().unwrap();
        assert!(mine.is_done() && theirs.is_done());
        sound(&parent);
    });
}

#[test]
fn a_parent_that_only_its_branches_hold_is_freed() {
    model(3, || {
        let (parent, canceler) = root();
        canceler.detach();
        crate::raw::grow_branches(&parent.0);
        let (child, child_canceler) = parent.with_cancel();
        child_canceler.detach();
        assert_eq!(parent.derived_count(), 1);
        let dropper = thread::spawn(move || drop(child));
        drop(parent);
        dropper.join().unwrap();
    });
}

#[test]
fn the_memory_of_a_child_in_a_slot_is_used_no_more_when_its_branch_is_freed() {
    model(3, || {
        let (parent, canceler) = root();
        canceler.detach();
        crate::raw::grow_branches(&parent.0);
        let (child, child_canceler) = parent.with_cancel();
        child_canceler.detach();
        // A child that keeps memory itself is freed, and not kept by the branch.
        drop(child.with_cancel());
        let dropper = thread::spawn(move || drop(child));
        drop(parent);
        dropper.join().unwrap();
    });
}

#[test]
fn draining_counts_what_hangs_below_branches() {
    model(3, || {
        let (parent, _canceler) = root();
        crate::raw::grow_branches(&parent.0);
        let child = parent.named("child");
        let dropper = thread::spawn(move || drop(child));
        parent.drained().wait();
        assert_eq!(parent.derived_count(), 0);
        dropper.join().unwrap();
        sound(&parent);
    });
}

#[test]
fn deriving_meets_the_closing_of_branches() {
    model(3, || {
        let (parent, canceler) = root();
        crate::raw::grow_branches(&parent.0);
        let deriving = parent.clone();
        let other = thread::spawn(move || deriving.with_cancel());
        let _ = parent.drained().wait_deadline(parent.clock().now());
        canceler.cancel();
        let (child, _child) = other.join().unwrap();
        assert!(child.is_done());
        sound(&parent);
    });
}

#[test]
fn a_walk_that_has_the_last_hold_of_a_branched_node_frees_it() {
    model(3, || {
        let (parent, canceler) = root();
        let (branched, branched_canceler) = parent.with_cancel();
        branched_canceler.detach();
        crate::raw::grow_branches(&branched.0);
        let dropper = thread::spawn(move || drop(branched));
        canceler.cancel();
        dropper.join().unwrap();
        assert_eq!(parent.derived_count(), 0);
        sound(&parent);
    });
}

#[test]
fn what_is_derived_from_a_parent_that_was_seen_done_is_done() {
    model(3, || {
        let (parent, canceler) = root();
        crate::raw::grow_branches(&parent.0);
        let reading = parent.clone();
        let reader = thread::spawn(move || {
            if reading.is_done() {
                let (child, _child) = reading.with_cancel();
                assert!(child.is_done());
            }
        });
        canceler.cancel();
        reader.join().unwrap();
        sound(&parent);
    });
}

#[test]
fn a_view_is_done_when_its_parent_is_seen_done() {
    model(3, || {
        let (parent, canceler) = root();
        crate::raw::grow_branches(&parent.0);
        let view = parent.named("view");
        let reading = parent.clone();
        let reader = thread::spawn(move || assert!(!reading.is_done() || view.is_done()));
        canceler.cancel();
        reader.join().unwrap();
        sound(&parent);
    });
}

#[test]
fn whoever_finds_branches_sees_them_as_they_were_made() {
    model(3, || {
        let (parent, canceler) = root();
        let deriving = parent.clone();
        let other = thread::spawn(move || deriving.with_cancel());
        crate::raw::grow_branches(&parent.0);
        let (child, _child) = other.join().unwrap();
        canceler.cancel();
        assert!(child.is_done());
        sound(&parent);
    });
}

#[test]
fn whoever_finds_branches_that_grew_later_than_the_rest_sees_them_as_they_were_made() {
    model(3, || {
        let (parent, _canceler) = root();
        let child = parent.named("child");
        let count = Count::new();
        let mut drained = Box::pin(parent.drained());
        assert!(drained.as_mut().poll(&mut TaskContext::from_waker(&count.waker())).is_pending());
        let deriving = parent.clone();
        let other = thread::spawn(move || drop(deriving.with_cancel()));
        crate::raw::grow_branches(&parent.0);
        other.join().unwrap();
        drop(child);
        assert!(drained.as_mut().poll(&mut TaskContext::from_waker(&count.waker())).is_ready());
        sound(&parent);
    });
}
