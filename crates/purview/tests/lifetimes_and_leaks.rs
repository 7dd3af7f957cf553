//! Who keeps what alive: statics, thread-local destructors, handles, waiters, cycles.

mod common;

use std::cell::RefCell;
use std::sync::{LazyLock, OnceLock};
use std::thread;

use common::{HOUR, SECOND, child};
use purview::{CancelHandle, Canceler, Context, Key};
use purview_test::{
    DropCounter, Gate, HANG_LIMIT, Probe, assert_drained, manual_root, poll_once, task, within,
};

static PROBE: Key<Probe> = Key::new("probe");

static SHUTDOWN: LazyLock<(Context, CancelHandle)> = LazyLock::new(|| {
    let (ctx, cancel) = Context::background().with_cancel();
    let handle = cancel.handle();
    cancel.detach();
    (ctx.named("shutdown"), handle)
});
static HELD: OnceLock<(Context, Canceler)> = OnceLock::new();

#[test]
fn contexts_in_statics_work_from_every_thread() {
    within(HANG_LIMIT, || {
        let workers = (0..4).map(|_| thread::spawn(|| child(&SHUTDOWN.0).done().wait())).collect::<Vec<_>>();
        SHUTDOWN.1.cancel_with("shutdown");
        for worker in workers {
            assert_eq!(worker.join().unwrap().cause().to_string(), "shutdown");
        }
        // This one is still live, with its deadline armed and a callback registered, when the process ends.
        let held = HELD.get_or_init(|| Context::background().with_timeout(HOUR));
        assert!(!held.0.is_done());
        drop(held.0.after_func(|| ()));
    });
}

/// Uses everything there is when its thread ends.
struct AtThreadEnd {
    ctx: Context,
    cancel: Option<Canceler>,
    reached: Gate,
    probes: DropCounter,
}

impl Drop for AtThreadEnd {
    fn drop(&mut self) {
        let below = child(&self.ctx).with_value(&PROBE, self.probes.probe());
        let (timed, timed_cancel) = below.with_timeout(HOUR);
        assert!(!timed.is_done());
        let mut waiting = task(timed.done());
        assert!(waiting.poll().is_pending());
        assert!(timed.done().wait_timeout(std::time::Duration::ZERO).is_none());
        let (pool, inline) = (Gate::new(), Gate::new());
        for (gate, is_inline) in [(pool.clone(), false), (inline.clone(), true)] {
            let open = move || gate.open();
            drop(if is_inline { timed.after_func_inline(open) } else { timed.after_func(open) });
        }
        drop(timed_cancel);
        assert!(inline.is_open() && waiting.is_woken());
        pool.wait();
        if let Some(cancel) = self.cancel.take() {
            cancel.cancel_with("thread end");
        }
        assert!(timed.done().wait().is_canceled());
        self.reached.open();
    }
}

thread_local! {
    static EARLY: RefCell<Option<AtThreadEnd>> = const { RefCell::new(None) };
    static LATE: RefCell<Option<AtThreadEnd>> = const { RefCell::new(None) };
}

#[test]
fn thread_local_destructors_may_do_everything_before_and_after_those_of_the_library() {
    within(HANG_LIMIT, || {
        for _ in 0..20 {
            let probes = DropCounter::new();
            let (ctx, cancel) = Context::background().with_cancel();
            let (early, late) = (Gate::new(), Gate::new());
            let thread = thread::spawn({
                let (ctx, early, late, probes) = (ctx.clone(), early.clone(), late.clone(), probes.clone());
                move || {
                    let at_end = |cancel, reached| AtThreadEnd {
                        ctx: ctx.clone(),
                        cancel,
                        reached,
                        probes: probes.clone(),
                    };
                    // One is registered before this thread has touched the library, one after all of it was used.
                    EARLY.with(|slot| *slot.borrow_mut() = Some(at_end(Some(cancel), early)));
                    let used = child(&ctx).with_value(&PROBE, probes.probe());
                    used.done().wait_timeout(std::time::Duration::ZERO);
                    used.after_func(|| ()).stop();
                    assert!(poll_once(used.done()).is_pending());
                    drop(used);
                    LATE.with(|slot| *slot.borrow_mut() = Some(at_end(None, late)));
                }
            });
            thread.join().unwrap();
            early.wait();
            late.wait();
            assert_eq!(ctx.cause().unwrap().to_string(), "thread end");
            probes.wait_until_gone();
            assert_drained(&ctx);
        }
    });
}

