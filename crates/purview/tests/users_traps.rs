//! What people run into: the outcome of a sleep, handles that are kept, channels that are cloned, errors that are passed on.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context as TaskContext, Poll};
use std::thread;
use std::time::Duration;

use purview::{Context, FutureExt, Key, ManualClock, Reason};
use purview_test::{DropCounter, HANG_LIMIT, manual_root, poll_once, within};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_sleep_that_was_over_before_the_context_ended_is_ok() {
    let (root, clock) = manual_root();
    let (ctx, canceler) = root.with_cancel();
    let over = ctx.sleep(SECOND);
    let cut = ctx.sleep(10 * SECOND);
    clock.advance(5 * SECOND);
    canceler.cancel();
    assert_eq!(over.wait(), Ok(()));
    assert!(cut.wait().unwrap_err().is_canceled());
}

#[test]
fn a_sleep_under_a_later_deadline_is_ok_also_when_it_is_asked_late() {
    let (root, clock) = manual_root();
    let (ctx, _canceler) = root.with_timeout(5 * SECOND);
    let mut over = Box::pin(ctx.sleep(SECOND));
    assert_eq!(poll_once(over.as_mut()), Poll::Pending);
    let cut = ctx.sleep(6 * SECOND);
    clock.advance(9 * SECOND);
    assert_eq!(poll_once(over.as_mut()), Poll::Ready(Ok(())));
    assert!(cut.wait().unwrap_err().is_deadline_exceeded());
}

#[test]
fn a_sleep_of_nothing_is_over_at_once_but_not_on_a_context_that_is_done() {
    let (root, _clock) = manual_root();
    assert_eq!(root.sleep(Duration::ZERO).wait(), Ok(()));
    let (late, _late) = root.with_timeout(Duration::ZERO);
    assert!(late.sleep(Duration::ZERO).wait().is_err());
}

#[test]
fn a_deadline_that_is_made_while_the_clock_moves_past_it_is_not_lost() {
    for round in 0..2000_u32 {
        let clock = ManualClock::new();
        let root = Context::root(&clock);
        let at = clock.now() + Duration::from_millis(5);
        let barrier = Arc::new(Barrier::new(2));
        let (moving, meeting) = (clock.clone(), Arc::clone(&barrier));
        let mover = thread::spawn(move || {
            meeting.wait();
            moving.advance_to(at);
        });
        barrier.wait();
        (0..round % 97).for_each(|_| std::hint::spin_loop());
        let (ctx, _canceler) = root.with_deadline(at);
        mover.join().unwrap();
        assert_eq!(ctx.err(), Some(Reason::DeadlineExceeded), "round {round}");
    }
}

#[test]
fn a_cancel_handle_that_is_kept_does_not_keep_a_context_that_is_done() {
    static PROBE: Key<purview_test::Probe> = Key::new("probe");
    let probes = DropCounter::new();
    let (parent, _parent) = Context::background().with_cancel();
    let (ctx, canceler) = parent.derive().value(&PROBE, probes.probe()).cancelable();
    let handle = canceler.handle();
    canceler.cancel();
    drop(ctx);
    assert!(parent.drained().wait_timeout(Duration::ZERO));
    probes.assert_gone();
    assert!(!handle.cancel(), "it was done");
}

#[test]
fn a_cancel_handle_that_is_dropped_leaves_nothing_behind() {
    static PROBE: Key<purview_test::Probe> = Key::new("probe");
    let probes = DropCounter::new();
    let (ctx, canceler) = Context::background().derive().value(&PROBE, probes.probe()).cancelable();
    let handle = canceler.handle();
    canceler.detach();
    drop(ctx);
    drop(handle);
    probes.assert_gone();
}

/// Wakes itself whenever it is polled, for as long as it is told to.
struct Restless(Arc<AtomicBool>);

impl Future for Restless {
    type Output = &'static str;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<&'static str> {
        if self.0.load(Ordering::Acquire) {
            return Poll::Ready("at last");
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[test]
fn a_future_that_wakes_itself_is_polled_on_and_ends_its_context() {
    within(HANG_LIMIT, || {
        let over = Arc::new(AtomicBool::new(false));
        let ctx = Context::from_future(Restless(Arc::clone(&over)));
        // Callbacks still find a thread.
        let (other, canceler) = Context::background().with_cancel();
        let callback = other.after_func(|| ());
        canceler.cancel();
        callback.wait().unwrap();
        over.store(true, Ordering::Release);
        assert_eq!(ctx.done().wait().cause().to_string(), "at last");
    });
}

#[test]
fn a_manual_clock_that_is_advanced_by_its_own_callback_panics_there_and_goes_on() {
    within(HANG_LIMIT, || {
        let (root, clock) = manual_root();
        let (ctx, _canceler) = root.with_timeout(SECOND);
        let (later, _later) = root.with_timeout(2 * SECOND);
        let own = clock.clone();
        let came_back = Arc::new(Mutex::new(false));
        let flag = Arc::clone(&came_back);
        ctx.after_func_inline(move || {
            own.advance(SECOND);
            *flag.lock().unwrap() = true;
        });
        clock.advance(3 * SECOND);
        assert!(ctx.is_done() && later.is_done());
        assert!(!*came_back.lock().unwrap(), "the callback was ended by the panic");
    });
}

#[test]
fn an_error_that_is_given_as_a_cause_stands_for_its_own_cause() {
    let (first, canceler) = Context::background().with_cancel();
    canceler.cancel_with("the client left");
    let (second, canceler) = Context::background().with_cancel();
    canceler.cancel_with(first.check().unwrap_err());
    assert_eq!(format!("{:#}", second.check().unwrap_err()), "context canceled: the client left");
    let mut stopped = Box::pin(pending::<()>().with_context(&second));
    assert_eq!(poll_once(stopped.as_mut()), Poll::Ready(Err(first.check().unwrap_err())));
}

#[test]
fn a_merge_of_many_sources_ends_with_any_of_them() {
    let mut sources: Vec<_> = (0..5000).map(|_| Context::background().with_cancel()).collect();
    let merged = Context::merge(sources.iter().map(|(ctx, _)| ctx));
    assert!(!merged.is_done());
    let (_, canceler) = sources.swap_remove(4321);
    canceler.cancel_with("one of many");
    assert_eq!(merged.cause().unwrap().to_string(), "one of many");
}

#[cfg(feature = "crossbeam-channel")]
#[test]
fn a_clone_of_a_channel_is_open_for_as_long_as_the_context_lives() {
    let (ctx, canceler) = Context::background().with_cancel();
    let clone = ctx.done_channel().clone();
    assert!(clone.try_recv().is_err_and(|error| error.is_empty()));
    canceler.cancel();
    assert!(clone.recv().is_err());
}
