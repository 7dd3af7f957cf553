//! Callbacks that panic, block, cancel, and wait for themselves.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

use common::{child, survives};
use purview::{AfterFunc, Context, WaitsForItself};
use purview_test::{DropCounter, Gate, HANG_LIMIT, manual_root, poll_once, task, within};

fn count(ran: &AtomicUsize) {
    ran.fetch_add(1, Ordering::SeqCst);
}

#[test]
fn a_callback_that_panics_is_caught_and_all_others_run() {
    within(HANG_LIMIT, || {
        let (ctx, cancel) = Context::background().with_cancel();
        let ran = Arc::new(AtomicUsize::new(0));
        let callbacks = (0..50)
            .map(|i| {
                let ran = ran.clone();
                ctx.after_func(move || {
                    assert!(i % 5 != 0, "this callback panics on purpose");
                    ran.fetch_add(1, Ordering::SeqCst);
                })
            })
            .collect::<Vec<_>>();
        cancel.cancel();
        for callback in &callbacks {
            callback.wait().unwrap();
            assert!(callback.is_finished());
            assert!(!callback.stop(), "it has run");
        }
        assert_eq!(ran.load(Ordering::SeqCst), 40);
    });
}

#[test]
fn an_inline_callback_that_panics_keeps_no_one_else_from_running() {
    within(HANG_LIMIT, || {
        let (ctx, cancel) = Context::background().with_cancel();
        let below = child(&ctx);
        let ran = Arc::new(AtomicUsize::new(0));
        let callbacks = [&ctx, &ctx, &below, &below].map(|on| {
            let bad = on.after_func_inline(|| panic!("this callback panics on purpose"));
            let ran = ran.clone();
            [bad, on.after_func_inline(move || count(&ran))]
        });
        let (mut here, mut there) = (task(ctx.done()), task(below.done()));
        assert!(here.poll().is_pending() && there.poll().is_pending());
        survives(|| cancel.cancel());
        assert_eq!(ran.load(Ordering::SeqCst), 4);
        assert!(here.is_woken() && there.is_woken());
        for callback in callbacks.as_flattened() {
            callback.wait().unwrap();
        }
        survives(|| ctx.after_func_inline(|| panic!("and so does this one, at once")));
        assert!(ctx.is_done());
    });
}

#[test]
fn callbacks_that_block_delay_no_other_and_not_the_canceler() {
    let gate = Gate::new();
    let (ctx, cancel) = Context::background().with_cancel();
    let block = |ctx: &Context| {
        let gate = gate.clone();
        ctx.after_func(move || gate.wait())
    };
    let blocked = (0..40).map(|_| block(&ctx)).collect::<Vec<_>>();
    let quick = (0..40).map(|_| ctx.after_func(|| ())).collect::<Vec<_>>();
    let (other, cancel_other) = Context::background().with_cancel();
    let elsewhere = other.after_func(|| ());
    within(HANG_LIMIT, move || {
        cancel.cancel();
        for callback in &quick {
            callback.wait().unwrap();
        }
        cancel_other.cancel();
        elsewhere.wait().unwrap();
    });
    for callback in &blocked {
        assert!(!callback.is_finished());
        assert!(!callback.stop(), "it has started");
    }
    gate.open();
    within(HANG_LIMIT, move || blocked.iter().for_each(|callback| callback.wait().unwrap()));
}

#[test]
fn a_callback_may_cancel_its_own_context_its_parent_and_its_child() {
    within(HANG_LIMIT, || {
        for inline in [false, true] {
            let (parent, cancel_parent) = Context::background().with_cancel();
            let (ctx, cancel) = parent.with_cancel();
            let (below, cancel_below) = ctx.with_cancel();
            let did = Arc::new(Mutex::new(None));
            let callback = {
                let did = did.clone();
                let handles = [cancel.handle(), cancel_parent.handle(), cancel_below.handle()];
                move || {
                    *did.lock().unwrap() =
                        Some(handles.map(|handle| handle.cancel_with("from the callback")));
                }
            };
            let callback = if inline { ctx.after_func_inline(callback) } else { ctx.after_func(callback) };
            cancel.cancel_with("first");
            callback.wait().unwrap();
            assert_eq!(*did.lock().unwrap(), Some([false, true, false]));
            assert_eq!(below.cause().unwrap().to_string(), "first");
            assert_eq!(parent.cause().unwrap().to_string(), "from the callback");
        }
    });
}

