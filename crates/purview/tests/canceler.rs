//! The canceler: cancels when dropped, says where it was made, detaches, and has handles that do not.

mod common;

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use common::{HOUR, SECOND, child, survives};
use purview::{CancelerDropped, Cause, Context, Reason};
use purview_test::{HANG_LIMIT, PanicOnDrop, PanickingWaker, assert_drained, manual_root, task, within};

fn dropped(ctx: &Context) -> Cause {
    let cause = ctx.cause().expect("done");
    assert_eq!(ctx.err(), Some(Reason::Canceled));
    assert!(cause.is::<CancelerDropped>(), "{cause}");
    cause
}

#[test]
fn a_dropped_canceler_cancels_and_says_where_it_was_made() {
    let (ctx, cancel) = Context::background().with_cancel();
    let line = line!() - 1;
    assert!(!ctx.is_done());
    drop(cancel);
    let cause = dropped(&ctx);
    let made = cause.downcast_ref::<CancelerDropped>().unwrap().location();
    assert_eq!((made.file(), made.line()), (file!(), line));
    assert!(cause.to_string().contains("canceler.rs"), "{cause}");
}

#[test]
fn every_way_to_make_a_canceler_records_its_place() {
    let (root, clock) = manual_root();
    let at = clock.now() + HOUR;
    let first = line!() + 2;
    let made = [
        root.with_cancel(),
        root.with_timeout(HOUR),
        root.with_timeout_cause(HOUR, "late"),
        root.with_deadline(at),
        root.with_deadline_cause(at, "late"),
        root.derive().timeout(HOUR).cancelable(),
    ];
    for ((ctx, cancel), line) in made.into_iter().zip(first..) {
        drop(cancel);
        let cause = dropped(&ctx);
        let made = cause.downcast_ref::<CancelerDropped>().unwrap().location();
        assert_eq!((made.file(), made.line()), (file!(), line));
    }
}

#[test]
fn cancel_gives_the_reason_and_cancel_with_the_cause() {
    let (ctx, cancel) = Context::background().with_cancel();
    cancel.cancel();
    assert_eq!(ctx.cause().unwrap().downcast_ref::<Reason>(), Some(&Reason::Canceled));
    let (ctx, cancel) = Context::background().with_cancel();
    cancel.cancel_with(std::io::Error::other("disk"));
    assert_eq!(ctx.cause().unwrap().downcast_ref::<std::io::Error>().unwrap().to_string(), "disk");
    let (ctx, cancel) = Context::background().with_cancel();
    cancel.cancel_with(String::from("owned"));
    assert_eq!(ctx.cause().unwrap().to_string(), "owned");
}

#[test]
fn the_first_cause_stays() {
    let (ctx, cancel) = Context::background().with_cancel();
    let handle = cancel.handle();
    assert!(handle.cancel_with("first"));
    assert!(!handle.cancel_with("second"));
    assert!(!handle.cancel());
    cancel.cancel_with("third");
    assert_eq!(ctx.cause().unwrap().to_string(), "first");
}

#[test]
fn a_cause_can_be_handed_on() {
    let (ctx, cancel) = Context::background().with_cancel();
    let (other, cancel_other) = Context::background().with_cancel();
    cancel.cancel_with("origin");
    cancel_other.cancel_with(ctx.cause().unwrap());
    assert_eq!(other.cause().unwrap().to_string(), "origin");
}

#[test]
fn a_detached_canceler_leaves_the_context_to_its_deadline() {
    let (root, clock) = manual_root();
    let (ctx, cancel) = root.with_timeout(SECOND);
    cancel.detach();
    assert!(!ctx.is_done());
    clock.advance(SECOND);
    assert_eq!(ctx.err(), Some(Reason::DeadlineExceeded));
}

#[test]
fn handles_cancel_from_other_threads_and_do_not_when_dropped() {
    let (ctx, cancel) = Context::background().with_cancel();
    let handle = cancel.handle();
    drop(handle.clone());
    assert!(!ctx.is_done());
    cancel.detach();
    assert!(!ctx.is_done());
    assert!(thread::spawn(move || handle.cancel_with("from afar")).join().unwrap());
    assert_eq!(ctx.cause().unwrap().to_string(), "from afar");
}

#[test]
fn a_handle_that_is_left_over_is_harmless() {
    let root = child(&Context::background());
    let (ctx, cancel) = root.with_cancel();
    let late = cancel.handle();
    drop(cancel);
    drop(ctx);
    assert!(!late.cancel(), "it was cancelled by the drop");
    let (ctx, cancel) = root.with_cancel();
    let only = cancel.handle();
    cancel.detach();
    drop(ctx);
    only.cancel();
    drop((late, only));
    assert_drained(&root);
}

#[test]
fn a_canceler_has_as_many_handles_as_one_asks_for() {
    let root = child(&Context::background());
    for kept in [70_000, 1, 0] {
        let (ctx, cancel) = root.with_cancel();
        // More than two bytes count.
        let mut handles: Vec<_> = (0..70_000).map(|_| cancel.handle()).collect();
        cancel.detach();
        handles.truncate(kept);
        drop(ctx.clone());
        assert!(!ctx.is_done());
        if let Some(last) = handles.last() {
            assert!(last.cancel_with("the last one"));
            assert_eq!(ctx.cause().unwrap().to_string(), "the last one");
        }
        drop(ctx);
        assert_drained(&root);
        assert!(handles.iter().all(|handle| !handle.cancel()));
    }
}

