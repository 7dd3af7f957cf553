//! Callbacks: when they run, how they are stopped, and what of them is left.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::task::Poll;
use std::thread;

use common::{SECOND, child};
use purview::{AfterFunc, Context};
use purview_test::{DropCounter, Gate, HANG_LIMIT, assert_drained, manual_root, task, within};

fn count(ran: &AtomicUsize) {
    ran.fetch_add(1, Ordering::SeqCst);
}

/// The two forms, so that a test can be put to both.
type Form = fn(&Context, Box<dyn FnOnce() + Send>) -> AfterFunc;
const FORMS: [(&str, Form); 2] =
    [("pool", |ctx, f| ctx.after_func(f)), ("inline", |ctx, f| ctx.after_func_inline(f))];

fn wait(callback: &Arc<AfterFunc>) {
    let callback = callback.clone();
    within(HANG_LIMIT, move || callback.wait().unwrap());
}

#[test]
fn stop_is_true_exactly_when_it_prevented_the_callback() {
    for (form, register) in FORMS {
        // Before done: prevented, once.
        let (ctx, cancel) = Context::background().with_cancel();
        let ran = Gate::new();
        let callback = Arc::new(register(
            &ctx,
            Box::new({
                let ran = ran.clone();
                move || ran.open()
            }),
        ));
        assert!(callback.stop(), "{form}");
        assert!(!callback.stop(), "{form}: a second stop prevents nothing");
        cancel.cancel();
        assert!(!callback.stop(), "{form}");
        wait(&callback);
        assert!(!ran.is_open(), "{form}");
        assert!(callback.is_finished(), "{form}: stopped is finished");

        // After it ran: too late.
        let (ctx, cancel) = Context::background().with_cancel();
        let callback = Arc::new(register(&ctx, Box::new(|| ())));
        assert!(!callback.is_finished(), "{form}");
        cancel.cancel();
        wait(&callback);
        assert!(!callback.stop(), "{form}");
        assert!(!callback.stop_and_wait().unwrap(), "{form}");

        // On what is done already: it runs, and cannot be stopped once it has.
        let callback = Arc::new(register(&ctx, Box::new(|| ())));
        wait(&callback);
        assert!(!callback.stop(), "{form}");

        // On what is never done: it never runs, and can be stopped once.
        for never in [Context::background(), Context::todo(), ctx.without_cancel()] {
            let callback = register(&never, Box::new(|| unreachable!("never done")));
            assert!(callback.stop(), "{form}");
            assert!(!callback.stop(), "{form}");
            assert!(callback.is_finished(), "{form}");
        }
    }
}

#[test]
fn stop_is_false_while_the_callback_runs_and_does_not_wait() {
    let (running, release) = (Gate::new(), Gate::new());
    let (ctx, cancel) = Context::background().with_cancel();
    let callback = Arc::new(ctx.after_func({
        let (running, release) = (running.clone(), release.clone());
        move || {
            running.open();
            release.wait();
        }
    }));
    cancel.cancel();
    running.wait();
    assert!(!callback.stop());
    assert!(!callback.is_finished());
    let mut finished = task(callback.finished());
    assert!(finished.poll().is_pending());
    let waiting = thread::spawn({
        let callback = callback.clone();
        move || callback.stop_and_wait().unwrap()
    });
    assert!(!waiting.is_finished());
    release.open();
    assert!(!within(HANG_LIMIT, move || waiting.join().unwrap()), "it waited for what it could not prevent");
    assert!(callback.is_finished());
    assert!(matches!(finished.poll(), Poll::Ready(Ok(()))));
}

#[test]
fn stop_and_wait_prevents_what_has_not_started() {
    let (ctx, _cancel) = Context::background().with_cancel();
    let callback = ctx.after_func(|| unreachable!("stopped"));
    let mut finished = task(callback.finished());
    assert!(finished.poll().is_pending());
    assert!(callback.stop_and_wait().unwrap());
    assert!(!callback.stop_and_wait().unwrap());
    assert!(finished.is_woken() && finished.poll().is_ready());
}

#[test]
fn of_stop_and_run_exactly_one_happens() {
    within(HANG_LIMIT, || {
        for (form, register) in FORMS {
            for round in 0..1500 {
                let (ctx, cancel) = Context::background().with_cancel();
                let ran = Arc::new(AtomicUsize::new(0));
                let callback = register(
                    &ctx,
                    Box::new({
                        let ran = ran.clone();
                        move || count(&ran)
                    }),
                );
                let start = Barrier::new(3);
                let stopped = thread::scope(|scope| {
                    scope.spawn(|| {
                        start.wait();
                        cancel.cancel();
                    });
                    let stoppers = [0, 1].map(|_| {
                        scope.spawn(|| {
                            start.wait();
                            usize::from(callback.stop())
                        })
                    });
                    stoppers.map(|stopper| stopper.join().unwrap()).iter().sum::<usize>()
                });
                callback.wait().unwrap();
                assert_eq!(stopped + ran.load(Ordering::SeqCst), 1, "{form}, round {round}");
            }
        }
    });
}

