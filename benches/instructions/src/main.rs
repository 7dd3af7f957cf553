//! Runs one of the hottest operations a given number of times, for a tool that counts instructions: `ci/instructions.sh`
//! runs each with two numbers and takes the difference, so that what comes before and after falls out.
//!
//! `purview-instructions` lists the operations; `purview-instructions NAME TIMES` runs one.

#![forbid(unsafe_code)]

use purview::{Context, Key};
use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::process::ExitCode;
use std::task::{Context as TaskContext, Waker};
use std::time::Duration;

static FIRST: Key<u64> = Key::new("first");
static SECOND: Key<u64> = Key::new("second");
static THIRD: Key<u64> = Key::new("third");
static ABSENT: Key<u64> = Key::new("absent");

/// An operation: what it is called, and what runs it so many times.
type Operation = (&'static str, fn(u32));

const OPERATIONS: &[Operation] = &[
    ("is-done-live", is_done_live),
    ("is-done-done", is_done_done),
    ("clone-drop", clone_and_drop),
    ("with-cancel-drop", with_cancel_and_drop),
    ("with-cancel-cancel-drop", with_cancel_cancel_and_drop),
    ("with-timeout-cancel-drop", with_timeout_cancel_and_drop),
    ("done-first-poll-drop", first_poll_and_drop),
    ("done-second-poll", second_poll),
    ("value-among-three", value_among_three),
    ("value-absent", value_absent),
    ("request", request),
    ("chain-of-1000-cancel-drop", chain_of_1000),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => {
            for (name, _) in OPERATIONS {
                println!("{name}");
            }
            ExitCode::SUCCESS
        }
        [name, times] => match (OPERATIONS.iter().find(|(known, _)| known == name), times.parse()) {
            (Some((_, run)), Ok(times)) => {
                run(times);
                ExitCode::SUCCESS
            }
            (None, _) => fail(&format!("no operation is called {name:?}; without arguments, all are listed")),
            (_, Err(_)) => fail(&format!("{times:?} is no number of times: a whole number is")),
        },
        _ => fail("usage: purview-instructions [NAME TIMES]"),
    }
}

fn fail(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::FAILURE
}

fn is_done_live(times: u32) {
    let (ctx, _canceler) = Context::background().with_cancel();
    for _ in 0..times {
        assert!(!black_box(&ctx).is_done());
    }
}

fn is_done_done(times: u32) {
    let (ctx, canceler) = Context::background().with_cancel();
    canceler.cancel();
    for _ in 0..times {
        assert!(black_box(&ctx).is_done());
    }
}

fn clone_and_drop(times: u32) {
    let (ctx, _canceler) = Context::background().with_cancel();
    for _ in 0..times {
        drop(black_box(black_box(&ctx).clone()));
    }
}

fn with_cancel_and_drop(times: u32) {
    let (root, _canceler) = Context::background().with_cancel();
    for _ in 0..times {
        drop(black_box(black_box(&root).with_cancel()));
    }
}

fn with_cancel_cancel_and_drop(times: u32) {
    let (root, _canceler) = Context::background().with_cancel();
    for _ in 0..times {
        let (ctx, canceler) = black_box(&root).with_cancel();
        canceler.cancel();
        assert!(ctx.is_done());
    }
}

fn with_timeout_cancel_and_drop(times: u32) {
    let (root, _canceler) = Context::background().with_cancel();
    for _ in 0..times {
        let (ctx, canceler) = black_box(&root).with_timeout(Duration::from_secs(3_600));
        canceler.cancel();
        assert!(ctx.is_done());
    }
}

fn first_poll_and_drop(times: u32) {
    let (ctx, _canceler) = Context::background().with_cancel();
    let mut task = TaskContext::from_waker(Waker::noop());
    for _ in 0..times {
        assert!(pin!(black_box(&ctx).done()).poll(&mut task).is_pending());
    }
}

fn second_poll(times: u32) {
    let (ctx, _canceler) = Context::background().with_cancel();
    let mut task = TaskContext::from_waker(Waker::noop());
    let mut done = pin!(ctx.done());
    for _ in 0..times {
        assert!(black_box(done.as_mut()).poll(&mut task).is_pending());
    }
}

fn with_three_values() -> Context {
    Context::background().with_value(&FIRST, 1).with_value(&SECOND, 2).with_value(&THIRD, 3)
}

fn value_among_three(times: u32) {
    let ctx = with_three_values();
    // The one that is set first is the farthest.
    for _ in 0..times {
        assert_eq!(black_box(&ctx).value(&FIRST), Some(&1));
    }
}

fn value_absent(times: u32) {
    let ctx = with_three_values();
    // A key that was set somewhere has a number, as keys in use have.
    let _elsewhere = Context::background().with_value(&ABSENT, 4);
    for _ in 0..times {
        assert_eq!(black_box(&ctx).value(&ABSENT), None);
    }
}

/// What a server does for one: a timeout with two values, and a child that asks for both.
fn request(times: u32) {
    let (root, _canceler) = Context::background().with_cancel();
    for _ in 0..times {
        let request = black_box(&root).derive().timeout(Duration::from_secs(3_600));
        let (ctx, canceler) = request.value(&FIRST, 1).value(&SECOND, 2).cancelable();
        let (child, child_canceler) = ctx.with_cancel();
        assert_eq!((child.value(&FIRST), child.value(&SECOND)), (Some(&1), Some(&2)));
        child_canceler.cancel();
        drop(child);
        canceler.cancel();
    }
}

fn chain_of_1000(times: u32) {
    let (root, _canceler) = Context::background().with_cancel();
    for _ in 0..times {
        let (top, canceler) = black_box(&root).with_cancel();
        let mut chain = Vec::with_capacity(1_000);
        let mut leaf = top;
        for _ in 0..999 {
            let (below, kept) = leaf.with_cancel();
            chain.push((std::mem::replace(&mut leaf, below), kept));
        }
        canceler.cancel();
        assert!(leaf.is_done());
    }
}
