//! A future as the parent of contexts.

use crate::after_func::submit;
use crate::context::Context;
use crate::foreign::{Foreign, ForeignNotify};
use crate::reason::{BoxError, Reason};
use crate::sync::{Mutex, shield};
use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Wake, Waker};

type BoxFuture = Pin<Box<dyn Future<Output = BoxError> + Send>>;

impl Context {
    /// A context that is canceled when `future` is ready, with its output as the cause: any error or text.
    ///
    /// It needs no runtime: the future is polled in the threads that callbacks run in, when it is made and whenever it was
    /// woken. When the context is dropped, so is the future.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    ///
    /// let (close, closed) = futures::channel::oneshot::channel::<()>();
    /// let ctx = Context::from_future(async move {
    ///     let _ = closed.await;
    ///     "the connection closed"
    /// });
    /// close.send(()).unwrap();
    /// assert_eq!(ctx.done().wait().cause().to_string(), "the connection closed");
    /// ```
    pub fn from_future<F>(future: F) -> Self
    where
        F: Future<Output: Into<BoxError>> + Send + 'static,
    {
        let future: BoxFuture = Box::pin(async move { future.await.into() });
        Self::from_foreign(FutureParent(Mutex::new(Some(future))))
    }
}

/// The future until it is registered, which takes it.
struct FutureParent(Mutex<Option<BoxFuture>>);

impl Foreign for FutureParent {
    fn register(&self, notify: ForeignNotify) -> Box<dyn Any + Send + Sync> {
        let future = self.0.lock().take();
        let state = State { future, polling: false, queued: false, dropped: false };
        let task = Arc::new(Task { state: Mutex::new(state), notify });
        task.queue();
        Box::new(Registration(task))
    }
}

/// A future that polls itself in the pool.
struct Task {
    state: Mutex<State>,
    notify: ForeignNotify,
}

struct State {
    /// Taken out while it is polled.
    future: Option<BoxFuture>,
    /// Whether a thread polls it, which will do so again if it is queued by then.
    polling: bool,
    /// Whether another poll is asked for.
    queued: bool,
    /// Whether nobody wants it any more.
    dropped: bool,
}

/// What the context owns: its drop ends the future.
struct Registration(Arc<Task>);

impl Drop for Registration {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.dropped = true;
        let future = state.future.take();
        drop(state);
        drop(future);
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.queue();
    }
}

impl Task {
    /// Has it polled, unless that is on its way.
    fn queue(self: &Arc<Self>) {
        let mut state = self.state.lock();
        if state.queued || state.dropped {
            return;
        }
        state.queued = true;
        if state.polling {
            return;
        }
        drop(state);
        let task = Arc::clone(self);
        submit(move || task.poll());
    }

    fn poll(self: Arc<Self>) {
        let mut state = self.state.lock();
        // None if it was dropped meanwhile.
        let Some(mut future) = state.future.take() else { return };
        state.polling = true;
        let waker = Waker::from(Arc::clone(&self));
        loop {
            state.queued = false;
            drop(state);
            let mut ready = None;
            let alive = shield(|| {
                if let Poll::Ready(cause) = future.as_mut().poll(&mut TaskContext::from_waker(&waker)) {
                    ready = Some(cause);
                }
            });
            if let Some(cause) = ready {
                self.notify.cancel(Reason::Canceled, cause);
                return;
            }
            if !alive {
                self.notify.cancel(Reason::Canceled, "the future that this context ends with panicked");
                return;
            }
            state = self.state.lock();
            if state.dropped {
                drop(state);
                return;
            }
            if !state.queued {
                state.future = Some(future);
                state.polling = false;
                return;
            }
        }
    }
}
