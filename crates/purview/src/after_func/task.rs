//! One callback: whether it waits, runs or is over, and who waits for that.

use super::AfterFunc;
use crate::sync::{Condvar, Mutex, ThreadId, current, shield};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};

/// The callback and what became of it.
pub(super) struct Task {
    inner: Mutex<Inner>,
    over: Condvar,
}

struct Inner {
    phase: Phase,
    /// Those who await the end, each under a number of its own.
    wakers: Vec<(u64, Waker)>,
    next_waiter: u64,
}

enum Phase {
    Waiting(Box<dyn FnOnce() + Send>),
    Running(ThreadId),
    Over,
}

/// A callback waited for its own end, which could not have come.
///
/// # Examples
///
/// ```
/// use purview::Context;
/// use std::sync::mpsc;
///
/// let (ctx, canceler) = Context::background().with_cancel();
/// let (give, take) = mpsc::channel::<purview::AfterFunc>();
/// let (answer, answered) = mpsc::channel();
/// let callback = ctx.after_func(move || {
///     let myself = take.recv().unwrap();
///     answer.send(myself.wait()).unwrap();
/// });
/// give.send(callback.clone()).unwrap();
/// canceler.cancel();
/// let error = answered.recv().unwrap().unwrap_err();
/// assert_eq!(error.to_string(), "a callback cannot wait for its own end");
/// callback.wait().unwrap();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaitsForItself;

impl fmt::Display for WaitsForItself {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a callback cannot wait for its own end")
    }
}

impl std::error::Error for WaitsForItself {}

impl Task {
    pub(super) fn new(f: Box<dyn FnOnce() + Send>) -> Self {
        let inner = Inner { phase: Phase::Waiting(f), wakers: Vec::new(), next_waiter: 0 };
        Self { inner: Mutex::new(inner), over: Condvar::new() }
    }

    /// Runs the callback, in this thread, unless it is over.
    pub(super) fn run(&self) {
        let mut inner = self.inner.lock();
        if !matches!(inner.phase, Phase::Waiting(_)) {
            return;
        }
        let running = Phase::Running(current().id());
        let Phase::Waiting(f) = std::mem::replace(&mut inner.phase, running) else { return };
        drop(inner);
        shield(f);
        self.end();
    }

    /// Ends it without running it; false if it runs or is over.
    pub(super) fn skip(&self) -> bool {
        let mut inner = self.inner.lock();
        if !matches!(inner.phase, Phase::Waiting(_)) {
            return false;
        }
        let f = std::mem::replace(&mut inner.phase, Phase::Over);
        drop(inner);
        // What the callback captured is somebody else's code.
        shield(|| drop(f));
        self.end();
        true
    }

    fn end(&self) {
        let mut inner = self.inner.lock();
        inner.phase = Phase::Over;
        let wakers = std::mem::take(&mut inner.wakers);
        drop(inner);
        self.over.notify_all();
        for (_, waker) in wakers {
            shield(|| waker.wake());
        }
    }

    pub(super) fn is_finished(&self) -> bool {
        matches!(self.inner.lock().phase, Phase::Over)
    }

    pub(super) fn wait(&self) -> Result<(), WaitsForItself> {
        let mut inner = self.inner.lock();
        loop {
            match inner.phase {
                Phase::Over => return Ok(()),
                Phase::Running(thread) if thread == current().id() => {
                    return Err(WaitsForItself);
                }
                Phase::Running(_) | Phase::Waiting(_) => inner = self.over.wait(inner),
            }
        }
    }

    fn poll(&self, number: &mut Option<u64>, cx: &TaskContext<'_>) -> Poll<Result<(), WaitsForItself>> {
        // Cloned before the lock and, if it is not needed, dropped after it: a waker is foreign code.
        let mut waker = Some(cx.waker().clone());
        let mut inner = self.inner.lock();
        let answer = match inner.phase {
            Phase::Over => Poll::Ready(Ok(())),
            Phase::Running(thread) if thread == current().id() => Poll::Ready(Err(WaitsForItself)),
            Phase::Running(_) | Phase::Waiting(_) => {
                inner.register(number, &mut waker);
                Poll::Pending
            }
        };
        drop(inner);
        answer
    }

    fn forget(&self, number: u64) {
        let mut inner = self.inner.lock();
        let at = inner.wakers.iter().position(|(other, _)| *other == number);
        let waker = at.map(|at| inner.wakers.swap_remove(at));
        drop(inner);
        drop(waker);
    }
}

impl Inner {
    /// Puts the waker in; what was in its place comes out in `waker`.
    fn register(&mut self, number: &mut Option<u64>, waker: &mut Option<Waker>) {
        let mine = number.and_then(|number| self.wakers.iter_mut().find(|(other, _)| *other == number));
        match (mine, waker.take()) {
            (Some((_, old)), Some(new)) => *waker = Some(std::mem::replace(old, new)),
            (None, Some(new)) => {
                let fresh = self.next_waiter;
                self.next_waiter += 1;
                self.wakers.push((*number.insert(fresh), new));
            }
            (_, None) => {}
        }
    }
}

/// The end of a callback, to wait for. Made by [`AfterFunc::finished`].
///
/// # Cancel safety
///
/// Dropping it loses nothing.
///
/// # Examples
///
/// See [`AfterFunc::finished`].
#[must_use = "futures do nothing unless polled"]
pub struct Finished {
    task: Arc<Task>,
    /// Keeps the context, without which the callback could be dropped unrun and the end would never come.
    callback: AfterFunc,
    number: Option<u64>,
}

impl Finished {
    pub(super) fn new(task: Arc<Task>, callback: AfterFunc) -> Self {
        Self { task, callback, number: None }
    }
}

impl Future for Finished {
    type Output = Result<(), WaitsForItself>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.task.poll(&mut this.number, cx)
    }
}

impl Drop for Finished {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.task.forget(number);
        }
    }
}

impl fmt::Debug for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finished").field("callback", &self.callback).finish_non_exhaustive()
    }
}
