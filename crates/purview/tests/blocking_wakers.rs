//! Wakers that block: meanwhile everybody is marked, no lock is held, and others go on.

mod common;

use std::thread;

use common::{SECOND, child};
use purview::{Context, Key};
use purview_test::{BlockingWaker, DropCounter, HANG_LIMIT, Probe, manual_root, poll_once, task, within};

static PROBE: Key<Probe> = Key::new("probe");

#[test]
fn while_a_waker_blocks_everybody_is_marked_and_others_go_on() {
    let probes = DropCounter::new();
    let (root, clock) = manual_root();
    let (parent, cancel_parent) = root.with_cancel();
    let (ctx, cancel) = parent.with_cancel();
    let below = (0..10).map(|_| child(&ctx)).collect::<Vec<_>>();
    let deep = child(&child(&below[9]));
    let (sibling, cancel_sibling) = parent.with_cancel();
    let blocking = BlockingWaker::new();
    let mut blocked = task(ctx.done().into_owned());
    assert!(blocked.poll_with(&blocking.waker()).is_pending());
    let mut behind = task(below[3].done().into_owned());
    assert!(behind.poll().is_pending());

    let canceling = thread::spawn(move || cancel.cancel_with("blocked"));
    blocking.wait_until_blocked();

    within(HANG_LIMIT, move || {
        // Marked: the whole subtree, and nothing beside it.
        for ctx in below.iter().chain([&ctx, &deep]) {
            assert!(ctx.is_done());
            assert_eq!(ctx.cause().unwrap().to_string(), "blocked");
        }
        assert!(!parent.is_done() && !sibling.is_done());

        // The context whose waker blocks can be read, derived from, waited for, registered on and let go.
        let (born_done, cancel_born_done) = ctx.with_timeout(SECOND);
        assert!(born_done.is_done());
        drop((born_done, cancel_born_done));
        assert!(ctx.done().wait().is_canceled());
        assert!(poll_once(ctx.done()).is_ready());
        ctx.after_func(|| ()).wait().unwrap();
        ctx.after_func_inline(|| ()).wait().unwrap();
        assert!(!poll_once(ctx.drained()).is_ready());
        drop(behind);

        // Its parent takes new children, with values and deadlines, and loses them.
        for _ in 0..100 {
            let fresh = child(&parent).with_value(&PROBE, probes.probe());
            assert!(!fresh.is_done());
        }
        probes.assert_gone();
        let (timed, _cancel_timed) = parent.with_timeout(SECOND);
        clock.advance(SECOND);
        assert!(timed.is_done());

        // Others cancel: a sibling, and an overlapping tree from above; both return.
        cancel_sibling.cancel_with("sibling");
        assert_eq!(sibling.cause().unwrap().to_string(), "sibling");
        let fresh = child(&parent);
        cancel_parent.cancel_with("parent");
        assert_eq!(fresh.cause().unwrap().to_string(), "parent");
        assert_eq!(deep.cause().unwrap().to_string(), "blocked", "the first cause stays");

        // The subtree is dropped while its cancellation is still under way.
        drop((below, deep, ctx));
    });
    assert!(!canceling.is_finished());
    blocking.release();
    within(HANG_LIMIT, move || canceling.join().unwrap());
    assert!(blocked.poll().is_ready());
}

#[test]
fn two_blocked_cancellations_of_one_tree_do_not_wait_for_each_other() {
    within(HANG_LIMIT, || {
        let (parent, cancel_parent) = Context::background().with_cancel();
        let (ctx, cancel) = parent.with_cancel();
        let (low, high) = (BlockingWaker::new(), BlockingWaker::new());
        let (mut low_done, mut high_done) = (task(ctx.done()), task(parent.done()));
        assert!(low_done.poll_with(&low.waker()).is_pending());
        assert!(high_done.poll_with(&high.waker()).is_pending());
        let lower = thread::spawn(move || cancel.cancel());
        low.wait_until_blocked();
        let higher = thread::spawn(move || cancel_parent.cancel());
        high.wait_until_blocked();
        assert!(ctx.is_done() && parent.is_done());
        high.release();
        higher.join().unwrap();
        low.release();
        lower.join().unwrap();
        assert!(low_done.poll().is_ready() && high_done.poll().is_ready());
    });
}

#[test]
fn while_a_waker_blocks_other_waiters_can_be_dropped_and_polled() {
    let (ctx, cancel) = Context::background().with_cancel();
    let blocking = BlockingWaker::new();
    let mut first = task(ctx.done().into_owned());
    assert!(first.poll_with(&blocking.waker()).is_pending());
    let mut others = (0..8).map(|_| task(ctx.done().into_owned())).collect::<Vec<_>>();
    for other in &mut others {
        assert!(other.poll().is_pending());
    }
    let canceling = thread::spawn(move || cancel.cancel());
    blocking.wait_until_blocked();
    let others = within(HANG_LIMIT, move || {
        for other in &mut others[..4] {
            assert!(other.poll().is_ready(), "who polls by himself need not be woken");
        }
        others.drain(2..6);
        others
    });
    blocking.release();
    canceling.join().unwrap();
    for mut other in others.into_iter().skip(2) {
        assert_eq!(other.wakes(), 1);
        assert!(other.poll().is_ready());
    }
}