#[test]
fn a_canceler_of_a_context_that_is_done_shows_no_place_of_another_one() {
    let (parent, cancel_parent) = Context::background().with_cancel();
    let (_ctx, cancel) = parent.with_cancel();
    assert!(format!("{cancel:?}").contains(file!()));
    drop(cancel_parent);
    assert!(!format!("{cancel:?}").contains(file!()), "it was the parent's that was dropped");
}

#[test]
fn of_many_handles_that_race_exactly_one_cancels() {
    within(HANG_LIMIT, || {
        for _ in 0..1000 {
            let (ctx, cancel) = Context::background().with_cancel();
            let start = Barrier::new(3);
            let won = thread::scope(|scope| {
                let racing = [1, 2, 3].map(|i| {
                    let (handle, start) = (cancel.handle(), &start);
                    scope.spawn(move || {
                        start.wait();
                        handle.cancel_with(i.to_string()).then_some(i)
                    })
                });
                racing.map(|thread| thread.join().unwrap())
            });
            let winners = won.into_iter().flatten().collect::<Vec<i32>>();
            assert_eq!(winners.len(), 1);
            assert_eq!(ctx.cause().unwrap().to_string(), winners[0].to_string());
        }
    });
}

#[test]
fn cancelling_a_child_leaves_the_parent_and_the_parent_takes_the_child() {
    let (parent, cancel_parent) = Context::background().with_cancel();
    let (ctx, cancel) = parent.with_cancel();
    cancel.cancel_with("child");
    assert!(ctx.is_done() && !parent.is_done());
    cancel_parent.cancel_with("parent");
    assert_eq!(ctx.cause().unwrap().to_string(), "child");
    assert_eq!(parent.cause().unwrap().to_string(), "parent");
}

#[test]
fn a_canceler_dropped_by_a_panic_cancels() {
    let mut kept = None;
    let outcome = survives(|| {
        let (ctx, _cancel) = Context::background().with_cancel();
        kept = Some((ctx.clone(), child(&ctx)));
        panic!("while the canceler is held");
    });
    assert!(outcome.is_none());
    let (ctx, below) = kept.unwrap();
    dropped(&ctx);
    dropped(&below);
}

#[test]
fn a_canceler_dropped_by_a_panic_survives_hostile_wakers_callbacks_and_values() {
    static BAD: purview::Key<PanicOnDrop> = purview::Key::new("bad");
    let hostile = PanickingWaker::new();
    let (ctx, cancel) = Context::background().with_cancel();
    let below = child(&ctx);
    let held = child(&ctx).with_value(&BAD, PanicOnDrop);
    let (mut bad, mut good) = (task(ctx.done()), task(below.done()));
    assert!(bad.poll_with(&hostile.waker()).is_pending());
    assert!(good.poll().is_pending());
    // Without a catch around each of them, a second panic while the first unwinds would end the process.
    drop(ctx.after_func_inline(|| panic!("this callback panics on purpose")));
    let ran = below.after_func(|| panic!("and so does this one"));
    let outcome = survives(|| {
        let _cancel = cancel;
        let held = (held, task(ctx.done()));
        assert!(!held.0.is_done());
        panic!("while the canceler is held");
    });
    assert!(outcome.is_none());
    assert_eq!(hostile.count(), 1);
    assert!(good.is_woken());
    within(HANG_LIMIT, move || ran.wait().unwrap());
    dropped(&below);
}

#[test]
fn a_panic_while_a_context_is_held_leaves_the_tree_usable() {
    let (parent, cancel) = Context::background().with_cancel();
    for _ in 0..10 {
        let parent = parent.clone();
        let thread = thread::spawn(move || {
            let _below = child(&parent).named("held");
            let _callback = parent.after_func(|| ());
            let mut waiting = task(parent.done());
            assert!(waiting.poll().is_pending());
            panic!("while the context is held");
        });
        assert!(thread.join().is_err());
    }
    assert_drained(&parent);
    let below = child(&parent);
    cancel.cancel();
    assert!(below.is_done());
}

#[test]
fn a_cause_that_exists_already_is_shared_and_a_plain_reason_of_another_context_is_kept_as_the_cause() {
    let closing = Cause::new("closing");
    let (ctx, cancel) = Context::background().with_cancel();
    cancel.cancel_for(closing.clone());
    assert!(ctx.cause().unwrap().ptr_eq(&closing));

    let late = Context::background().derive().timeout(Duration::ZERO).build();
    let (ctx, cancel) = Context::background().with_cancel();
    cancel.cancel_for(late.cause().unwrap());
    assert_eq!(ctx.err(), Some(Reason::Canceled));
    assert_eq!(ctx.cause().unwrap().downcast_ref::<Reason>(), Some(&Reason::DeadlineExceeded));
}
