//! Deadlines on the manual clock: when they fire, in which order, and with which reason.

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{HOUR, SECOND};
use purview::Reason;
use purview_test::{WakeLog, advance_until_done, manual_root, poll_once, task};

#[test]
fn a_deadline_is_never_reported_early_and_always_on_time() {
    // On a tick of the wheel, between two, and further than one level of it.
    for after in [
        SECOND,
        Duration::from_micros(1_000_500),
        Duration::from_nanos(2),
        100 * HOUR + Duration::from_nanos(1),
    ] {
        let (root, clock) = manual_root();
        let (ctx, _cancel) = root.with_timeout(after);
        let child = common::child(&ctx);
        let mut done = task(child.done());
        clock.advance(after.saturating_sub(Duration::from_nanos(1)));
        for ctx in [&ctx, &child] {
            assert!(!ctx.is_done(), "{after:?}");
            assert!(ctx.check_exact().is_ok(), "{after:?}");
            assert_eq!(ctx.remaining(), Some(Duration::from_nanos(1)));
        }
        assert!(done.poll().is_pending());
        clock.advance(Duration::from_nanos(1));
        assert!(done.is_woken(), "{after:?}");
        for ctx in [&ctx, &child] {
            assert_eq!(ctx.err(), Some(Reason::DeadlineExceeded));
            assert!(ctx.check_exact().is_err());
            assert_eq!(ctx.remaining(), Some(Duration::ZERO));
        }
    }
}

#[test]
fn one_long_step_fires_all_that_is_due_in_deadline_order_each_at_its_time() {
    let (root, clock) = manual_root();
    let start = clock.now();
    let seen = Arc::new(Mutex::new(Vec::new()));
    // Coprime steps give every order but the sorted one; far and near ones fall into different levels of a wheel.
    let millis = (0..500_u64).map(|i| 1 + (i * 7919) % 1_000_003).collect::<Vec<_>>();
    let mut held = Vec::new();
    for &after in &millis {
        let (ctx, cancel) = root.with_timeout(Duration::from_millis(after));
        let (seen, clock) = (seen.clone(), clock.clone());
        held.push((
            ctx.after_func_inline(move || seen.lock().unwrap().push((after, clock.now()))),
            ctx,
            cancel,
        ));
    }
    assert_eq!(clock.armed(), millis.len());
    clock.advance(2000 * SECOND);
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), millis.len(), "all that is due has fired when advance returns");
    assert!(seen.is_sorted_by_key(|(after, _)| *after));
    for (after, at) in &*seen {
        assert_eq!(*at, start + Duration::from_millis(*after), "the clock stands at the deadline that fires");
    }
    assert_eq!(clock.now(), start + 2000 * SECOND);
    assert_eq!((clock.armed(), clock.next_deadline()), (0, None));
}

#[test]
fn equal_deadlines_fire_in_order_of_derivation_however_far_they_are() {
    // From the next tick to beyond what the wheel reaches: an entry is moved between its levels none to many times.
    for distance in
        [Duration::from_micros(1), Duration::from_millis(70), SECOND, 100 * SECOND, 50 * HOUR, 30_000 * HOUR]
    {
        let (root, clock) = manual_root();
        let log = WakeLog::new();
        let at = clock.now() + distance;
        let held = (0..20)
            .map(|i| {
                let (ctx, cancel) = root.with_deadline(at);
                let mut done = task(ctx.done().into_owned());
                assert!(done.poll_with(&log.waker(i)).is_pending());
                (done, ctx, cancel)
            })
            .collect::<Vec<_>>();
        clock.advance_to(at);
        assert_eq!(log.entries(), (0..20).collect::<Vec<_>>(), "in {distance:?}");
        drop(held);
    }
}

