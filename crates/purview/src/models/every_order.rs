//! Runs models in every order that loom finds.

pub(super) use loom::{sync, thread};

use std::sync::atomic::{AtomicUsize, Ordering};

/// How many executions were explored, told to whoever counts.
static EXECUTIONS: AtomicUsize = AtomicUsize::new(0);

/// Explores `f`, with as many switches of threads at unexpected places as `bound`.
pub(super) fn model(bound: usize, f: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(bound);
    builder.max_branches = 20_000;
    builder.check(move || {
        EXECUTIONS.fetch_add(1, Ordering::Relaxed);
        f();
        crate::sync::end_helpers();
    });
    println!("executions so far: {}", EXECUTIONS.load(Ordering::Relaxed));
}