#[test]
fn a_child_keeps_its_ancestors_and_not_the_other_way_round() {
    let probes = DropCounter::new();
    let top = child(&Context::background().with_value(&PROBE, probes.probe()));
    let middle = child(&top.with_value(&PROBE, probes.probe()));
    let low = child(&middle.with_value(&PROBE, probes.probe()));
    drop((top, middle));
    assert_eq!(probes.live(), 3);
    let high = low.clone();
    drop(low);
    assert_eq!(probes.live(), 3);
    drop(high);
    probes.assert_gone();

    let top = child(&Context::background());
    drop(child(&top.with_value(&PROBE, probes.probe())));
    probes.assert_gone();
    assert_drained(&top);
}

#[test]
fn waiters_callbacks_and_armed_deadlines_make_no_cycle() {
    let probes = DropCounter::new();
    let (root, clock) = manual_root();
    let (ctx, cancel) = root.with_value(&PROBE, probes.probe()).with_timeout(HOUR);
    cancel.detach();
    let mut waiting = Box::pin(task(ctx.done().into_owned()));
    assert!(waiting.poll().is_pending());
    let mut sleeping = task(ctx.sleep(SECOND));
    assert!(sleeping.poll().is_pending());
    let mut running = task(ctx.run(std::future::pending::<()>()));
    assert!(running.poll().is_pending());
    drop(ctx.after_func(|| ()));
    drop(ctx.after_func_inline(|| ()));
    drop(ctx);
    assert_eq!(probes.live(), 1, "futures keep their context");
    drop((waiting, sleeping, running));
    probes.assert_gone();
    assert_eq!(clock.armed(), 0);
    assert_drained(&root);
}

#[test]
fn cancelled_children_that_are_held_are_freed_when_let_go() {
    let probes = DropCounter::new();
    let (parent, cancel) = Context::background().with_cancel();
    let held = (0..100).map(|_| child(&parent.with_value(&PROBE, probes.probe()))).collect::<Vec<_>>();
    cancel.cancel();
    drop(parent);
    assert_eq!(probes.live(), 100);
    drop(held);
    probes.assert_gone();
}

#[test]
fn waits_on_a_long_lived_context_leave_nothing() {
    let (ctx, _cancel) = Context::background().with_cancel();
    let waker = purview_test::CountingWaker::new();
    for _ in 0..100_000 {
        let mut done = std::pin::pin!(ctx.done());
        assert!(purview_test::poll_with(done.as_mut(), &waker.waker()).is_pending());
    }
    assert_eq!((waker.held(), waker.count()), (0, 0));
}

#[test]
fn futures_leaked_by_their_user_do_no_harm() {
    let (ctx, cancel) = Context::background().with_cancel();
    let waker = purview_test::CountingWaker::new();
    let mut leaked = std::mem::ManuallyDrop::new(task(ctx.done().into_owned()));
    assert!(leaked.poll_with(&waker.waker()).is_pending());
    cancel.cancel();
    assert_eq!(waker.count(), 1);
}

#[test]
fn a_clock_may_go_before_its_tree_and_a_tree_before_its_clock() {
    let (root, clock) = manual_root();
    let (ctx, cancel) = root.with_timeout(HOUR);
    drop(clock);
    assert!(!ctx.is_done() && ctx.remaining() == Some(HOUR));
    drop(root);
    cancel.cancel();
    drop(ctx);
    let (root, clock) = manual_root();
    drop(root.with_timeout(HOUR));
    drop(root);
    clock.advance(2 * HOUR);
}

#[test]
fn a_sibling_that_is_dropped_takes_no_other_with_it() {
    for (first, second) in [(0, 0), (1, 1), (1, 2), (2, 1), (3, 0), (4, 3)] {
        let (root, canceler) = Context::background().with_cancel();
        let mut siblings: Vec<_> = (0..5).map(|_| root.with_cancel()).collect();
        drop(siblings.remove(first));
        drop(siblings.remove(second));
        assert_eq!(root.derived_count(), 3);
        canceler.cancel();
        assert!(siblings.iter().all(|(ctx, _)| ctx.is_done()), "{first} and {second} were dropped");
    }
}