#[test]
fn a_deadline_made_by_a_deadline_fires_in_the_same_step() {
    let (root, clock) = manual_root();
    let (first, _cancel) = root.with_timeout(SECOND);
    let second = Arc::new(Mutex::new(None));
    let _callback = first.after_func_inline({
        let (root, second) = (root.clone(), second.clone());
        move || *second.lock().unwrap() = Some(root.with_timeout(SECOND))
    });
    let start = clock.now();
    clock.advance(HOUR);
    let second = second.lock().unwrap();
    let (second, _cancel) = second.as_ref().expect("the first fired");
    assert_eq!(second.deadline(), Some(start + 2 * SECOND), "it counts from the time of the first");
    assert_eq!(second.err(), Some(Reason::DeadlineExceeded));
}

#[test]
fn the_earliest_deadline_of_the_chain_wins() {
    let (root, clock) = manual_root();
    let start = clock.now();
    let (outer, _c1) = root.with_timeout_cause(2 * SECOND, "outer");
    let (inner, _c2) = outer.with_timeout_cause(SECOND, "inner");
    let (later, _c3) = outer.with_timeout_cause(3 * SECOND, "later");
    assert_eq!(outer.deadline(), Some(start + 2 * SECOND));
    assert_eq!(inner.deadline(), Some(start + SECOND));
    assert_eq!(later.deadline(), outer.deadline(), "a child never outlives its parent's deadline");
    assert_eq!(clock.armed(), 2, "what is not earlier arms nothing");

    assert_eq!(advance_until_done(&clock, &inner).to_string(), "context deadline exceeded");
    assert_eq!(inner.cause().unwrap().to_string(), "inner");
    assert!(!outer.is_done() && !later.is_done());

    advance_until_done(&clock, &outer);
    assert_eq!(later.cause().unwrap().to_string(), "outer", "its own cause was never due");
    assert_eq!(inner.cause().unwrap().to_string(), "inner", "the first cause stays");
}

#[test]
fn a_cancelled_or_dropped_context_leaves_no_deadline_armed() {
    let (root, clock) = manual_root();
    let (a, cancel_a) = root.with_timeout(SECOND);
    let (b, cancel_b) = root.with_timeout(2 * SECOND);
    let (c, cancel_c) = root.with_timeout(3 * SECOND);
    let (parent, cancel_parent) = root.with_cancel();
    let (d, cancel_d) = parent.with_timeout(4 * SECOND);
    assert_eq!((clock.armed(), clock.next_deadline()), (4, a.deadline()));
    cancel_a.cancel();
    assert_eq!((clock.armed(), clock.next_deadline()), (3, b.deadline()));
    drop(cancel_b);
    assert_eq!(clock.armed(), 2, "dropping the canceler cancels");
    cancel_c.detach();
    assert_eq!(clock.armed(), 2, "detaching does not");
    drop(c);
    assert_eq!(clock.armed(), 1, "an armed deadline keeps no context alive");
    cancel_parent.cancel();
    assert_eq!(clock.armed(), 0, "a cancelled subtree waits for nothing");
    assert_eq!(d.err(), Some(Reason::Canceled));
    drop((b, d, cancel_d));
    clock.advance(HOUR);
    assert_eq!(a.err(), Some(Reason::Canceled));
}

#[test]
fn the_canceler_of_a_timeout_takes_a_cause() {
    let (root, _clock) = manual_root();
    let (ctx, cancel) = root.with_timeout_cause(SECOND, "deadline");
    cancel.cancel_with("by hand");
    assert_eq!(ctx.err(), Some(Reason::Canceled));
    assert_eq!(ctx.cause().unwrap().to_string(), "by hand");
}

#[test]
fn a_callback_of_a_pool_thread_sees_the_deadline_as_passed() {
    let (root, clock) = manual_root();
    let (ctx, _cancel) = root.with_timeout(SECOND);
    let callback = ctx.after_func(|| ());
    clock.advance(SECOND);
    purview_test::within(purview_test::HANG_LIMIT, move || callback.wait().unwrap());
    assert!(poll_once(ctx.done()).is_ready());
}

