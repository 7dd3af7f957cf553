//! Draining against the last drop.

use super::thread;
use super::{model, root, sound};

#[test]
fn the_last_drop_wakes_whoever_waits_for_it() {
    model(3, || {
        let (ctx, _canceler) = root();
        let child = ctx.named("child");
        let dropper = thread::spawn(move || drop(child));
        ctx.drained().wait();
        assert_eq!(ctx.derived_count(), 0);
        dropper.join().unwrap();
        sound(&ctx);
    });
}

#[test]
fn two_drops_at_once_drain() {
    model(3, || {
        let (ctx, canceler) = root();
        let (one, one_canceler) = ctx.with_cancel();
        let two = ctx.named("two");
        let first = thread::spawn(move || {
            drop(one_canceler);
            drop(one);
        });
        let second = thread::spawn(move || drop(two));
        ctx.drained().wait();
        assert_eq!(ctx.derived_count(), 0);
        first.join().unwrap();
        second.join().unwrap();
        drop(canceler);
        sound(&ctx);
    });
}

#[test]
fn a_cancel_and_a_drop_of_what_is_below_drain() {
    model(3, || {
        let (ctx, canceler) = root();
        let (child, child_canceler) = ctx.with_cancel();
        child_canceler.detach();
        let worker = thread::spawn(move || {
            child.done().wait();
        });
        canceler.cancel();
        ctx.drained().wait();
        assert_eq!(ctx.derived_count(), 0);
        worker.join().unwrap();
        sound(&ctx);
    });
}

#[test]
fn a_wait_that_was_woken_in_vain_waits_on() {
    model(3, || {
        let (ctx, _canceler) = root();
        let first = ctx.named("first");
        let waiting = ctx.clone();
        let waiter = thread::spawn(move || waiting.drained().wait());
        drop(first);
        // Derived anew, maybe between the wake-up and the look: then the wait goes on, and this drop ends it.
        let second = ctx.named("second");
        drop(second);
        waiter.join().unwrap();
        sound(&ctx);
    });
}
