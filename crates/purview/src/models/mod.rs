//! Model checks: each race, over the very engine. A model that ends with memory that was not freed, or with a lost wake-up (a
//! deadlock to the checker), fails.
//!
//! `ci/loom.sh` runs them in every order that loom finds, `ci/shuttle.sh` in random orders, together with larger ones that
//! loom could not exhaust.

mod branches;
mod canceling;
#[cfg(shuttle)]
mod crowds;
mod deadlines;
mod draining;
#[cfg(loom)]
#[path = "every_order.rs"]
mod explore;
#[cfg(shuttle)]
#[path = "random_orders.rs"]
mod explore;
mod hooks;
mod merging;
mod waiting;

use self::explore::{model, sync, thread};
use self::sync::Arc;
use self::sync::atomic::{AtomicUsize, Ordering};
use crate::{Canceler, Context};
use std::task::{Wake, Waker};

/// A root that can be canceled.
fn root() -> (Context, Canceler) {
    Context::background().with_cancel()
}

/// Looks whether everything below is as it has to be when nobody is at work in it.
fn sound(ctx: &Context) {
    crate::raw::assert_sound(&ctx.0);
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

/// A waker of this thread, which is parked until it is called.
#[cfg(loom)]
fn unparker() -> Waker {
    struct Unparker(thread::Thread);

    impl Wake for Unparker {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }

    Waker::from(std::sync::Arc::new(Unparker(thread::current())))
}
