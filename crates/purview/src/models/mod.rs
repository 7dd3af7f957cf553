//! Model checks: each race, over the very engine. A model that ends with memory that was not freed, or with a lost wake-up (a
//! deadlock to the checker), fails.
//!
//! `ci/loom.sh` runs them in every order that loom finds, `ci/shuttle.sh` in random orders, together with larger ones that
//! loom could not exhaust.
//!
//! | race | models |
//! |---|---|
//! | deriving against the cancel of the parent | `canceling::a_child_derived_during_…`, `branches::what_is_derived_…` |
//! | drops of parent and child against a cancel | `canceling::dropping_…`, `…parent_and_child_are_dropped_…`, `…a_view_keeps_…` |
//! | two cancels, of one context and of overlapping trees | `canceling::of_two_cancels_…`, `…when_a_cancel_returns_…`, `…a_second_cancel_…`, `…two_walks_…` |
//! | a cancel against a deadline that fires | `deadlines::of_a_deadline_and_a_cancel_…` |
//! | a wait that registers, moves to another waker or is dropped, against a cancel | `waiting::whoever_registers_…`, `…a_second_poll_…`, `…dropping_a_wait_…`, `…whoever_was_told_…`, `…a_batch_…` |
//! | a blocked thread against a cancel | `waiting::a_parked_thread_…` |
//! | a callback that registers, runs, is stopped or waited for | `hooks::a_callback_…`, `…stop_and_wait_…` |
//! | a timer that is armed, fires or is taken out, and the start of its thread | `deadlines`, the last with `Context::background()` |
//! | the sources of a merged context against each other and against its drop | `merging` |
//! | a foreign parent that registers and notifies | `hooks::a_foreign_parent_…`, `…asking_…` |
//! | being drained against the last drop | `draining`, `branches::draining_…` |
//! | marked before woken, seen by whoever is woken | `waiting::a_woken_thread_…`, `…a_parked_thread_that_is_woken_…`, `…whoever_learns_…` |
//! | branches that grow and close | `branches` |
//! | two who want the memory of one freed child, and a walk that meets both children in it | `spares` |

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
mod spares;
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
