//! No thread before the first armed deadline or callback, and never one per context.
//!
//! One test in a process of its own, since it counts the threads of the process.
#![cfg(target_os = "linux")]

mod common;

use std::time::Duration;

use common::{HOUR, child};
use purview::{Context, Key};
use purview_test::{manual_root, task};

static NUMBER: Key<usize> = Key::new("number");

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("a list of threads").count()
}

#[test]
fn threads_are_started_at_first_need_and_not_per_context() {
    let before = threads();

    // All that needs no time and no callback: no thread, on either clock.
    let (manual, clock) = manual_root();
    for root in [Context::background(), manual] {
        for i in 0..1000 {
            let (ctx, cancel) = root.with_cancel();
            let below = child(&ctx).with_value(&NUMBER, i).named("below");
            let merged = Context::merge([&below, &root]);
            let mut done = task(merged.done());
            assert!(done.poll().is_pending());
            assert!(below.done().wait_timeout(Duration::ZERO).is_none());
            drop(below.after_func_inline(|| ()));
            cancel.cancel();
            assert!(done.is_woken());
            // A deadline that is only handed on arms nothing.
            let (handed_on, _cancel) = root.with_timeout(HOUR);
            drop(handed_on.clone());
        }
    }
    let manual = Context::root(&clock).with_timeout(HOUR);
    assert!(!manual.0.is_done());
    clock.advance(HOUR);
    assert!(manual.0.is_done());
    assert_eq!(threads(), before, "nothing so far needs a thread");

    // The first look at a deadline starts the one thread that all deadlines share.
    let held = (0..1000).map(|_| Context::background().with_timeout(HOUR)).collect::<Vec<_>>();
    assert_eq!(threads(), before, "nobody has looked");
    for (ctx, _) in &held {
        assert!(!ctx.is_done());
        assert_eq!(threads(), before + 1, "one timer thread in the process");
    }
    drop(held);

    // Callbacks share a pool. A thread that has just run one may not be free yet, so it need not stay at one thread.
    for _ in 0..500 {
        let (ctx, cancel) = Context::background().with_cancel();
        let callback = ctx.after_func(|| ());
        cancel.cancel();
        callback.wait().unwrap();
    }
    let pool = threads() - before - 1;
    assert!(pool <= 50, "{pool} threads for five hundred callbacks, one after the other");
}