#[test]
fn a_callback_may_derive_register_and_drop_the_last_handles() {
    within(HANG_LIMIT, || {
        for inline in [false, true] {
            let probes = DropCounter::new();
            let (ctx, cancel) = Context::background().with_cancel();
            let below = child(&ctx);
            let (probe, last, nested) = (probes.probe(), ctx.clone(), Arc::new(OnceLock::new()));
            let fill = nested.clone();
            let callback = move || {
                let _probe = probe;
                assert!(child(&last).is_done());
                let _ = fill.set(last.after_func(|| ()));
                drop((below, last));
            };
            let callback = if inline { ctx.after_func_inline(callback) } else { ctx.after_func(callback) };
            drop(ctx);
            cancel.cancel();
            callback.wait().unwrap();
            nested.get().expect("the callback has run").wait().unwrap();
            drop((callback, nested));
            probes.wait_until_gone();
        }
    });
}

/// Registers a callback that does `act` to itself, cancels, and gives what `act` gave.
fn on_itself<T: Send + 'static>(inline: bool, act: fn(&AfterFunc) -> T) -> T {
    within(HANG_LIMIT, move || {
        let (ctx, cancel) = Context::background().with_cancel();
        let (itself, outcome) = (Arc::new(OnceLock::<AfterFunc>::new()), Arc::new(Mutex::new(None)));
        let callback = {
            let (itself, outcome) = (itself.clone(), outcome.clone());
            move || *outcome.lock().unwrap() = Some(act(itself.get().expect("set before the cancel")))
        };
        let callback = if inline { ctx.after_func_inline(callback) } else { ctx.after_func(callback) };
        assert!(itself.set(callback).is_ok());
        cancel.cancel();
        itself.get().unwrap().wait().unwrap();
        let outcome = outcome.lock().unwrap().take();
        outcome.expect("the callback has run")
    })
}

#[test]
fn a_callback_that_stops_itself_is_told_that_it_has_started() {
    for inline in [false, true] {
        assert!(!on_itself(inline, AfterFunc::stop));
        assert!(!on_itself(inline, AfterFunc::is_finished));
    }
}

#[test]
fn a_callback_that_waits_for_itself_gets_an_error_and_no_deadlock() {
    for inline in [false, true] {
        let WaitsForItself { .. } = on_itself(inline, AfterFunc::wait).unwrap_err();
        let error = on_itself(inline, AfterFunc::stop_and_wait).unwrap_err();
        assert!(!error.to_string().is_empty());
        let finished = on_itself(inline, |itself| match poll_once(itself.finished()) {
            std::task::Poll::Ready(outcome) => outcome,
            std::task::Poll::Pending => panic!("would wait for itself"),
        });
        assert!(finished.is_err());
    }
}

#[test]
fn a_callback_may_wait_for_another() {
    within(HANG_LIMIT, || {
        let (ctx, cancel) = Context::background().with_cancel();
        let first = Arc::new(ctx.after_func(|| ()));
        let waited = first.clone();
        let second = ctx.after_func(move || waited.wait().unwrap());
        cancel.cancel();
        second.wait().unwrap();
        assert!(first.is_finished());
    });
}

#[test]
fn a_callback_that_panics_when_it_is_dropped_unrun_harms_no_one() {
    let (ctx, cancel) = Context::background().with_cancel();
    let hostile = purview_test::PanicOnDrop;
    let callback = ctx.after_func(move || drop(hostile));
    let good = ctx.after_func(|| ());
    survives(|| callback.stop());
    assert!(!callback.stop());
    cancel.cancel();
    within(HANG_LIMIT, move || good.wait().unwrap());
}

#[test]
fn a_stopped_callback_whose_captures_re_enter_as_they_drop_does_not_deadlock() {
    within(HANG_LIMIT, || {
        let (ctx, cancel) = Context::background().with_cancel();
        let guard = purview_test::RunOnDrop::new({
            let (ctx, handle) = (ctx.clone(), cancel.handle());
            move || {
                handle.cancel();
                drop(child(&ctx));
            }
        });
        let callback = ctx.after_func(move || drop(guard));
        assert!(callback.stop());
        assert!(ctx.is_done(), "the captures of a stopped callback are dropped by the stop");
    });
}

#[test]
fn callbacks_run_while_their_registering_thread_is_gone() {
    let (root, clock) = manual_root();
    let (ctx, _cancel) = root.with_timeout(common::SECOND);
    let ran = Gate::new();
    let registered = thread::spawn({
        let (ctx, ran) = (ctx.clone(), ran.clone());
        move || drop(ctx.after_func(move || ran.open()))
    });
    registered.join().unwrap();
    clock.advance(common::SECOND);
    ran.wait();
}

#[test]
fn a_handle_of_a_callback_that_is_leaked_changes_nothing_of_when_it_runs() {
    let (ctx, cancel) = Context::background().with_cancel();
    let ran = Arc::new(AtomicUsize::new(0));
    let _leaked = std::mem::ManuallyDrop::new(ctx.after_func_inline({
        let ran = ran.clone();
        move || count(&ran)
    }));
    assert_eq!(ran.load(Ordering::SeqCst), 0);
    cancel.cancel();
    drop(ctx);
    assert_eq!(ran.load(Ordering::SeqCst), 1);
}
