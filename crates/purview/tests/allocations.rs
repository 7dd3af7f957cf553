//! What allocates and what does not. One test in a process of its own, since it counts for the whole process.

mod common;

use std::alloc::System;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use common::{HOUR, child};
use purview::{Context, Key};
use purview_test::{CountingWaker, manual_root, poll_with};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

static USER: Key<u64> = Key::new("user");
static TRACE: Key<u64> = Key::new("trace");
static ABSENT: Key<u64> = Key::new("absent");

/// How many allocations and how many bytes `f` takes, at best: the harness prints and parks beside it now and then.
fn cost(mut f: impl FnMut()) -> (usize, usize) {
    (0..20)
        .map(|_| {
            let region = Region::new(ALLOCATOR);
            f();
            let change = region.change();
            (change.allocations + change.reallocations, change.bytes_allocated)
        })
        .min()
        .expect("some rounds")
}

/// The same for what must be made anew for each round, and is not counted.
fn cost_of<T>(mut make: impl FnMut() -> T, mut f: impl FnMut(&mut T)) -> (usize, usize) {
    (0..20)
        .map(|_| {
            let mut subject = make();
            let region = Region::new(ALLOCATOR);
            f(&mut subject);
            let change = region.change();
            (change.allocations + change.reallocations, change.bytes_allocated)
        })
        .min()
        .expect("some rounds")
}

const NOTHING: (usize, usize) = (0, 0);

#[test]
fn reading_waiting_and_waking_allocate_nothing_and_deriving_one_block() {
    roots();
    reads();
    waits();
    wakes();
    derives();
    gives_back();
}

fn roots() {
    assert_eq!(
        cost(|| drop((Context::background(), Context::todo(), Context::background().clone()))),
        NOTHING
    );
}

fn reads() {
    let (root, clock) = manual_root();
    let (timed, cancel) = root.with_value(&USER, 1).with_timeout(HOUR);
    let ctx = child(&timed).with_value(&TRACE, 2);
    let other = ctx.clone();
    let read = || {
        assert!(!ctx.is_done() && ctx.err().is_none() && ctx.cause().is_none() && ctx.error().is_none());
        assert!(ctx.check().is_ok() && ctx.check_exact().is_ok());
        assert!(ctx.deadline().is_some() && ctx.remaining().is_some());
        assert!(ctx.value(&USER).is_some() && ctx.value(&TRACE).is_some() && ctx.value(&ABSENT).is_none());
        assert!(ctx.ptr_eq(&other) && ctx.derived_count() == 0);
        drop(ctx.clock());
        drop(ctx.clone());
    };
    assert_eq!(cost(read), NOTHING, "reads of a live context");
    cancel.cancel_with("why");
    let read_done = || {
        assert!(ctx.is_done() && ctx.err().is_some() && ctx.cause().is_some() && ctx.error().is_some());
        assert!(ctx.check().is_err() && ctx.check_exact().is_err());
        assert!(ctx.value(&USER).is_some() && ctx.value(&ABSENT).is_none());
        assert!(ctx.done().wait().is_canceled());
    };
    assert_eq!(cost(read_done), NOTHING, "reads of a done context");
    drop(clock);

    let (system, _cancel) = Context::background().with_timeout(HOUR);
    assert!(!system.is_done());
    assert_eq!(cost(|| assert!(system.check_exact().is_ok() && system.remaining().is_some())), NOTHING);
}

fn waits() {
    let ctx = child(&Context::background());
    let held = child(&ctx);
    let (one, two) = (CountingWaker::new(), CountingWaker::new());
    let (one, two) = (one.waker(), two.waker());
    let polls = || {
        let mut done = pin!(ctx.done());
        let mut owned = pin!(ctx.done().into_owned());
        let mut drained = pin!(ctx.drained());
        let mut run = pin!(ctx.run(pending::<()>()));
        for waker in [&one, &one, &two] {
            assert!(poll_with(done.as_mut(), waker).is_pending());
            assert!(poll_with(owned.as_mut(), waker).is_pending());
            assert!(poll_with(drained.as_mut(), waker).is_pending());
            assert!(poll_with(run.as_mut(), waker).is_pending());
        }
    };
    assert_eq!(cost(polls), NOTHING, "first polls, polls again, polls with another waker, drops");
    let blocking = || {
        assert!(ctx.done().wait_timeout(Duration::ZERO).is_none());
        assert!(!ctx.drained().wait_timeout(Duration::ZERO));
    };
    assert_eq!(cost(blocking), NOTHING, "waits of a thread that have no time");
    drop(held);
}