#[test]
fn two_clocks_do_not_meddle() {
    let (root_a, clock_a) = manual_root();
    let (root_b, clock_b) = manual_root();
    let (a, _cancel_a) = root_a.with_timeout(SECOND);
    let (b, _cancel_b) = root_b.with_timeout(SECOND);
    clock_a.advance(HOUR);
    assert!(a.is_done() && !b.is_done());
    assert_eq!((clock_a.armed(), clock_b.armed()), (0, 1));
}

#[test]
fn deadlines_within_one_tick_fire_each_at_its_time_whatever_comes_and_goes_between() {
    let (root, clock) = manual_root();
    let start = clock.now();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let make = |micros: u64| {
        let (ctx, cancel) = root.with_deadline(start + Duration::from_micros(micros));
        let (seen, clock) = (seen.clone(), clock.clone());
        let _callback = ctx.after_func_inline(move || seen.lock().unwrap().push((micros, clock.now())));
        (ctx, Some(cancel))
    };
    let mut armed = [170, 130, 190, 110, 180, 120, 160, 140, 150, 100].map(make);
    // The first one fires, for which all were put in order.
    clock.advance(Duration::from_micros(100));
    // The last, the first and one in the middle.
    for i in [2, 3, 7] {
        drop(armed[i].1.take());
    }
    let later = [195, 105, 145].map(make);
    clock.advance(SECOND);
    let at = |micros: u64| start + Duration::from_micros(micros);
    let expected = [100, 190, 110, 140].map(|micros| (micros, at(100))).into_iter();
    let expected =
        expected.chain([105, 120, 130, 145, 150, 160, 170, 180, 195].map(|micros| (micros, at(micros))));
    assert_eq!(*seen.lock().unwrap(), expected.collect::<Vec<_>>());
    assert_eq!(clock.armed(), 0);
    drop((armed, later));
}

#[test]
fn far_and_near_deadlines_fire_at_their_time_wherever_the_clock_stands() {
    const DAY: Duration = Duration::from_secs(86_400);
    // The wheel reaches 2.2 years, in slots of 12.4 days at last.
    for elapsed in [0, 1, 13, 27, 400, 790, 800, 2000] {
        let (root, clock) = manual_root();
        // Something far is there all the time.
        let (_far, _cancel_far) = root.with_timeout(5000 * DAY);
        clock.advance(elapsed * DAY + SECOND);
        let start = clock.now();
        let held = (0..44)
            .rev()
            .map(|power| Duration::from_micros(3 << power) + Duration::from_micros(7))
            .chain((1..80).map(|i| i * 11 * DAY + SECOND))
            .map(|after| (after, root.with_timeout(after)))
            .collect::<Vec<_>>();
        let mut order = held.iter().collect::<Vec<_>>();
        order.sort_by_key(|(after, _)| *after);
        assert_eq!(clock.armed(), order.len() + usize::from(elapsed < 5000));
        for (i, (after, (ctx, _))) in order.iter().enumerate() {
            assert_eq!(clock.next_deadline().min(ctx.deadline()), ctx.deadline());
            clock.advance_to(start + after.checked_sub(Duration::from_nanos(1)).unwrap());
            assert!(!ctx.is_done(), "{after:?} after {elapsed} days");
            clock.advance(Duration::from_nanos(1));
            assert!(ctx.is_done(), "{after:?} after {elapsed} days");
            assert_eq!(order.iter().filter(|(_, (ctx, _))| ctx.is_done()).count(), i + 1);
        }
    }
}

#[test]
fn a_deadline_that_is_no_earlier_than_that_above_is_not_kept_twice() {
    let (root, clock) = manual_root();
    let (outer, _c1) = root.with_timeout_cause(SECOND, "outer");
    let (equal, _c2) = outer.with_timeout_cause(SECOND, "equal");
    assert_eq!(clock.armed(), 1);
    clock.advance(SECOND);
    assert_eq!(equal.cause().unwrap().to_string(), "outer");
}
