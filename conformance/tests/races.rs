//! Races: real threads, a bounded number of rounds, and no dependence on who wins.

use std::future::Future;
use std::pin::pin;
use std::task::{Context as Task, Waker};
use std::thread;

use purview::{CancelHandle, Context, ManualClock, Reason};
use purview_conformance::{CANCELED, Dice, assert_done, settles};

fn root() -> Context {
    Context::root(ManualClock::new())
}

/// A tree of four children a node, breadth first, of at least 100 contexts, and what cancels each.
fn wide_tree() -> Vec<(Context, CancelHandle)> {
    let mut tree = vec![derive(&root())];
    for next in 0.. {
        if tree.len() >= 100 {
            break;
        }
        for _ in 0..4 {
            let child = derive(&tree[next].0);
            tree.push(child);
        }
    }
    tree
}

fn derive(parent: &Context) -> (Context, CancelHandle) {
    let (ctx, cancel) = parent.with_cancel();
    let handle = cancel.handle();
    cancel.detach();
    (ctx, handle)
}

#[test]
fn all_contexts_of_a_tree_can_be_canceled_at_once() {
    let tree = settles("canceling each context of a tree from a thread of its own", || {
        let tree = wide_tree();
        assert_eq!(tree.len(), 101);
        let mut order: Vec<&(Context, CancelHandle)> = tree.iter().collect();
        Dice::new(1).shuffle(&mut order);
        thread::scope(|scope| {
            for (ctx, handle) in order {
                scope.spawn(move || {
                    handle.cancel();
                    assert!(ctx.is_done(), "a cancel has returned");
                });
            }
        });
        tree
    });
    for (ctx, _) in &tree {
        assert_done(ctx, Reason::Canceled, CANCELED);
    }
}

#[test]
fn whoever_is_woken_by_the_parent_may_cancel_the_child() {
    let child = settles("a cancel within a cancel", || {
        let (parent, cancel) = root().with_cancel();
        let (child, child_cancel) = parent.with_cancel();
        thread::scope(|scope| {
            scope.spawn(|| {
                parent.done().wait();
                child_cancel.cancel();
            });
            cancel.cancel();
        });
        child
    });
    assert_done(&child, Reason::Canceled, CANCELED);
}

#[test]
fn a_callback_in_the_canceling_thread_may_cancel_a_child() {
    let child = settles("a cancel within a callback", || {
        let (parent, cancel) = root().with_cancel();
        let (child, child_cancel) = parent.with_cancel();
        parent.after_func_inline(move || child_cancel.cancel());
        cancel.cancel();
        child
    });
    assert_done(&child, Reason::Canceled, CANCELED);
}

#[test]
fn a_child_made_while_its_parent_is_canceled_gets_the_cause_of_the_parent() {
    settles("making a child of a parent that is being canceled", || {
        for _ in 0..100 {
            let (parent, cancel) = root().with_cancel();
            thread::scope(|scope| {
                scope.spawn(move || cancel.cancel_with("because"));
                let (child, _cancel) = parent.with_cancel();
                child.done().wait();
                assert_done(&child, Reason::Canceled, "because");
            });
        }
    });
}

#[test]
fn the_first_cause_that_is_seen_is_the_one_that_was_given() {
    settles("looking for a cause", || {
        for _ in 0..100 {
            let (ctx, cancel) = root().with_cancel();
            thread::scope(|scope| {
                scope.spawn(move || cancel.cancel_with("because"));
                let cause = loop {
                    match ctx.cause() {
                        Some(cause) => break cause,
                        None => thread::yield_now(),
                    }
                };
                assert_eq!(cause.to_string(), "because");
            });
        }
    });
}

#[test]
fn a_context_with_an_error_lets_its_waiters_go() {
    settles("looking for an error", || {
        for _ in 0..10 {
            let (ctx, cancel) = root().with_cancel();
            let mut done = pin!(ctx.done());
            let mut task = Task::from_waker(Waker::noop());
            assert!(done.as_mut().poll(&mut task).is_pending());
            thread::scope(|scope| {
                scope.spawn(move || cancel.cancel());
                while ctx.err().is_none() {
                    thread::yield_now();
                }
                assert!(done.as_mut().poll(&mut task).is_ready());
            });
        }
    });
}
