//! Those who wait: wakers and callbacks that see whether they are told once, and in time.

use crate::books::Books;
use purview::{AfterFunc, Clock, Context, Done, Reason};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Poll, Wake, Waker};

/// Checks what a done context says of itself: a deadline is never early.
pub(crate) fn check_not_early(ctx: &Context, books: &Books) {
    let Some(reason) = ctx.err() else {
        books.fault("whoever was told found the context live");
        return;
    };
    if reason == Reason::DeadlineExceeded {
        let late = ctx.deadline().is_some_and(|deadline| Clock::system().now() >= deadline);
        if !late {
            books.fault("a deadline came early");
        }
    }
}

/// A task that waits for a context, polled once.
pub(crate) struct Watch {
    done: Pin<Box<Done<'static>>>,
    bell: Arc<Bell>,
    registered: bool,
}

/// The waker of a [`Watch`]: sees, when it is called, that the context and one below it are done.
struct Bell {
    ctx: Context,
    below: Option<Context>,
    rung: AtomicU32,
    books: Arc<Books>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.fetch_add(1, Ordering::AcqRel);
        self.books.wakes.add();
        check_not_early(&self.ctx, &self.books);
        if self.below.as_ref().is_some_and(|below| !below.is_done()) {
            self.books.fault("somebody was woken before everybody was marked");
        }
    }
}

impl Watch {
    /// Polls the end of `ctx` once. `below` is derived from it.
    pub(crate) fn new(ctx: &Context, below: Option<Context>, books: &Arc<Books>) -> Self {
        books.tasks.add();
        let bell = Arc::new(Bell { ctx: ctx.clone(), below, rung: AtomicU32::new(0), books: books.clone() });
        let mut watch = Self { done: Box::pin(ctx.done().into_owned()), bell, registered: false };
        watch.registered = watch.poll().is_pending();
        watch
    }

    pub(crate) fn poll(&mut self) -> Poll<()> {
        let waker = Waker::from(self.bell.clone());
        self.done.as_mut().poll(&mut std::task::Context::from_waker(&waker)).map(drop)
    }

    /// Whether it was woken, if it was to be.
    pub(crate) fn was_told(&self) -> bool {
        !self.registered || self.bell.rung.load(Ordering::Acquire) > 0
    }

    /// The last look, when the context is done and all was told.
    pub(crate) fn finish(mut self, books: &Books) {
        let rung = self.bell.rung.load(Ordering::Acquire);
        if rung != u32::from(self.registered) {
            books.fault(format!("a task that was registered: {} was woken {rung} times", self.registered));
        }
        if self.poll().is_pending() {
            books.fault("a task was woken and not done");
        }
    }
}

/// What became of a callback.
#[derive(Debug, Default)]
pub(crate) struct Fate {
    ran: AtomicU32,
    unrun: AtomicU32,
}

/// A callback and what became of it.
pub(crate) struct Callback {
    handle: AfterFunc,
    fate: Arc<Fate>,
    stopped: bool,
}

/// Goes with the callback: tells when it is dropped without having been run.
struct Ticket {
    fate: Arc<Fate>,
    used: bool,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.used {
            self.fate.unrun.fetch_add(1, Ordering::AcqRel);
        }
    }
}

impl Callback {
    pub(crate) fn new(ctx: &Context, inline: bool, books: &Arc<Books>) -> Self {
        books.callbacks.add();
        let fate = Arc::new(Fate::default());
        let mut ticket = Ticket { fate: fate.clone(), used: false };
        let told = books.clone();
        let run = move || {
            ticket.used = true;
            ticket.fate.ran.fetch_add(1, Ordering::AcqRel);
            told.ran.add();
        };
        let handle = if inline { ctx.after_func_inline(run) } else { ctx.after_func(run) };
        Self { handle, fate, stopped: false }
    }

    pub(crate) fn stop(&mut self, wait: bool, books: &Books) {
        let stopped = if wait { self.handle.stop_and_wait().unwrap_or(false) } else { self.handle.stop() };
        if stopped && self.stopped {
            books.fault("a callback was stopped twice");
        }
        self.stopped |= stopped;
    }

    /// Whether its fate is decided and over.
    pub(crate) fn is_settled(&self) -> bool {
        self.ran() + self.unrun() > 0
    }

    fn ran(&self) -> u32 {
        self.fate.ran.load(Ordering::Acquire)
    }

    fn unrun(&self) -> u32 {
        self.fate.unrun.load(Ordering::Acquire)
    }

    pub(crate) fn finish(self, books: &Books) {
        let (ran, unrun, stopped) = (self.ran(), self.unrun(), u32::from(self.stopped));
        if ran + unrun != 1 || (stopped == 1 && ran == 1) {
            books.fault(format!("a callback ran {ran} times, was stopped {stopped}, dropped unrun {unrun}"));
        }
        if self.stopped {
            books.stopped.add();
        } else if unrun == 1 {
            books.unrun.add();
        }
    }
}
