//! A root that lives for very many short children does not grow.
//!
//! Ten million in release, one million with debug assertions, where each takes ten times as long.
//! One test in a process of its own, since it counts what the whole process holds.

mod common;

use std::alloc::System;

use common::{HOUR, child};
use purview::{Context, Key};
use purview_test::{HANG_LIMIT, assert_drained, manual_root, poll_once, within};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

static NUMBER: Key<usize> = Key::new("number");

const CHILDREN: usize = if cfg!(debug_assertions) { 1_000_000 } else { 10_000_000 };
const WARM_UP: usize = 10_000;
/// What the harness and a per-thread cache may hold more at one moment than at another.
const SLACK: usize = 16 * 1024;

fn held_bytes() -> usize {
    // A block that is reallocated counts in both by the difference.
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

#[test]
fn a_root_lives_for_millions_of_short_children_without_growing() {
    within(5 * HANG_LIMIT, || {
        let (manual, clock) = manual_root();
        let roots = [child(&Context::background()), child(&manual)];
        let mut before = 0;
        for i in 0..WARM_UP + CHILDREN {
            if i == WARM_UP {
                before = held_bytes();
            }
            short_child(&roots[i % 2], i);
        }
        let grown = held_bytes().saturating_sub(before);
        assert!(grown <= SLACK, "grown by {grown} bytes in {CHILDREN} children");
        assert_eq!(clock.armed(), 0);
        roots.iter().for_each(assert_drained);
    });
}

fn short_child(root: &Context, i: usize) {
    match i / 2 % 8 {
        0 => drop(root.with_cancel()),
        1 => {
            let (ctx, cancel) = root.with_timeout(HOUR);
            assert!(!ctx.is_done());
            cancel.cancel();
        }
        2 => drop(child(&root.with_value(&NUMBER, i))),
        3 => {
            let (ctx, cancel) = root.with_cancel();
            assert!(poll_once(ctx.done()).is_pending());
            cancel.cancel_with("short");
        }
        4 => assert!(poll_once(root.done()).is_pending()),
        5 => drop(Context::merge([&child(root), root])),
        6 => {
            let callback = root.after_func(|| ());
            assert!(callback.stop());
        }
        _ => {
            let (ctx, cancel) = root.derive().timeout(HOUR).value(&NUMBER, i).named("short").cancelable();
            cancel.detach();
            drop(ctx);
        }
    }
}
