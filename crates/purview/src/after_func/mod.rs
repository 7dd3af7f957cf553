//! Callbacks that run when a context is done.

mod pool;
mod task;

pub(crate) use self::pool::submit;
pub use self::task::{Finished, WaitsForItself};

use self::task::Task;
use crate::context::Context;
use crate::raw::{Callback, Handle, Registered};
use std::fmt;
use std::sync::Arc;

/// A callback registered with a context. Made by [`Context::after_func`].
///
/// Dropping it leaves the callback registered; so does forgetting it.
///
/// Exactly one of two things happens, also in a race: the callback is started, or one call of [`stop`](Self::stop) returns
/// true. (If the context is dropped before it is done, neither: the callback is dropped unrun. Holding this keeps the
/// context.)
///
/// # Examples
///
/// ```
/// use purview::Context;
///
/// let (ctx, canceler) = Context::background().with_cancel();
/// let callback = ctx.after_func(|| println!("tidied up"));
/// canceler.cancel();
/// callback.wait().unwrap(); // it has run
/// assert!(!callback.stop()); // too late to prevent it
/// ```
#[derive(Clone)]
pub struct AfterFunc {
    registered: Arc<Registered<OnDone>>,
    handle: Handle,
}

/// What the engine calls when the context is done.
struct OnDone {
    task: Arc<Task>,
    inline: bool,
}

impl Callback for OnDone {
    fn call(&self) {
        if self.inline {
            self.task.run();
        } else {
            let task = Arc::clone(&self.task);
            submit(move || task.run());
        }
    }
}

impl fmt::Debug for OnDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnDone").field("inline", &self.inline).finish_non_exhaustive()
    }
}

impl Context {
    /// Runs `f` in another thread once this context is done; at once if it is done already.
    ///
    /// Callbacks run in a few threads of a pool, which starts with the first and grows when none is free, so that one that
    /// blocks holds nobody up for long: beyond 16 threads one is added whenever none has become free for 5 ms. `f` does not
    /// run in the thread that cancels, unless the system has no thread to give and the pool has none. Each call registers anew; callbacks of one context run in no order. A panic is
    /// reported by the panic hook and harms nobody else.
    ///
    /// The registration does not keep the context: if every handle of it is dropped before it is done, it can not be done
    /// any more, and `f` is dropped unrun. On a context that is never done `f` never runs.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    /// use std::sync::mpsc;
    ///
    /// let (sender, receiver) = mpsc::channel();
    /// let (ctx, canceler) = Context::background().with_cancel();
    /// ctx.after_func(move || sender.send("closed").unwrap());
    /// canceler.cancel();
    /// assert_eq!(receiver.recv().unwrap(), "closed");
    /// ```
    pub fn after_func(&self, f: impl FnOnce() + Send + 'static) -> AfterFunc {
        self.register(Box::new(f), false)
    }

    /// Runs `f` in the very thread that ends this context, after everything below it is marked and with no lock held; at
    /// once, in this thread, if it is done already. For quick things: whoever cancels waits for it.
    ///
    /// The callbacks and waiters of one context are told in the order in which they registered.
    ///
    /// # Blocking
    ///
    /// `f` must not wait for another callback or deadline: the thread that would run it may be this one. Where a deadline ended the
    /// context, this is the thread of all timers, and nothing else comes due in time while `f` blocks.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    /// use std::sync::atomic::{AtomicBool, Ordering};
    /// use std::sync::Arc;
    ///
    /// let closed = Arc::new(AtomicBool::new(false));
    /// let (ctx, canceler) = Context::background().with_cancel();
    /// let flag = closed.clone();
    /// ctx.after_func_inline(move || flag.store(true, Ordering::Release));
    /// canceler.cancel();
    /// assert!(closed.load(Ordering::Acquire)); // done when `cancel` returned
    /// ```
    pub fn after_func_inline(&self, f: impl FnOnce() + Send + 'static) -> AfterFunc {
        self.register(Box::new(f), true)
    }

    fn register(&self, f: Box<dyn FnOnce() + Send>, inline: bool) -> AfterFunc {
        let on_done = OnDone { task: Arc::new(Task::new(f)), inline };
        AfterFunc { registered: Registered::new(&self.0, on_done), handle: self.0.clone() }
    }
}

impl AfterFunc {
    /// Keeps the callback from running: true exactly if this call did. False if it was started, or was stopped before.
    /// It does not wait for a callback that runs.
    ///
    /// | when | first `stop` | later ones |
    /// |---|---|---|
    /// | the context is not done | true | false |
    /// | the context is done | false | false |
    /// | the context is never done | true | false |
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    ///
    /// let (ctx, canceler) = Context::background().with_cancel();
    /// let callback = ctx.after_func(|| unreachable!());
    /// assert!(callback.stop());
    /// assert!(!callback.stop());
    /// canceler.cancel();
    /// ```
    pub fn stop(&self) -> bool {
        let prevented = self.registered.unregister(&self.handle) || self.handle.is_never_done();
        prevented && self.task().skip()
    }

    /// As [`stop`](Self::stop), and if the callback was started, waits until it has finished.
    ///
    /// # Errors
    ///
    /// Called from the callback itself, which would wait for its own end.
    ///
    /// # Blocking
    ///
    /// Not from async code: [`finished`](Self::finished) is for that.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    ///
    /// let (ctx, canceler) = Context::background().with_cancel();
    /// let callback = ctx.after_func(|| ());
    /// canceler.cancel();
    /// assert_eq!(callback.stop_and_wait().unwrap(), false); // it ran, and is over
    /// assert!(callback.is_finished());
    /// ```
    pub fn stop_and_wait(&self) -> Result<bool, WaitsForItself> {
        if self.stop() {
            return Ok(true);
        }
        self.wait().map(|()| false)
    }

    /// Blocks the thread until the callback has run or was stopped.
    ///
    /// # Errors
    ///
    /// Called from the callback itself, which would wait for its own end.
    ///
    /// # Blocking
    ///
    /// Not from async code; for ever, if the context is never done. For ever also from an inline callback or a waker that runs in the
    /// thread which is to run this one after it, as those of one context do one after the other: an inline callback waits for
    /// nobody else.
    ///
    /// # Examples
    ///
    /// See [`AfterFunc`].
    pub fn wait(&self) -> Result<(), WaitsForItself> {
        self.task().wait()
    }

    /// The end of the callback, to wait for in async code: ready when it has run or was stopped.
    ///
    /// # Cancel safety
    ///
    /// Dropping it loses nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    ///
    /// let (ctx, canceler) = Context::background().with_cancel();
    /// let callback = ctx.after_func(|| ());
    /// canceler.cancel();
    /// futures::executor::block_on(callback.finished()).unwrap();
    /// ```
    pub fn finished(&self) -> Finished {
        Finished::new(Arc::clone(self.task()), self.clone())
    }

    /// Whether the callback has run or was stopped.
    ///
    /// # Examples
    ///
    /// ```
    /// let (ctx, _canceler) = purview::Context::background().with_cancel();
    /// let callback = ctx.after_func(|| ());
    /// assert!(!callback.is_finished());
    /// callback.stop();
    /// assert!(callback.is_finished());
    /// ```
    pub fn is_finished(&self) -> bool {
        self.task().is_finished()
    }

    fn task(&self) -> &Arc<Task> {
        &self.registered.callback.task
    }
}

impl fmt::Debug for AfterFunc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AfterFunc").field("finished", &self.is_finished()).finish_non_exhaustive()
    }
}
