//! Threads below one parent, each in a tree of its own: what they do commutes, whatever they share inside.

use crate::cause::End;
use crate::compare::Both;
use crate::player::Shared;
use purview::Context;
use std::time::Duration;

/// When the parent is late.
const AFTER: Duration = Duration::from_millis(200);

/// Does what the bytes say, a thread for each slice, under one parent, and compares after each step. Then the parent ends, by a
/// cancel or by its deadline. Gives the number of steps.
///
/// # Panics
///
/// If purview differs from the reference.
pub fn apart(threads: &[Vec<[u8; 4]>], by_deadline: bool) -> usize {
    let shared = Shared::new();
    let root = Context::root(&shared.clock);
    let (parent, canceler) = root.with_timeout(AFTER);
    let work = |bytes: &[[u8; 4]]| {
        let mut both = Both::below(shared.beside(), parent.clone());
        let steps = bytes.iter().filter(|bytes| both.resolve_and_step(0, **bytes)).count();
        (both, steps)
    };
    let done: Vec<(Both, usize)> = std::thread::scope(|scope| {
        let threads: Vec<_> = threads.iter().map(|bytes| scope.spawn(|| work(bytes))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    if by_deadline {
        shared.clock.advance(AFTER);
        drop(canceler);
    } else {
        canceler.cancel_with(shared.why(0));
    }
    let end = (!by_deadline).then_some(End::canceled(Some(0)));
    let passed = if by_deadline { i64::try_from(AFTER.as_nanos()).expect("short") } else { 0 };
    let mut steps = 0;
    for (mut both, done) in done {
        steps += done;
        both.reference.go_on_above(end, passed);
        // The parent may have branches by now.
        both.is_ordered = false;
        both.compare(&"after the end of the parent");
        both.finish();
    }
    assert_eq!(parent.derived_count(), 0, "contexts at the end");
    drop(parent);
    assert_eq!(root.derived_count(), 0, "the parent at the end");
    shared.causes.wait_until_gone();
    steps
}
