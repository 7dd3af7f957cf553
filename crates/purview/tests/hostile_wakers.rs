//! Wakers that panic and re-enter.

mod common;

use std::sync::{Arc, Mutex};

use common::{HOUR, SECOND, child, survives};
use purview::{Context, Reason};
use purview_test::{
    CountingWaker, DropCounter, Gate, HANG_LIMIT, PanickingWaker, ReentrantWaker, assert_drained,
    manual_root, poll_once, task, within,
};

#[test]
fn a_waker_that_panics_keeps_no_one_else_asleep() {
    let (ctx, cancel) = Context::background().with_cancel();
    let below = child(&ctx);
    let hostile = PanickingWaker::new();
    let mut bad = [task(ctx.done()), task(ctx.done()), task(below.done())];
    let mut good = [task(ctx.done()), task(below.done())];
    // A bad one, a good one, a bad one, a good one, a bad one.
    let mut goods = good.iter_mut();
    for bad in &mut bad {
        assert!(bad.poll_with(&hostile.waker()).is_pending());
        if let Some(good) = goods.next() {
            assert!(good.poll().is_pending());
        }
    }
    let ran = Gate::new();
    let callback = below.after_func({
        let ran = ran.clone();
        move || ran.open()
    });

    survives(|| cancel.cancel());
    assert_eq!(hostile.count(), 3, "each is woken once, whatever the one before did");
    for task in &mut good {
        assert_eq!(task.wakes(), 1);
        assert!(task.poll().is_ready());
    }
    for task in &mut bad {
        assert!(task.poll().is_ready());
    }
    ran.wait();
    within(HANG_LIMIT, move || callback.wait().unwrap());
    assert_eq!(below.err(), Some(Reason::Canceled));
}

#[test]
fn a_waker_that_panics_does_no_harm_to_the_manual_clock() {
    let (root, clock) = manual_root();
    let hostile = PanickingWaker::new();
    let (first, _c1) = root.with_timeout(SECOND);
    let (second, _c2) = root.with_timeout(2 * SECOND);
    let (third, _c3) = root.with_timeout(HOUR);
    let mut bad = task(first.done());
    assert!(bad.poll_with(&hostile.waker()).is_pending());
    // Whether the step lets the panic through or not, it may be repeated.
    for _ in 0..2 {
        survives(|| clock.advance_to(second.deadline().unwrap()));
    }
    assert_eq!(hostile.count(), 1);
    assert!(first.is_done() && second.is_done() && !third.is_done());
    clock.advance(HOUR);
    assert!(third.is_done());
}

#[test]
fn a_waker_that_panics_when_the_last_context_is_gone_harms_no_one() {
    let ctx = child(&Context::background());
    let below = child(&ctx);
    let hostile = PanickingWaker::new();
    let (mut bad, mut good) = (task(ctx.drained()), task(ctx.drained()));
    assert!(bad.poll_with(&hostile.waker()).is_pending());
    assert!(good.poll().is_pending());
    survives(|| drop(below));
    assert_eq!(hostile.count(), 1);
    assert!(good.is_woken());
    assert_drained(&ctx);
}

#[test]
fn a_waker_may_cancel_the_context_that_wakes_it_its_parent_and_its_child() {
    within(HANG_LIMIT, || {
        let (parent, cancel_parent) = Context::background().with_cancel();
        let (ctx, cancel) = parent.with_cancel();
        let (below, cancel_below) = ctx.with_cancel();
        let handles = [cancel.handle(), cancel_parent.handle(), cancel_below.handle()];
        let did = Arc::new(Mutex::new(Vec::new()));
        let waker = ReentrantWaker::new({
            let did = did.clone();
            move || {
                let new = handles.each_ref().map(|handle| handle.cancel_with("from the waker"));
                did.lock().unwrap().push(new);
            }
        });
        let mut done = task(ctx.done());
        let mut parent_done = task(parent.done());
        assert!(done.poll_with(&waker).is_pending());
        assert!(parent_done.poll().is_pending());
        cancel.cancel_with("first");
        assert_eq!(*did.lock().unwrap(), [[false, true, false]], "only the parent was live");
        assert_eq!(ctx.cause().unwrap().to_string(), "first");
        assert_eq!(below.cause().unwrap().to_string(), "first");
        assert_eq!(parent.cause().unwrap().to_string(), "from the waker");
        assert!(parent_done.is_woken());
    });
}

