//! Clocks of the user's own, and which clock a context uses.

mod common;

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use common::{HOUR, SECOND, child, survives};
use purview::{Clock, Context, Reason, TimeSource};
use purview_test::{Gate, HANG_LIMIT, assert_drained, manual_root, task, within};

/// A clock that notes what it is asked for.
#[derive(Clone)]
struct Steps(Arc<Inner>);

struct Inner {
    now: Mutex<Instant>,
    asked: Mutex<Vec<Instant>>,
    /// Read whenever the clock is, as a clock that keeps contexts of its own would.
    beside: Option<Context>,
}

impl Steps {
    fn new(beside: Option<Context>) -> (Context, Clock, Self) {
        let start = Clock::system().now();
        let steps = Self(Arc::new(Inner { now: Mutex::new(start), asked: Mutex::default(), beside }));
        let clock = Clock::new(steps.clone());
        (Context::root(clock.clone()), clock, steps)
    }

    fn step(&self) {
        *self.0.now.lock().unwrap() += SECOND;
    }

    fn asked(&self) -> Vec<Instant> {
        self.0.asked.lock().unwrap().clone()
    }
}

impl TimeSource for Steps {
    fn now(&self) -> Instant {
        if let Some(beside) = &self.0.beside {
            drop(child(beside));
            assert!(beside.check_exact().is_ok());
        }
        *self.0.now.lock().unwrap()
    }

    fn wake_at(&self, at: Instant) {
        if let Some(beside) = &self.0.beside {
            drop(child(beside));
        }
        self.0.asked.lock().unwrap().push(at);
    }
}

#[test]
fn a_clock_is_asked_to_wake_at_the_first_look_and_not_before() {
    let (root, clock, steps) = Steps::new(None);
    let (ctx, _cancel) = root.with_timeout(SECOND);
    assert_eq!((clock.armed(), steps.asked().len()), (0, 0), "nobody has looked");
    assert!(!ctx.is_done());
    assert_eq!(clock.armed(), 1);
    let asked = steps.asked();
    // It may be asked to come before the deadline: the timers then ask again.
    assert!(asked.len() == 1 && asked[0] > clock.now());
    for _ in 0..10 {
        assert!(!ctx.is_done());
    }
    assert_eq!(steps.asked().len(), 1, "from then on a look asks for nothing");
}

#[test]
fn a_child_that_can_be_done_is_a_look_at_its_parent_and_a_view_is_none() {
    let kinds: [fn(&Context) -> Context; 3] = [
        child,
        |ctx| ctx.derive().named("child").cancelable().0.clone(),
        |ctx| ctx.with_timeout(HOUR).0.clone(),
    ];
    for derive in kinds {
        let (root, clock, steps) = Steps::new(None);
        let (parent, _cancel) = root.with_timeout(SECOND);
        let view = parent.named("view");
        let apart = parent.without_cancel();
        assert_eq!(clock.armed(), 0);
        let below = derive(&parent);
        assert_eq!(clock.armed(), 1);
        steps.step();
        clock.turn();
        assert!(below.is_done() && view.is_done() && !apart.is_done());
    }
}

#[test]
fn a_turn_fires_what_is_due_and_asks_for_the_next() {
    let (root, clock, steps) = Steps::new(None);
    let (first, _c1) = root.with_timeout(SECOND);
    let (second, _c2) = root.with_timeout(2 * SECOND);
    let mut waiting = [task(first.done()), task(second.done())];
    assert!(waiting.iter_mut().all(|done| done.poll().is_pending()));
    clock.turn();
    assert!(!first.is_done());
    steps.step();
    assert!(!first.is_done(), "a read of the state asks no clock");
    assert!(second.check_exact().is_ok() && first.check_exact().is_err(), "the exact check does");
    assert!(waiting[0].is_woken());
    steps.step();
    clock.turn();
    assert_eq!(second.err(), Some(Reason::DeadlineExceeded));
    assert!(waiting[1].is_woken());
    assert_eq!(clock.armed(), 0);
}

#[test]
fn a_clock_is_asked_to_come_soon_after_a_near_deadline_and_seldom_before_a_far_one() {
    const TICK: Duration = Duration::from_millis(1);
    for after in [Duration::from_micros(1), Duration::from_micros(10_500), 3 * SECOND, 400 * 24 * HOUR] {
        let (root, clock, steps) = Steps::new(None);
        let (ctx, _cancel) = root.with_timeout(after);
        assert!(!ctx.is_done());
        let deadline = ctx.deadline().unwrap();
        let mut turns = 0;
        while !ctx.is_done() {
            let coming = *steps.asked().last().unwrap();
            assert!(coming > clock.now() && coming <= deadline + TICK, "in {after:?}");
            *steps.0.now.lock().unwrap() = coming;
            clock.turn();
            turns += 1;
        }
        assert!(clock.now() >= deadline);
        // As often as it moves down a level, and once to fire.
        assert!(turns <= 6, "{turns} turns for {after:?}");
    }
}

#[test]
fn a_clock_that_uses_contexts_itself_does_not_deadlock() {
    within(HANG_LIMIT, || {
        let (beside_root, _beside_clock) = manual_root();
        let (beside, _cancel) = beside_root.with_timeout(HOUR);
        let (root, clock, steps) = Steps::new(Some(beside));
        let (ctx, _cancel) = root.with_timeout(SECOND);
        let below = child(&ctx);
        assert!(!below.is_done() && below.remaining() == Some(SECOND));
        steps.step();
        clock.turn();
        assert!(below.is_done());
        assert!(below.to_string().contains("with_timeout"));
    });
}

