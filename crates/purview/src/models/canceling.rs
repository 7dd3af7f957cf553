//! Cancellation against deriving, dropping and other cancellations.

use super::thread;
use super::{model, root, sound};
use crate::{Context, Reason};

#[test]
fn a_child_derived_during_the_cancel_of_its_parent_is_done_after_it() {
    model(3, || {
        let (parent, canceler) = root();
        let deriving = parent.clone();
        let deriver = thread::spawn(move || deriving.with_cancel());
        canceler.cancel_with("first");
        let (child, child_canceler) = deriver.join().unwrap();
        assert_eq!(child.err(), Some(Reason::Canceled));
        assert_eq!(child.cause().unwrap().to_string(), "first");
        child_canceler.cancel_with("second");
        assert_eq!(child.cause().unwrap().to_string(), "first");
        sound(&parent);
    });
}

#[test]
fn whoever_sees_a_context_done_sees_its_cause() {
    model(3, || {
        let (ctx, canceler) = root();
        let child = ctx.derive().cancelable();
        let reading = child.0.clone();
        let reader = thread::spawn(move || {
            if reading.is_done() {
                assert_eq!(reading.cause().unwrap().to_string(), "why");
            }
        });
        canceler.cancel_with("why");
        reader.join().unwrap();
        sound(&ctx);
    });
}

#[test]
fn dropping_a_child_during_the_cancel_of_its_parent_loses_nothing() {
    model(3, || {
        let (parent, canceler) = root();
        let (child, child_canceler) = parent.with_cancel();
        let (sibling, sibling_canceler) = parent.with_cancel();
        let dropper = thread::spawn(move || {
            drop(child_canceler);
            drop(child);
        });
        canceler.cancel();
        assert!(sibling.is_done());
        dropper.join().unwrap();
        drop((sibling, sibling_canceler));
        assert_eq!(parent.derived_count(), 0);
        sound(&parent);
    });
}

#[test]
fn dropping_every_handle_of_an_inner_context_during_a_cancel_keeps_its_children_in_reach() {
    model(3, || {
        let (parent, canceler) = root();
        let (middle, middle_canceler) = parent.with_cancel();
        middle_canceler.detach();
        let (leaf, leaf_canceler) = middle.with_cancel();
        let dropper = thread::spawn(move || drop(middle));
        canceler.cancel();
        assert!(leaf.is_done());
        dropper.join().unwrap();
        drop((leaf, leaf_canceler));
        assert_eq!(parent.derived_count(), 0);
        sound(&parent);
    });
}

#[test]
fn parent_and_child_are_dropped_together_while_a_third_thread_cancels() {
    model(3, || {
        let (top, canceler) = root();
        let (parent, parent_canceler) = top.with_cancel();
        let (child, child_canceler) = parent.with_cancel();
        parent_canceler.detach();
        child_canceler.detach();
        let one = thread::spawn(move || drop(parent));
        let two = thread::spawn(move || drop(child));
        canceler.cancel();
        one.join().unwrap();
        two.join().unwrap();
        assert_eq!(top.derived_count(), 0);
        sound(&top);
    });
}

#[test]
fn of_two_cancels_of_one_context_one_wins_and_both_see_it_done() {
    model(3, || {
        let (ctx, canceler) = root();
        let handle = canceler.handle();
        let seen = ctx.clone();
        let other = thread::spawn(move || {
            let first = handle.cancel_with("a");
            assert!(seen.is_done());
            first
        });
        let mine = canceler.handle().cancel_with("b");
        assert!(ctx.is_done());
        let theirs = other.join().unwrap();
        assert!(mine != theirs);
        assert_eq!(ctx.cause().unwrap().to_string(), if mine { "b" } else { "a" });
        canceler.detach();
        sound(&ctx);
    });
}

