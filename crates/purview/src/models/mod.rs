//! Model checks: each race, in every order that loom finds, over the very engine.
//!
//! Run by `ci/loom.sh`. A model that ends with memory that was not freed, or with a lost wake-up (a deadlock to loom),
//! fails.

mod branches;
mod canceling;
mod deadlines;
mod draining;
mod hooks;
mod merging;
mod waiting;

use crate::{Canceler, Context};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

/// How many executions were explored, told to whoever counts.
static EXECUTIONS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

/// Explores `f`, with as many switches of threads at unexpected places as `bound`.
fn model(bound: usize, f: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(bound);
    builder.max_branches = 20_000;
    builder.check(move || {
        EXECUTIONS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        f();
    });
    println!("executions so far: {}", EXECUTIONS.load(std::sync::atomic::Ordering::Relaxed));
}

/// A root that can be canceled.
fn root() -> (Context, Canceler) {
    Context::background().with_cancel()
}

/// A waker that counts.
#[derive(Clone)]
struct Count(std::sync::Arc<Inner>);

struct Inner(Arc<AtomicUsize>);

impl Wake for Inner {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Count {
    fn new() -> Self {
        Self(std::sync::Arc::new(Inner(Arc::new(AtomicUsize::new(0)))))
    }

    fn waker(&self) -> Waker {
        Waker::from(self.0.clone())
    }

    fn wakes(&self) -> usize {
        self.0.0.load(Ordering::SeqCst)
    }
}
