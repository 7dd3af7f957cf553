//! No thread per foreign child. Alone in its process, so that the threads counted are its own.

#![cfg(target_os = "linux")]

use std::fs;

use purview::{Context, ManualClock};
use purview_conformance::{Custom, Detached, Opaque, VERY_LONG, assert_live};

/// How many threads this process has.
fn threads() -> usize {
    fs::read_dir("/proc/self/task").expect("the kernel lists the threads of a process").count()
}

#[test]
fn a_child_of_a_users_parent_costs_no_thread_and_shares_one_registration() {
    let before = threads();
    let root = Context::root(ManualClock::new());
    let (first, cancel_first) = root.with_cancel();

    // A wrapper that adds nothing, one with a done of its own, and one over the other.
    let own = Custom::new();
    let transparent = Opaque::wrap(&first);
    let detached = Context::from_foreign(Detached { inner: root.clone(), own: own.clone() });
    let both = Opaque::wrap(&detached);

    let mut children = Vec::new();
    for parent in [&first, &transparent, &detached, &both] {
        for _ in 0..100 {
            children.push(parent.with_cancel());
            let (timed, cancel) = parent.with_timeout(VERY_LONG);
            children.push(timed.with_cancel());
            children.push((timed, cancel));
        }
    }
    for (child, _) in &children {
        assert_live(child);
    }
    assert_eq!(own.ever_registered(), 1);
    assert!(threads() <= before + 1, "one thread keeps all deadlines, and there is no other");

    for (child, cancel) in children {
        cancel.cancel();
        assert!(child.is_done());
        let (late, _cancel) = child.with_timeout(VERY_LONG);
        assert!(late.is_done());
    }
    cancel_first.cancel();
    own.cancel();
    assert!(transparent.is_done() && detached.is_done() && both.is_done());
    assert_eq!(own.ever_registered(), 1);
    assert!(threads() <= before + 1, "neither does a cancel start one");
}