#[test]
fn a_waker_may_derive_read_wait_and_register_on_the_context_that_wakes_it() {
    within(HANG_LIMIT, || {
        let (ctx, cancel) = Context::background().with_cancel();
        let kept = Arc::new(Mutex::new(Vec::new()));
        let waker = ReentrantWaker::new({
            let (ctx, kept) = (ctx.clone(), kept.clone());
            move || {
                let (derived, cancel) = ctx.with_timeout(HOUR);
                assert!(derived.is_done(), "a child of a done context is born done");
                cancel.cancel();
                assert!(ctx.done().wait().is_canceled());
                assert!(poll_once(ctx.done()).is_ready());
                let inline = Gate::new();
                let opener = inline.clone();
                let callback = ctx.after_func_inline(move || opener.open());
                callback.wait().unwrap();
                assert!(inline.is_open());
                kept.lock().unwrap().push((derived, ctx.after_func(|| ())));
            }
        });
        let mut done = task(ctx.done());
        assert!(done.poll_with(&waker).is_pending());
        drop(waker);
        cancel.cancel();
        let kept = std::mem::take(&mut *kept.lock().unwrap());
        assert_eq!(kept.len(), 1);
        for (_, callback) in &kept {
            callback.wait().unwrap();
        }
    });
}

#[test]
fn a_waker_may_drop_other_waiters_children_and_the_last_handles() {
    within(HANG_LIMIT, || {
        let probes = DropCounter::new();
        let (ctx, cancel) = Context::background().with_cancel();
        let later = CountingWaker::new();
        let mut victim = task(ctx.done().into_owned());
        let (below, cancel_below) = ctx.with_cancel();
        let probe = probes.probe();
        let owned = Mutex::new(None);
        let owned = Arc::new(owned);
        let waker = ReentrantWaker::new({
            let owned = owned.clone();
            move || {
                let _probe = &probe;
                drop(owned.lock().unwrap().take());
            }
        });
        let mut done = task(ctx.done().into_owned());
        assert!(done.poll_with(&waker).is_pending());
        drop(waker);
        assert!(victim.poll_with(&later.waker()).is_pending());
        let callback = ctx.after_func(|| ());
        *owned.lock().unwrap() = Some((victim, below, cancel_below, callback, ctx));
        cancel.cancel();
        assert!(owned.lock().unwrap().is_none(), "the waker ran");
        assert_eq!(later.held(), 0);
        assert!(
            later.count() <= 1,
            "a waiter that is dropped while others are woken is woken once or not at all"
        );
        assert!(done.poll().is_ready());
        drop(done);
        probes.assert_gone();
    });
}

#[test]
fn a_waker_may_drop_the_last_handle_when_the_tree_lives_only_through_it() {
    within(HANG_LIMIT, || {
        let (root, clock) = manual_root();
        let (ctx, cancel) = root.with_timeout(SECOND);
        cancel.detach();
        let last = Arc::new(Mutex::new(None));
        let waker = ReentrantWaker::new({
            let last = last.clone();
            move || drop(last.lock().unwrap().take())
        });
        let mut done = Box::pin(ctx.done().into_owned());
        assert!(purview_test::poll_with(done.as_mut(), &waker).is_pending());
        *last.lock().unwrap() = Some((ctx, done));
        clock.advance(SECOND);
        assert!(last.lock().unwrap().is_none());
        assert_drained(&root);
    });
}

#[test]
fn dropping_a_waker_may_cancel_derive_and_drop() {
    within(HANG_LIMIT, || {
        let (ctx, cancel) = Context::background().with_cancel();
        let (other, cancel_other) = ctx.with_cancel();
        let on_drop = {
            let (ctx, handle) = (ctx.clone(), cancel_other.handle());
            move || {
                handle.cancel();
                drop(child(&ctx));
                assert!(poll_once(ctx.drained()).is_pending());
            }
        };
        // A waker that is replaced is dropped by the poll that replaces it.
        let mut done = task(ctx.done());
        assert!(done.poll_with(&ReentrantWaker::on_drop(on_drop.clone())).is_pending());
        assert!(!other.is_done());
        assert!(done.poll().is_pending());
        assert!(other.is_done());
        // One whose future goes away is dropped with it.
        assert!(done.poll_with(&ReentrantWaker::on_drop(on_drop.clone())).is_pending());
        drop(done);
        // One that is woken is dropped by the cancellation.
        let mut done = task(ctx.done());
        assert!(done.poll_with(&ReentrantWaker::on_drop(on_drop)).is_pending());
        cancel.cancel();
        assert!(done.poll().is_ready());
    });
}