#[test]
fn when_a_cancel_returns_all_below_is_done_whatever_other_cancel_overlaps() {
    model(3, || {
        let (top, top_canceler) = root();
        let (middle, middle_canceler) = top.with_cancel();
        let (inner, _inner) = middle.with_cancel();
        let (leaf, _leaf) = inner.with_cancel();
        let (below, middle_seen) = (leaf.clone(), middle.clone());
        let other = thread::spawn(move || {
            middle_canceler.cancel_with("middle");
            assert!(below.is_done(), "the cancel of the middle has returned");
            drop(middle_seen);
        });
        top_canceler.cancel_with("top");
        assert!(leaf.is_done(), "the cancel of the top has returned");
        other.join().unwrap();
        assert_eq!(leaf.cause().unwrap().to_string(), middle.cause().unwrap().to_string());
        assert_eq!(inner.cause().unwrap().to_string(), middle.cause().unwrap().to_string());
        sound(&top);
    });
}

#[test]
fn a_second_cancel_of_the_same_context_returns_only_when_all_below_is_done() {
    model(3, || {
        let (top, canceler) = root();
        let (inner, _inner) = top.with_cancel();
        let (leaf, _leaf) = inner.with_cancel();
        let handle = canceler.handle();
        let below = leaf.clone();
        let other = thread::spawn(move || {
            handle.cancel();
            assert!(below.is_done());
        });
        canceler.cancel();
        assert!(leaf.is_done());
        other.join().unwrap();
        sound(&top);
    });
}

#[test]
fn a_view_keeps_what_it_is_derived_from() {
    model(3, || {
        let (parent, canceler) = root();
        let view = parent.named("view");
        let (child, child_canceler) = view.with_cancel();
        let dropper = thread::spawn(move || drop(view));
        let canceling = thread::spawn(move || canceler.cancel());
        drop(child_canceler);
        assert!(child.is_done());
        drop(child);
        dropper.join().unwrap();
        canceling.join().unwrap();
        assert_eq!(parent.derived_count(), 0);
        sound(&parent);
    });
}

#[test]
fn the_last_handle_and_the_canceler_go_at_the_same_time() {
    model(3, || {
        let (parent, _canceler) = root();
        let (child, child_canceler) = parent.with_cancel();
        let other = child.clone();
        let one = thread::spawn(move || drop(child));
        let two = thread::spawn(move || drop(child_canceler));
        drop(other);
        one.join().unwrap();
        two.join().unwrap();
        assert_eq!(parent.derived_count(), 0);
        sound(&parent);
    });
}

#[test]
fn a_long_fan_is_marked_across_pauses_while_children_come_and_go() {
    model(3, || {
        let (parent, canceler) = root();
        let children: Vec<(Context, _)> = (0..3).map(|_| parent.with_cancel()).collect();
        let (first, first_canceler) = parent.with_cancel();
        let dropper = thread::spawn(move || drop((first_canceler, first)));
        canceler.cancel();
        assert!(children.iter().all(|(child, _)| child.is_done()));
        dropper.join().unwrap();
        drop(children);
        assert_eq!(parent.derived_count(), 0);
        sound(&parent);
    });
}

#[test]
fn a_walk_that_paused_meets_the_drop_of_the_child_where_it_paused() {
    model(3, || {
        let (parent, canceler) = root();
        let children: Vec<Context> = (0..3)
            .map(|_| {
                let (child, child_canceler) = parent.with_cancel();
                child_canceler.detach();
                // Somebody to tell, so that the walk keeps the child in its list.
                child.after_func_inline(|| ());
                child
            })
            .collect();
        let dropper = thread::spawn(move || drop(children));
        canceler.cancel();
        dropper.join().unwrap();
        assert_eq!(parent.derived_count(), 0);
        sound(&parent);
    });
}

#[test]
fn two_walks_meet_the_drop_of_what_they_walk_through() {
    model(3, || {
        let (parent, canceler) = root();
        let (middle, middle_canceler) = parent.with_cancel();
        let (leaf, leaf_canceler) = middle.with_cancel();
        leaf_canceler.detach();
        leaf.after_func_inline(|| ());
        let other = thread::spawn(move || {
            middle_canceler.cancel();
            drop(leaf);
        });
        drop(middle);
        canceler.cancel();
        other.join().unwrap();
        assert_eq!(parent.derived_count(), 0);
        sound(&parent);
    });
}
