//! Branches, grown on purpose.

use crate::raw::branch::{below, count_here};
use crate::raw::cause::CauseWord;
use crate::raw::extra::Branches;
use crate::raw::node::{Cancelable, Kind, Node, Ref};
use crate::raw::state::State;
use crate::raw::tree::{attach, count_contention};
use crate::raw::{assert_sound, grow_branches};
use crate::sync::{CONTENTION_LIMIT, move_probe};
use crate::{Clock, Context, Key, Reason, TimeSource};
use std::ptr::NonNull;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

fn branched() -> (Context, crate::Canceler) {
    let (parent, canceler) = Context::background().with_cancel();
    grow_branches(&parent.0);
    (parent, canceler)
}

#[test]
fn branches_are_not_counted_as_derived() {
    let (parent, _canceler) = branched();
    assert_eq!(parent.derived_count(), 0);
    let child = parent.named("child");
    let (_inner, _inner_canceler) = parent.with_cancel();
    assert_eq!(parent.derived_count(), 2);
    drop(child);
    assert_eq!(parent.derived_count(), 1);
}

#[test]
fn what_hangs_below_branches_is_canceled() {
    let (parent, canceler) = branched();
    let (child, _child) = parent.with_cancel();
    assert_sound(&parent.0);
    canceler.cancel_with("stop");
    assert_eq!(child.cause().unwrap().to_string(), "stop");
    assert_sound(&parent.0);
}

#[test]
fn a_parent_goes_before_what_hangs_below_its_branches() {
    let (parent, canceler) = branched();
    let (child, _child) = parent.with_cancel();
    canceler.detach();
    drop(parent);
    assert!(!child.is_done());
}

#[test]
fn draining_waits_for_what_hangs_below_branches() {
    let (parent, _canceler) = branched();
    let child = parent.named("child");
    let waiting = parent.clone();
    let thread = std::thread::spawn(move || waiting.drained().wait());
    drop(child);
    thread.join().unwrap();
}

/// A clock that arms at the first look, and is set by hand.
struct Lazy(Arc<Mutex<Instant>>);

impl TimeSource for Lazy {
    fn now(&self) -> Instant {
        *self.0.lock().unwrap()
    }

    fn wake_at(&self, _at: Instant) {}
}

#[test]
fn a_deadline_that_nobody_looked_for_reaches_what_hangs_below_branches() {
    let time = Arc::new(Mutex::new(Clock::system().now()));
    let clock = Clock::new(Lazy(time.clone()));
    let (parent, _canceler) = Context::root(clock.clone()).with_timeout(Duration::from_secs(1));
    grow_branches(&parent.0);
    let view = parent.named("view");
    let (child, _child) = parent.with_cancel();
    *time.lock().unwrap() += Duration::from_secs(1);
    clock.turn();
    assert_eq!(view.err(), Some(Reason::DeadlineExceeded));
    assert_eq!(child.err(), Some(Reason::DeadlineExceeded));
}

#[test]
fn a_canceler_that_goes_last_frees_a_branched_context() {
    static PROBE: Key<Arc<()>> = Key::new("probe");
    let probe = Arc::new(());
    let (top, top_canceler) = Context::background().with_cancel();
    let (ctx, canceler) = top.derive().value(&PROBE, probe.clone()).cancelable();
    grow_branches(&ctx.0);
    top_canceler.cancel();
    drop(ctx);
    drop(canceler);
    assert_eq!((Arc::strong_count(&probe), top.derived_count()), (1, 0));
}

#[test]
fn a_callback_of_a_view_below_a_branch_runs_or_is_dropped() {
    let probe = Arc::new(());
    let (parent, canceler) = branched();
    let view = parent.named("view");
    let kept = probe.clone();
    view.after_func_inline(move || drop(kept));
    drop(view);
    assert!(parent.drained().wait_timeout(Duration::ZERO));
    canceler.cancel();
    assert_eq!(Arc::strong_count(&probe), 1);
}

fn branches(ctx: &Context) -> Option<&Branches> {
    ctx.0.node().lock().extra().and_then(|extra| extra.branches())
}

/// Children of `ctx`, at least one below each of its branches.
fn below_each_branch(ctx: &Context) -> Vec<(Context, crate::Canceler)> {
    let mut children = Vec::new();
    while branches(ctx).unwrap().iter().any(|branch| branch.lock().derived() == 0) {
        assert!(children.len() < 100_000, "children hang below branches");
        children.push(ctx.with_cancel());
        move_probe();
    }
    children
}

