//! Deadlines against cancellation, dropping and other looks.

use super::thread;
use super::{model, sound};
use crate::{Clock, Context, ManualClock, Reason, TimeSource};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn of_a_deadline_and_a_cancel_one_wins_with_its_cause() {
    model(3, || {
        let clock = ManualClock::new();
        let (ctx, canceler) = Context::root(&clock).with_timeout_cause(SECOND, "late");
        let (child, _child) = ctx.with_cancel();
        let moving = clock.clone();
        let timer = thread::spawn(move || moving.advance(SECOND));
        canceler.cancel_with("canceled");
        timer.join().unwrap();
        let expected = match ctx.err() {
            Some(Reason::Canceled) => "canceled",
            Some(Reason::DeadlineExceeded) => "late",
            None => panic!("both have happened"),
        };
        assert_eq!(ctx.cause().unwrap().to_string(), expected);
        assert_eq!(child.cause().unwrap().to_string(), expected);
        assert_eq!(clock.armed(), 0);
        sound(&ctx);
    });
}

#[test]
fn dropping_a_context_while_its_deadline_fires_frees_it_once() {
    model(3, || {
        let clock = ManualClock::new();
        let (ctx, canceler) = Context::root(&clock).with_timeout(SECOND);
        canceler.detach();
        let moving = clock.clone();
        let timer = thread::spawn(move || moving.advance(SECOND));
        drop(ctx);
        timer.join().unwrap();
        assert_eq!(clock.armed(), 0);
    });
}

/// A clock whose contexts arm at the first look.
struct Lazy(Arc<Mutex<Instant>>);

impl TimeSource for Lazy {
    fn now(&self) -> Instant {
        *self.0.lock().unwrap()
    }

    fn wake_at(&self, _at: Instant) {}
}

#[test]
fn two_first_looks_arm_once_and_a_cancel_disarms() {
    model(3, || {
        let time = Arc::new(Mutex::new(Clock::system().now()));
        let clock = Clock::new(Lazy(time));
        let (ctx, canceler) = Context::root(clock.clone()).with_timeout(SECOND);
        let looking = ctx.clone();
        let looker = thread::spawn(move || looking.is_done());
        let canceling = thread::spawn(move || canceler.cancel());
        let _ = ctx.is_done();
        looker.join().unwrap();
        canceling.join().unwrap();
        assert_eq!(ctx.err(), Some(Reason::Canceled));
        assert_eq!(clock.armed(), 0);
        sound(&ctx);
    });
}

#[test]
fn a_turn_of_the_clock_meets_a_first_look() {
    model(3, || {
        let time = Arc::new(Mutex::new(Clock::system().now()));
        let clock = Clock::new(Lazy(time.clone()));
        let (ctx, _canceler) = Context::root(clock.clone()).with_timeout(SECOND);
        let turning = clock.clone();
        let turner = thread::spawn(move || {
            *time.lock().unwrap() += SECOND;
            turning.turn();
        });
        let _ = ctx.is_done();
        turner.join().unwrap();
        // Either the turn fired it, or the look found it late; and if it was armed after the turn, a next turn fires it.
        clock.turn();
        assert_eq!(ctx.err(), Some(Reason::DeadlineExceeded));
        sound(&ctx);
    });
}

#[test]
fn a_child_of_a_context_whose_deadline_fires_is_done_too() {
    model(3, || {
        let clock = ManualClock::new();
        let (ctx, _canceler) = Context::root(&clock).with_timeout(SECOND);
        let moving = clock.clone();
        let timer = thread::spawn(move || moving.advance(SECOND));
        let (child, _child) = ctx.with_cancel();
        timer.join().unwrap();
        assert_eq!(child.err(), Some(Reason::DeadlineExceeded));
        sound(&ctx);
    });
}

#[cfg(loom)]
#[test]
fn the_timer_thread_comes_for_the_earlier_of_two_deadlines_that_arm_while_it_starts() {
    use std::future::Future;
    use std::task::{Context as TaskContext, Poll};

    model(2, || {
        let (late, _late) = Context::background().with_timeout(2 * SECOND);
        let (early, _early) = Context::background().with_timeout(SECOND);
        let looker = thread::spawn(move || assert!(!late.is_done()));
        assert!(!early.is_done());
        looker.join().unwrap();
        crate::sync::pass(SECOND + Duration::from_millis(1));
        let mut done = Box::pin(early.done());
        let waker = super::unparker();
        while done.as_mut().poll(&mut TaskContext::from_waker(&waker)) == Poll::Pending {
            thread::park();
        }
        assert_eq!(early.err(), Some(Reason::DeadlineExceeded));
    });
}

#[cfg(loom)]
#[test]
fn dropping_a_context_of_the_system_while_the_timer_thread_ends_it_frees_it_once() {
    model(3, || {
        let (ctx, canceler) = Context::background().with_timeout(SECOND);
        canceler.detach();
        assert!(!ctx.is_done());
        crate::sync::pass(SECOND + Duration::from_millis(1));
        drop(ctx);
        assert_eq!(crate::timer::Timers::system().armed(), 0);
    });
}

#[cfg(loom)]
#[test]
fn a_context_that_was_looked_at_by_one_and_freed_by_another_leaves_nothing_in_the_wheel() {
    use super::sync::Arc;
    use super::sync::atomic::{AtomicBool, Ordering};

    model(3, || {
        let (ctx, canceler) = Context::background().with_timeout(SECOND);
        let left = Arc::new(AtomicBool::new(false));
        let leaving = left.clone();
        let looker = thread::spawn(move || {
            let _ = ctx.is_done();
            drop(ctx);
            leaving.store(true, Ordering::Relaxed);
        });
        // It orders nothing, but has the checker try what follows after the other thread.
        let _ = left.load(Ordering::Relaxed);
        drop(canceler);
        looker.join().unwrap();
        assert_eq!(crate::timer::Timers::system().armed(), 0);
    });
}
