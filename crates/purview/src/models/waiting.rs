//! Waiting against cancellation.

use super::sync::Arc;
use super::sync::atomic::{AtomicBool, Ordering};
use super::thread;
use super::{Count, model, root, sound};
use crate::Context;
use std::future::Future;
use std::pin::pin;
use std::task::{Context as TaskContext, Poll};

#[test]
fn whoever_registers_during_a_cancel_is_woken_or_sees_it() {
    model(3, || {
        let (ctx, canceler) = root();
        let waiting = ctx.clone();
        let waiter = thread::spawn(move || {
            let count = Count::new();
            let mut done = Box::pin(waiting.done().into_owned());
            let polled = done.as_mut().poll(&mut TaskContext::from_waker(&count.waker()));
            (polled.is_ready(), count, done)
        });
        canceler.cancel();
        let (ready, count, done) = waiter.join().unwrap();
        assert!(ready || count.wakes() == 1, "a wake-up was lost");
        drop(done);
        sound(&ctx);
    });
}

#[test]
fn a_second_poll_with_another_waker_moves_the_wake_up_to_it() {
    model(3, || {
        let (ctx, canceler) = root();
        let waiting = ctx.clone();
        let waiter = thread::spawn(move || {
            let (first, second) = (Count::new(), Count::new());
            let mut done = Box::pin(waiting.done().into_owned());
            let one = done.as_mut().poll(&mut TaskContext::from_waker(&first.waker()));
            let two = done.as_mut().poll(&mut TaskContext::from_waker(&second.waker()));
            (one.is_ready() || two.is_ready(), first, second, done)
        });
        canceler.cancel();
        let (ready, first, second, done) = waiter.join().unwrap();
        assert!(
            ready || (first.wakes(), second.wakes()) == (0, 1),
            "the wake-up went to a waker from before"
        );
        drop(done);
        sound(&ctx);
    });
}

#[test]
fn dropping_a_wait_during_a_cancel_leaves_nothing_behind() {
    model(3, || {
        let (ctx, canceler) = root();
        let waiting = ctx.clone();
        let waiter = thread::spawn(move || {
            let count = Count::new();
            let mut done = Box::pin(waiting.done());
            let _ = done.as_mut().poll(&mut TaskContext::from_waker(&count.waker()));
            drop(done);
        });
        canceler.cancel();
        waiter.join().unwrap();
        sound(&ctx);
    });
}

#[test]
fn a_parked_thread_is_unparked() {
    model(3, || {
        let (ctx, canceler) = root();
        let waiting = ctx.clone();
        let waiter = thread::spawn(move || assert!(waiting.done().wait().is_canceled()));
        canceler.cancel();
        waiter.join().unwrap();
        sound(&ctx);
    });
}

#[test]
fn a_woken_thread_sees_every_descendant_done() {
    model(3, || {
        let (parent, canceler) = root();
        let (child, _child) = parent.with_cancel();
        let (leaf, _leaf) = child.with_cancel();
        let (waiting, below) = (parent.clone(), leaf.clone());
        let waiter = thread::spawn(move || {
            let mut done = pin!(waiting.done().into_owned());
            let count = Count::new();
            if let Poll::Pending = done.as_mut().poll(&mut TaskContext::from_waker(&count.waker())) {
                if count.wakes() > 0 {
                    assert!(below.is_done(), "somebody was woken before everybody was marked");
                }
            }
        });
        canceler.cancel();
        waiter.join().unwrap();
        assert!(leaf.is_done());
        sound(&parent);
    });
}

#[test]
fn whoever_learns_of_the_end_from_one_who_was_told_finds_all_below_done() {
    model(3, || {
        let (parent, canceler) = root();
        let (child, _child) = parent.with_cancel();
        let (leaf, _leaf) = child.with_cancel();
        let told = Arc::new(AtomicBool::new(false));
        let tell = told.clone();
        parent.after_func_inline(move || tell.store(true, Ordering::Release));
        let below = leaf.clone();
        let other = thread::spawn(move || {
            if told.load(Ordering::Acquire) {
                assert!(below.is_done(), "somebody was told before everybody was marked");
            }
        });
        canceler.cancel();
        other.join().unwrap();
        drop((child, leaf));
        sound(&parent);
    });
}

#[test]
fn two_waiters_are_both_woken() {
    model(3, || {
        let (ctx, canceler) = root();
        let wait = |ctx: Context| {
            thread::spawn(move || {
                ctx.done().wait();
            })
        };
        let (one, two) = (wait(ctx.clone()), wait(ctx.clone()));
        canceler.cancel();
        one.join().unwrap();
        two.join().unwrap();
        sound(&ctx);
    });
}

#[test]
fn whoever_was_told_leaves_without_the_lock_whichever_walk_says_so() {
    model(3, || {
        let (top, top_canceler) = root();
        let (ctx, canceler) = top.with_cancel();
        // A chain, so that a walk settles the context in passing, and does not come back to its lock.
        let (child, _child_canceler) = ctx.with_cancel();
        let (_leaf, _leaf_canceler) = child.with_cancel();
        let mut done = Box::pin(ctx.done());
        let count = Count::new();
        assert!(done.as_mut().poll(&mut TaskContext::from_waker(&count.waker())).is_pending());
        let other = thread::spawn(move || canceler.cancel());
        top_canceler.cancel();
        drop(done);
        other.join().unwrap();
        sound(&top);
    });
}

#[test]
fn a_parked_thread_that_is_woken_sees_every_descendant_done() {
    model(2, || {
        let (parent, canceler) = root();
        let (child, _child) = parent.with_cancel();
        let (leaf, _leaf) = child.with_cancel();
        let (waiting, below) = (parent.clone(), leaf.clone());
        let waiter = thread::spawn(move || {
            let mut done = pin!(waiting.done().into_owned());
            let count = Count::new();
            let waited = done.as_mut().poll(&mut TaskContext::from_waker(&count.waker())).is_pending();
            waiting.done().wait();
            // Whoever came too late to wait may find the walk on its way.
            assert!(!waited || count.wakes() == 0 || below.is_done(), "woken before everybody was marked");
        });
        canceler.cancel();
        waiter.join().unwrap();
        sound(&parent);
    });
}

#[test]
fn a_batch_across_contexts_meets_the_end_of_one_of_them() {
    model(3, || {
        let (parent, canceler) = root();
        let (one, one_canceler) = parent.with_cancel();
        let (two, two_canceler) = parent.with_cancel();
        one_canceler.detach();
        two_canceler.detach();
        let (first, second) = (Count::new(), Count::new());
        let mut waits = [Box::pin(one.done().into_owned()), Box::pin(two.done().into_owned())];
        for (wait, count) in waits.iter_mut().zip([&first, &second]) {
            assert!(wait.as_mut().poll(&mut TaskContext::from_waker(&count.waker())).is_pending());
        }
        let [leaving, staying] = waits;
        let dropper = thread::spawn(move || drop((leaving, one)));
        canceler.cancel();
        dropper.join().unwrap();
        assert_eq!(second.wakes(), 1, "a wake-up was lost");
        assert!(first.wakes() <= 1);
        drop((staying, two));
        assert_eq!(parent.derived_count(), 0);
        sound(&parent);
    });
}