#[test]
fn branches_grow_when_the_lock_was_found_taken_so_many_times() {
    let (parent, _canceler) = Context::background().with_cancel();
    for _ in 1..CONTENTION_LIMIT {
        assert!(!parent.0.node().lock().count_contention());
    }
    assert!(parent.0.node().lock().count_contention());
    assert!(!parent.0.node().lock().count_contention(), "it is told once");
}

#[test]
fn a_lock_that_is_found_taken_again_and_again_has_branches_grow() {
    let (parent, _canceler) = Context::background().with_cancel();
    let ((ask, asked), (tell, told)) = (channel::<()>(), channel());
    let deriving = parent.clone();
    let thread = std::thread::spawn(move || {
        for (round, ()) in asked.iter().enumerate() {
            // Both ways to hang something below a node.
            drop(if round % 2 == 0 { deriving.with_cancel().0 } else { deriving.named("view") });
            tell.send(()).unwrap();
        }
    });
    while branches(&parent).is_none() {
        let locked = parent.0.node().lock();
        ask.send(()).unwrap();
        for _ in 0..100 {
            std::thread::yield_now();
        }
        drop(locked);
        told.recv().unwrap();
    }
    drop(ask);
    thread.join().unwrap();
}

#[test]
fn below_a_context_that_is_done_nothing_grows() {
    let (parent, canceler) = Context::background().with_cancel();
    canceler.cancel();
    let view = parent.named("view");
    for ctx in [&parent, &view] {
        for _ in 0..=CONTENTION_LIMIT {
            count_contention(ctx.0.node().lock());
        }
        assert!(branches(ctx).is_none());
    }
}

#[test]
fn a_branched_context_without_a_canceler_is_freed_with_its_handle() {
    static PROBE: Key<Arc<()>> = Key::new("probe");
    let probe = Arc::new(());
    let top = Context::background().with_cancel().0;
    let ctx = top.derive().value(&PROBE, probe.clone()).build();
    grow_branches(&ctx.0);
    drop(ctx);
    assert_eq!((Arc::strong_count(&probe), top.derived_count()), (1, 0));
}

#[test]
fn branches_stay_open_while_somebody_holds_their_context() {
    let (parent, canceler) = branched();
    canceler.detach();
    drop(parent.named("view"));
    drop(parent.clone());
    assert!(branches(&parent).unwrap().is_open());
    let children = below_each_branch(&parent);
    let view = parent.named("view");
    drop(children);
    assert!(branches(&parent).unwrap().is_open());
    drop(view);
}

#[test]
fn views_hang_below_branches_too() {
    let (parent, _canceler) = branched();
    let _view = parent.named("view");
    assert_eq!(branches(&parent).unwrap().iter().map(|branch| branch.lock().derived()).sum::<u32>(), 1);
}

#[test]
fn nothing_hangs_below_a_branch_that_ended() {
    let (parent, _canceler) = branched();
    let ended = below(parent.0.node());
    count_here(parent.0.node());
    // One that would be linked, and one that would only be counted.
    for kind in [Kind::CANCELABLE, Kind::CANCELABLE.and(Kind::NEVER)] {
        let header = Node::new(kind, State::LIVE.0, 1, 1, Some(ended.ptr()), None);
        let mut child = Cancelable::new(header, CauseWord::NONE, std::ptr::null());
        // SAFETY: it lives as long as it is used, and is a node of this kind.
        assert!(!attach(unsafe { Ref::new(NonNull::from(&mut child).cast()) }));
        assert_eq!(ended.lock().derived(), 0);
    }
}

#[test]
fn what_is_waited_for_to_drain_grows_no_open_branches() {
    let (parent, _canceler) = Context::background().with_cancel();
    let _child = parent.named("child");
    assert!(!parent.drained().wait_timeout(Duration::ZERO));
    grow_branches(&parent.0);
    assert!(!branches(&parent).unwrap().is_open());
}

#[test]
fn closed_branches_that_are_all_in_use_are_let_go_once() {
    let (parent, canceler) = branched();
    let children = below_each_branch(&parent);
    assert!(!parent.drained().wait_timeout(Duration::ZERO), "which closes them");
    assert!(!branches(&parent).unwrap().is_open());
    canceler.detach();
    drop(parent);
    assert!(children.iter().all(|(child, _)| !child.is_done()));
}