fn wakes() {
    let waker = CountingWaker::new().waker();
    // A fan of children with a waiter each; the wakes, the marks and the drops of the wakers are what is counted.
    let make = || {
        let (ctx, cancel) = Context::background().with_cancel();
        let below = (0..100).map(|_| child(&ctx)).collect::<Vec<_>>();
        let mut waiting = below.iter().map(|ctx| Box::pin(ctx.done().into_owned())).collect::<Vec<_>>();
        for done in &mut waiting {
            assert!(poll_with(done.as_mut(), &waker).is_pending());
        }
        (Some(cancel), waiting, below)
    };
    let cancel = |(cancel, waiting, _): &mut (Option<purview::Canceler>, Vec<_>, Vec<Context>)| {
        cancel.take().unwrap().cancel();
        for done in waiting {
            let done: &mut std::pin::Pin<Box<purview::Done<'static>>> = done;
            assert!(poll_with(done.as_mut(), &waker).is_ready());
        }
    };
    assert_eq!(cost_of(make, cancel), NOTHING, "a cancel without a cause of its own, and its wakes");

    // The clock has room for what was armed, so firing it must not need any.
    let make = || {
        let (root, clock) = manual_root();
        let all = (0..100).map(|_| root.with_timeout(HOUR)).collect::<Vec<_>>();
        (clock, all)
    };
    assert_eq!(cost_of(make, |(clock, _)| clock.advance(HOUR)).0, 0, "deadlines that fire");

    // The last child that goes wakes those who wait for drained.
    let make = || {
        let ctx = child(&Context::background());
        let below = child(&ctx);
        let mut drained = Box::pin(ctx.drained().into_owned());
        assert!(poll_with(drained.as_mut(), &waker).is_pending());
        (Some(below), drained)
    };
    assert_eq!(cost_of(make, |(below, _)| drop(below.take())), NOTHING, "drained");

    // A thread that blocks, and is woken by another.
    let ctx = child(&Context::background());
    let waits = Arc::new(CountingWaker::new());
    let mut least = usize::MAX;
    for _ in 0..10 {
        let (ctx, waits) = (ctx.clone(), waits.clone());
        // Measured inside the waiting thread, whose second wait is the one that counts.
        let (counted, cancel) = ctx.with_cancel();
        let (ready, is_ready) = std::sync::mpsc::sync_channel(0);
        let thread = thread::spawn(move || {
            let _ = counted.done().wait_timeout(Duration::ZERO);
            is_ready_now(&ready);
            let region = Region::new(ALLOCATOR);
            counted.done().wait();
            let change = region.change();
            drop(waits);
            change.allocations
        });
        is_ready.recv().unwrap();
        cancel.cancel();
        least = least.min(thread.join().unwrap());
    }
    assert_eq!(least, 0, "a wait of a thread and its wake");
}

fn is_ready_now(ready: &std::sync::mpsc::SyncSender<()>) {
    ready.send(()).unwrap();
}

fn derives() {
    let (root, _clock) = manual_root();
    let parent = child(&root);
    // A parent keeps the memory of one child for the next, so each round keeps what it makes.
    let mut kept = Vec::with_capacity(1000);
    let mut least = |what: &str, bytes: usize, derive: &mut dyn FnMut() -> Context| {
        let (count, size) = cost(|| kept.push(derive()));
        assert!(count <= 1, "{what}: {count} allocations");
        assert!(size <= bytes, "{what}: {size} bytes");
    };
    least("with_cancel", 128, &mut || child(&parent));
    least("with_timeout", 128, &mut || {
        let (ctx, cancel) = parent.with_timeout(HOUR);
        cancel.detach();
        ctx
    });
    least("with_value", 256, &mut || parent.with_value(&USER, 1));
    least("named", 256, &mut || parent.named("named"));
    least("without_cancel", 256, &mut || parent.without_cancel());
    least("builder", 384, &mut || {
        let derive = parent.derive().timeout(HOUR).value(&USER, 1).value(&TRACE, 2).named("built");
        let (ctx, cancel) = derive.cancelable();
        cancel.detach();
        ctx
    });
    if !cfg!(purview_fresh_memory) {
        assert_eq!(cost(|| drop(parent.with_cancel())), NOTHING, "one child after the other");
    }
    let before = parent.derived_count();
    let built = parent.derive().timeout(HOUR).value(&USER, 1).named("one node").build();
    assert_eq!(parent.derived_count(), before + 1, "one node");
    drop(built);
}

/// What is made and dropped leaves no byte, and each block goes back with the size that it was asked for with.
fn gives_back() {
    let (root, _clock) = manual_root();
    let parent = child(&root);
    let other = child(&root);
    let leaves_nothing = |what: &str, make_and_drop: &mut dyn FnMut()| {
        let left = (0..20).map(|_| {
            let region = Region::new(ALLOCATOR);
            make_and_drop();
            let change = region.change();
            change.bytes_allocated.abs_diff(change.bytes_deallocated)
        });
        assert_eq!(left.min(), Some(0), "{what}");
    };
    leaves_nothing("with_cancel", &mut || drop(parent.with_cancel()));
    let (_long, long_canceler) = parent.with_cancel();
    leaves_nothing("a handle of a canceler", &mut || drop(long_canceler.handle().clone()));
    leaves_nothing("a parent and what it keeps", &mut || {
        let (parent, _canceler) = Context::background().with_cancel();
        drop(parent.with_cancel());
    });
    leaves_nothing("with_timeout", &mut || drop(parent.with_timeout(HOUR)));
    leaves_nothing("named", &mut || drop(parent.named("named")));
    leaves_nothing("values", &mut || drop(parent.derive().value(&USER, 1).value(&TRACE, 2).cancelable()));
    leaves_nothing("all", &mut || drop(parent.derive().timeout(HOUR).value(&USER, 1).named("all").build()));
    leaves_nothing("without_cancel", &mut || drop(parent.without_cancel()));
    leaves_nothing("merge", &mut || drop(Context::merge([&parent, &other])));
    leaves_nothing("drained", &mut || {
        let ctx = child(&parent);
        let _below = child(&ctx);
        assert!(!ctx.drained().wait_timeout(Duration::ZERO));
    });
    leaves_nothing("a callback that was stopped", &mut || assert!(parent.after_func_inline(|| ()).stop()));
    leaves_nothing("a callback that ran", &mut || {
        let (ctx, cancel) = parent.with_cancel();
        let _callback = ctx.after_func_inline(|| ());
        cancel.cancel_with("why");
    });
}
