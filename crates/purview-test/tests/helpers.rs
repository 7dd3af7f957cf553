//! The helpers themselves: above all that a check which should fail does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;
use std::time::Duration;

use purview::Context;
use purview_test::{
    BlockingWaker, CountingWaker, DropCounter, Gate, HANG_LIMIT, PanicOnDrop, PanickingCause, PanickingWaker,
    ReentrantWaker, RunOnDrop, SMALL_STACK, WakeLog, advance_until_done, assert_drained, manual_root,
    poll_once, task, within, within_stack,
};

/// The message that `f` panics with.
fn panic_of(f: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(f)).expect_err("a panic");
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => (*panic.downcast::<&str>().expect("a text")).to_owned(),
    }
}

#[test]
fn a_limit_that_passes_is_a_panic_that_says_so() {
    let gate = Gate::new();
    let blocked = gate.clone();
    assert!(panic_of(|| within(Duration::from_millis(1), move || blocked.wait())).contains("hangs"));
    gate.open();
}

#[test]
fn a_panic_inside_a_limit_goes_on_outside() {
    assert_eq!(panic_of(|| within(HANG_LIMIT, || panic!("inside"))), "inside");
    assert_eq!(within_stack(HANG_LIMIT, SMALL_STACK, || 3), 3);
}

#[test]
fn leak_checks_fail_on_leaks() {
    let probes = DropCounter::new();
    let probe = probes.probe();
    assert!(panic_of(|| probes.assert_gone()).contains("1 probes"));
    drop(probe);
    probes.assert_gone();
    assert_eq!((probes.live(), probes.dropped()), (0, 1));

    let (ctx, _cancel) = Context::background().with_cancel();
    let child = ctx.named("child");
    assert!(panic_of(|| assert_drained(&ctx)).contains("1 contexts"));
    drop(child);
    assert_drained(&ctx);
}

#[test]
fn a_task_knows_what_happened_since_its_last_poll() {
    let (ctx, cancel) = Context::background().with_cancel();
    let mut done = task(ctx.done());
    assert!(done.poll().is_pending());
    assert_eq!((done.is_woken(), done.wakes(), done.waker().held()), (false, 0, 1));
    cancel.cancel();
    assert_eq!((done.is_woken(), done.wakes()), (true, 1));
    assert!(done.poll().is_ready());
    assert!(!done.is_woken());
}

#[test]
fn wakers_do_what_their_names_say() {
    let counting = CountingWaker::new();
    let copies = [counting.waker(), counting.waker()];
    copies[0].wake_by_ref();
    assert_eq!((counting.count(), counting.held()), (1, 2));
    for copy in copies {
        copy.wake();
    }
    assert_eq!((counting.count(), counting.held()), (3, 0));

    let log = WakeLog::new();
    log.waker(2).wake();
    log.push(1);
    assert_eq!(log.entries(), [2, 1]);
    assert_eq!(format!("{log:?}"), "[2, 1]");

    let hostile = PanickingWaker::new();
    assert!(panic_of(|| hostile.waker().wake()).contains("on purpose"));
    assert_eq!(hostile.count(), 1);

    let pushed = log.clone();
    ReentrantWaker::new(move || pushed.push(3)).wake_by_ref();
    let pushed = log.clone();
    drop(ReentrantWaker::on_drop(move || pushed.push(4)));
    assert_eq!(log.entries(), [2, 1, 3, 4]);
    assert!(!Waker::noop().will_wake(&counting.waker()));
}

#[test]
fn a_blocking_waker_lets_go_when_it_is_dropped() {
    let blocking = BlockingWaker::new();
    let waker = blocking.waker();
    let woken = std::thread::spawn(move || waker.wake());
    blocking.wait_until_blocked();
    assert!(!woken.is_finished());
    drop(blocking);
    within(HANG_LIMIT, move || woken.join().unwrap());
}

#[test]
fn values_and_causes_misbehave() {
    assert!(panic_of(|| drop(PanicOnDrop)).contains("on purpose"));
    let outer = panic_of(|| {
        let _bad = PanicOnDrop;
        panic!("first");
    });
    assert_eq!(outer, "first", "a second panic while the first unwinds would end the process");
    assert!(panic_of(|| drop(PanickingCause.to_string())).contains("on purpose"));
    assert!(panic_of(|| drop(format!("{PanickingCause:?}"))).contains("on purpose"));
    let gate = Gate::new();
    drop(RunOnDrop::new({
        let gate = gate.clone();
        move || gate.open()
    }));
    assert!(gate.is_open() && gate.wait_timeout(Duration::ZERO));
}

#[test]
fn time_goes_on_until_a_context_is_done_or_nothing_can_end_it() {
    let (root, clock) = manual_root();
    let (ctx, _cancel) = root.with_timeout(Duration::from_secs(5));
    assert!(advance_until_done(&clock, &ctx).is_deadline_exceeded());
    assert!(poll_once(ctx.done()).is_ready());
    let (endless, _cancel) = root.with_cancel();
    assert!(panic_of(|| drop(advance_until_done(&clock, &endless))).contains("no deadline is armed"));
}
