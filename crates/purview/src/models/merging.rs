//! Merged contexts against their sources.

use super::thread;
use super::{model, root, sound};
use crate::Context;

#[test]
fn of_two_sources_that_end_at_once_one_wins() {
    model(3, || {
        let (a, a_canceler) = root();
        let (b, b_canceler) = root();
        let merged = Context::merge([&a, &b]);
        let other = thread::spawn(move || b_canceler.cancel_with("b"));
        a_canceler.cancel_with("a");
        assert!(merged.is_done());
        other.join().unwrap();
        let cause = merged.cause().unwrap().to_string();
        assert!(cause == "a" || cause == "b");
        sound(&a);
        sound(&b);
    });
}

#[test]
fn a_merged_context_is_dropped_while_a_source_ends() {
    model(3, || {
        let (a, _a) = root();
        let (b, b_canceler) = root();
        let merged = Context::merge([&a, &b]);
        let other = thread::spawn(move || b_canceler.cancel());
        drop(merged);
        other.join().unwrap();
        assert_eq!(a.derived_count() + b.derived_count(), 0);
        sound(&a);
        sound(&b);
    });
}

#[test]
fn a_merge_during_the_end_of_a_source_is_done_after_it() {
    model(3, || {
        let (a, _a) = root();
        let (b, b_canceler) = root();
        let other = thread::spawn(move || b_canceler.cancel_with("b"));
        let merged = Context::merge([&a, &b]);
        let (below, _below) = merged.with_cancel();
        other.join().unwrap();
        assert_eq!(below.cause().unwrap().to_string(), "b");
        sound(&a);
        sound(&b);
    });
}

#[test]
fn cancels_of_both_sources_mark_what_is_below_the_merged_one() {
    model(3, || {
        let (a, a_canceler) = root();
        let (b, b_canceler) = root();
        let merged = Context::merge([&a, &b]);
        let (below, _below) = merged.with_cancel();
        let seen = below.clone();
        let other = thread::spawn(move || {
            b_canceler.cancel();
            assert!(seen.is_done(), "the cancel of one source has returned");
        });
        a_canceler.cancel();
        assert!(below.is_done(), "the cancel of the other source has returned");
        other.join().unwrap();
        sound(&a);
        sound(&b);
    });
}