#[test]
fn all_below_a_root_use_its_clock() {
    let (root, manual) = manual_root();
    let clock = Clock::from(&manual);
    let (timed, _cancel) = child(&root).with_timeout(HOUR);
    for ctx in [&root, &timed, &timed.named("named"), &timed.without_cancel(), &child(&timed)] {
        assert!(ctx.clock().ptr_eq(&clock));
    }
    assert!(Context::background().clock().ptr_eq(&Clock::system()));
    assert!(child(&Context::background()).clock().ptr_eq(&Clock::system()));
}

#[test]
fn a_merged_context_uses_the_clock_of_its_first_source_whoever_has_the_deadline() {
    let (first_root, first_clock) = manual_root();
    let (other_root, other_clock) = manual_root();
    let first = child(&first_root);
    let (other, _cancel) = other_root.with_timeout(HOUR);
    let merged = Context::merge([&first, &other]);
    assert!(merged.clock().ptr_eq(&Clock::from(&first_clock)));
    let (below, _cancel) = merged.with_timeout(SECOND);
    first_clock.advance(SECOND);
    assert!(below.is_done() && !merged.is_done());
    other_clock.advance(HOUR);
    assert_eq!(merged.err(), Some(Reason::DeadlineExceeded));
}

/// A clock that can be told to lie, and to block whoever asks it.
#[derive(Clone)]
struct Liar {
    now: Arc<Mutex<Instant>>,
    blocks: Arc<Mutex<Option<(Gate, Gate)>>>,
}

impl Liar {
    fn new() -> (Context, Clock, Self) {
        let liar = Self { now: Arc::new(Mutex::new(Clock::system().now())), blocks: Arc::default() };
        let clock = Clock::new(liar.clone());
        (Context::root(clock.clone()), clock, liar)
    }
}

impl TimeSource for Liar {
    fn now(&self) -> Instant {
        let blocks = self.blocks.lock().unwrap().take();
        if let Some((asked, release)) = blocks {
            asked.open();
            release.wait();
        }
        *self.now.lock().unwrap()
    }

    fn wake_at(&self, _at: Instant) {}
}

#[test]
fn a_clock_that_goes_back_undoes_nothing() {
    let (root, clock, liar) = Liar::new();
    let (ctx, _cancel) = root.with_timeout(SECOND);
    assert!(!ctx.is_done());
    *liar.now.lock().unwrap() += SECOND;
    clock.turn();
    assert!(ctx.is_done());
    *liar.now.lock().unwrap() -= 10 * SECOND;
    clock.turn();
    assert_eq!(ctx.err(), Some(Reason::DeadlineExceeded));
    // By that clock there is more time than was asked for, and a new deadline counts from there.
    let (later, _cancel) = root.with_timeout(SECOND);
    assert_eq!(later.remaining(), Some(SECOND));
    *liar.now.lock().unwrap() += SECOND;
    clock.turn();
    assert!(later.is_done());
}

#[test]
fn a_clock_that_never_wakes_anybody_is_asked_by_who_wants_to_know() {
    let (root, _clock, liar) = Liar::new();
    let (ctx, _cancel) = root.with_timeout(SECOND);
    assert!(!ctx.is_done());
    *liar.now.lock().unwrap() += SECOND;
    assert!(!ctx.is_done(), "nobody turned the clock");
    assert!(ctx.check_exact().is_err());
    assert!(ctx.is_done());
}

/// A clock that breaks when a deadline is armed, which it wants done at birth.
struct Breaking(Instant);

impl TimeSource for Breaking {
    fn now(&self) -> Instant {
        self.0
    }

    fn wake_at(&self, _at: Instant) {
        panic!("the clock is broken");
    }

    fn arms_at_birth(&self) -> bool {
        true
    }
}

#[test]
fn a_clock_that_breaks_at_a_birth_leaves_nothing_of_the_half_made_context() {
    let root = Context::root(Clock::new(Breaking(Clock::system().now())));
    assert!(survives(|| root.with_timeout(SECOND)).is_none());
    assert_drained(&root);
}

#[test]
fn a_clock_that_blocks_holds_up_only_who_asks_it() {
    let (root, _clock, liar) = Liar::new();
    let (parent, cancel) = root.with_cancel();
    let (asked, release) = (Gate::new(), Gate::new());
    *liar.blocks.lock().unwrap() = Some((asked.clone(), release.clone()));
    let deriving = parent.clone();
    let blocked = thread::spawn(move || deriving.with_timeout(SECOND).0);
    asked.wait();
    within(HANG_LIMIT, move || {
        let fresh = child(&parent);
        cancel.cancel();
        assert!(fresh.is_done() && child(&parent).is_done());
    });
    assert!(!blocked.is_finished());
    release.open();
    assert!(within(HANG_LIMIT, move || blocked.join().unwrap()).is_done());
}

#[test]
fn a_clock_that_is_leaked_keeps_no_context() {
    let (root, clock, _liar) = Liar::new();
    let _leaked = std::mem::ManuallyDrop::new(clock.clone());
    drop(root.with_timeout(SECOND));
    assert_eq!((root.derived_count(), clock.armed()), (0, 0));
}