#[test]
fn a_callback_of_the_pool_never_runs_in_the_canceling_thread_and_an_inline_one_always() {
    within(HANG_LIMIT, || {
        let (root, clock) = manual_root();
        for (form, register) in FORMS {
            for by_deadline in [false, true] {
                let (ctx, cancel) = root.with_timeout(SECOND);
                let (sender, receiver) = std::sync::mpsc::channel();
                drop(register(&child(&ctx), Box::new(|| ())));
                drop(register(&ctx, Box::new(move || sender.send(thread::current().id()).unwrap())));
                if by_deadline {
                    clock.advance(SECOND);
                } else {
                    cancel.cancel();
                }
                let here = thread::current().id();
                assert_eq!(receiver.recv().unwrap() == here, form == "inline");
            }
        }
    });
}

#[test]
fn an_inline_callback_has_run_when_cancel_returns() {
    let (ctx, cancel) = Context::background().with_cancel();
    let below = child(&child(&ctx));
    let ran = Gate::new();
    let callback = below.after_func_inline({
        let ran = ran.clone();
        move || ran.open()
    });
    cancel.cancel();
    assert!(ran.is_open() && callback.is_finished());
}

#[test]
fn a_dropped_handle_leaves_the_callback_registered() {
    let (ctx, cancel) = Context::background().with_cancel();
    let ran = Gate::new();
    drop(ctx.after_func({
        let ran = ran.clone();
        move || ran.open()
    }));
    cancel.cancel();
    ran.wait();
}

#[test]
fn a_callback_whose_context_is_dropped_first_is_dropped_unrun() {
    let probes = DropCounter::new();
    let root = child(&Context::background());
    for (form, register) in FORMS {
        let ctx = child(&root);
        let probe = probes.probe();
        drop(register(
            &ctx,
            Box::new(move || {
                let _probe = probe;
                unreachable!("nobody is left who could end the context")
            }),
        ));
        assert_eq!(probes.live(), 1, "{form}");
        drop(ctx);
        probes.assert_gone();
        assert_drained(&root);
    }
}

#[test]
fn a_stopped_or_finished_callback_keeps_nothing() {
    let probes = DropCounter::new();
    for (_, register) in FORMS {
        let (ctx, cancel) = Context::background().with_cancel();
        let (first, second) = (probes.probe(), probes.probe());
        let stopped = register(&ctx, Box::new(move || drop(first)));
        let finished = Arc::new(register(&ctx, Box::new(move || drop(second))));
        assert_eq!(probes.live(), 2);
        assert!(stopped.stop());
        assert_eq!(probes.live(), 1, "the captures go with the stop, not with the handle");
        cancel.cancel();
        wait(&finished);
        probes.wait_until_gone();
    }
}

#[test]
fn callbacks_below_a_long_lived_context_leave_nothing_when_stopped() {
    let probes = DropCounter::new();
    let (ctx, _cancel) = Context::background().with_cancel();
    for _ in 0..10_000 {
        let probe = probes.probe();
        let callback = ctx.after_func(move || drop(probe));
        assert!(callback.stop());
    }
    probes.assert_gone();
    assert_drained(&ctx);
}

#[test]
fn each_registration_is_its_own() {
    let (ctx, cancel) = Context::background().with_cancel();
    let ran = Arc::new(AtomicUsize::new(0));
    let callbacks = [(); 3].map(|()| {
        let ran = ran.clone();
        Arc::new(ctx.after_func(move || count(&ran)))
    });
    assert!(callbacks[1].stop());
    cancel.cancel();
    callbacks.iter().for_each(wait);
    assert_eq!(ran.load(Ordering::SeqCst), 2);
}

#[test]
fn a_callback_on_a_value_context_runs_with_what_is_above_it() {
    static USER: purview::Key<&str> = purview::Key::new("user");
    let (ctx, cancel) = Context::background().with_cancel();
    let valued = ctx.with_value(&USER, "ann");
    let callback = Arc::new(valued.after_func(|| ()));
    cancel.cancel();
    wait(&callback);
}

#[test]
fn a_callback_runs_when_only_a_canceler_or_a_handle_of_it_is_left() {
    for (form, register) in FORMS {
        for by_handle in [false, true] {
            let (ctx, cancel) = Context::background().with_cancel();
            let ran = Gate::new();
            drop(register(
                &ctx,
                Box::new({
                    let ran = ran.clone();
                    move || ran.open()
                }),
            ));
            drop(ctx);
            if by_handle {
                let handle = cancel.handle();
                cancel.detach();
                assert!(handle.cancel(), "{form}");
            } else {
                cancel.cancel();
            }
            ran.wait();
        }
    }
}
