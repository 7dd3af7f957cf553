//! Ends inside of ends: contexts that free contexts, and what user code does in between.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, Instant};

use purview::{Canceler, Clock, Context, Key, Reason, TimeSource};
use purview_test::{ReentrantWaker, poll_with};

#[test]
fn a_source_that_is_canceled_while_a_deep_pile_of_merged_contexts_is_freed_finds_none_of_them() {
    let (base, canceler) = Context::background().with_cancel();
    let canceler = Arc::new(Mutex::new(Some(canceler)));
    let waker = ReentrantWaker::new(move || drop::<Option<Canceler>>(canceler.lock().unwrap().take()));
    let mut waits = Vec::new();
    let mut merged = base.clone();
    for _ in 0..30 {
        let (source, source_canceler) = Context::background().with_cancel();
        source_canceler.detach();
        merged = Context::merge([&source, &merged]);
        // Told when the merged context is freed, in the middle of the freeing of those around it.
        let mut drained = Box::pin(source.drained().into_owned());
        assert_eq!(poll_with(drained.as_mut(), &waker), Poll::Pending);
        waits.push(drained);
    }
    drop(merged);
    assert!(base.is_done());
}

/// What a clock does when it is asked: nothing, once it is armed something else.
type Asked = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

/// A clock that stands still, and does what it is told to when it is asked for the time.
struct Asking(Instant, Asked);

impl TimeSource for Asking {
    fn now(&self) -> Instant {
        let asked = self.1.lock().unwrap().take();
        if let Some(asked) = asked {
            asked();
        }
        self.0
    }

    fn wake_at(&self, _at: Instant) {}
}

fn asking() -> (Asked, Clock) {
    let asked = Asked::default();
    (asked.clone(), Clock::new(Asking(Clock::system().now(), asked)))
}

#[test]
fn a_merge_that_a_clock_ends_by_a_panic_leaves_nothing_behind_in_the_sources() {
    let (asked, clock) = asking();
    let (first, _first) = Context::background().with_cancel();
    let (second, second_canceler) = Context::background().with_cancel();
    let (late, _late) = Context::root(clock).with_timeout(Duration::from_secs(1000));
    // `first` is drained by the end of the half-made merged context; at that moment `second` is canceled.
    let kept = first.named("kept");
    let canceler = Mutex::new(Some(second_canceler));
    let waker = ReentrantWaker::new(move || drop(canceler.lock().unwrap().take()));
    let mut drained = Box::pin(first.drained());
    assert_eq!(poll_with(drained.as_mut(), &waker), Poll::Pending);
    *asked.lock().unwrap() = Some(Box::new(move || {
        drop(kept);
        panic!("the clock is broken");
    }));
    let result = catch_unwind(AssertUnwindSafe(|| Context::merge([&first, &second, &late])));
    assert!(result.is_err());
    assert!(second.is_done());
    assert_eq!(second.derived_count(), 0);
}

#[test]
fn a_clock_may_use_contexts_of_its_own_when_it_is_first_asked() {
    let (asked, clock) = asking();
    let own = clock.clone();
    *asked.lock().unwrap() = Some(Box::new(move || {
        assert!(!Context::root(own).with_timeout(Duration::from_secs(1)).0.is_done());
    }));
    let (ctx, _canceler) = Context::root(clock).with_timeout(Duration::from_secs(1));
    assert!(!ctx.is_done());
}

/// A clock that is set by hand and arms at the first look.
struct Set(Arc<Mutex<Instant>>);

impl TimeSource for Set {
    fn now(&self) -> Instant {
        *self.0.lock().unwrap()
    }

    fn wake_at(&self, _at: Instant) {}
}

#[test]
fn a_timeout_of_zero_below_a_deadline_that_passed_unnoticed_is_done_at_birth() {
    let time = Arc::new(Mutex::new(Clock::system().now()));
    let (parent, _parent) = Context::root(Clock::new(Set(time.clone()))).with_timeout(Duration::from_secs(1));
    assert!(!parent.is_done());
    *time.lock().unwrap() += Duration::from_secs(2);
    let (child, _child) = parent.with_timeout(Duration::ZERO);
    assert_eq!(child.err(), Some(Reason::DeadlineExceeded));
}

#[test]
fn a_cause_that_is_passed_on_stays_what_it_was() {
    let (late, _late) = Context::background().with_timeout(Duration::ZERO);
    let (ctx, canceler) = Context::background().with_cancel();
    canceler.cancel_with(late.cause().unwrap());
    assert_eq!(ctx.cause().unwrap().to_string(), "context deadline exceeded");
    assert_eq!(ctx.cause().unwrap().downcast_ref::<Reason>(), Some(&Reason::DeadlineExceeded));
}

/// What keeps a context, in a value of another one.
static KEPT: Key<Context> = Key::new("kept");

#[test]
fn a_pile_of_contexts_that_hold_each_other_by_values_is_freed_without_recursion() {
    let mut child = Context::background();
    for _ in 0..100_000 {
        // The handle of the parent goes; its child, which has nothing but its memory, is its last share.
        let (parent, canceler) = Context::background().derive().value(&KEPT, child).cancelable();
        canceler.detach();
        let (next, canceler) = parent.with_cancel();
        canceler.detach();
        child = next;
    }
    drop(child);
}
