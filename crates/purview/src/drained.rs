//! Waiting until the work below has let go.

use crate::context::Context;
use crate::raw::{Event, Target, Waiting};
use crate::wait::{Limit, block};
use pin_project_lite::pin_project;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::{Duration, Instant};

pin_project! {
    /// The moment when no context derived from a context is left, to wait for: a future, or [`wait`](Self::wait) for a
    /// thread. Made by [`Context::drained`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it loses nothing; asking again begins anew.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    ///
    /// let (ctx, canceler) = Context::background().with_cancel();
    /// let worker_ctx = ctx.named("worker");
    /// let worker = std::thread::spawn(move || {
    ///     worker_ctx.done().wait();
    ///     // ... puts its things away, then drops its context
    /// });
    /// canceler.cancel();
    /// ctx.drained().wait(); // the worker has let go
    /// # worker.join().unwrap();
    /// ```
    #[derive(Debug)]
    #[must_use = "nothing waits before it is polled or `wait` is called"]
    pub struct Drained<'a> {
        #[pin]
        waiting: Waiting<'a>,
    }
}

impl Context {
    /// The moment when every context derived from this one is gone, to wait for: first cancel, then *know* that the work
    /// below has let go.
    ///
    /// What counts is what was *derived*: children, values, names, and what was derived from those. A context is gone when
    /// its last handle is: contexts, cancelers, their handles while it is not done, waits, callbacks that are held. The values
    /// that it carried have been dropped by then. Merged contexts count with each of their sources, and those made by
    /// [`without_cancel`](Self::without_cancel) count too. Clones of this very context do not count, whoever has them, so hand
    /// out derived ones. The wrong way first:
    ///
    /// ```
    /// use purview::Context;
    ///
    /// let (ctx, _canceler) = Context::background().with_cancel();
    /// let _theirs = ctx.clone(); // the same context: nobody will wait for it
    /// assert!(ctx.drained().wait_timeout(std::time::Duration::ZERO));
    ///
    /// let _theirs = ctx.named("worker"); // derived: it is waited for
    /// assert!(!ctx.drained().wait_timeout(std::time::Duration::ZERO));
    /// ```
    ///
    /// Do not wait for it in an inline callback, a waker, or the `Drop` of a value: a cancellation that is under way, and a
    /// context that is being freed, are not gone yet.
    ///
    /// It looks at one moment: what somebody derives right after it is new. The static roots keep no books, and are always
    /// drained.
    ///
    /// # Examples
    ///
    /// See [`Drained`].
    pub fn drained(&self) -> Drained<'_> {
        Drained { waiting: Waiting::new(Target::Borrowed(&self.0), Event::Drained) }
    }
}

impl Drained<'_> {
    /// The same wait with a handle of its own to the context. Call it before the first poll.
    ///
    /// # Examples
    ///
    /// ```
    /// let (ctx, _canceler) = purview::Context::background().with_cancel();
    /// futures::executor::block_on(ctx.drained().into_owned());
    /// ```
    pub fn into_owned(self) -> Drained<'static> {
        Drained { waiting: self.waiting.into_owned() }
    }

    /// Blocks the thread until no derived context is left.
    ///
    /// # Blocking
    ///
    /// Not from async code; for ever, if the caller itself holds a derived context.
    ///
    /// # Examples
    ///
    /// See [`Drained`].
    pub fn wait(self) {
        block(self.waiting, Limit::None);
    }

    /// Blocks the thread until no derived context is left, or `limit` has passed by the clock of the context; true if it
    /// was drained.
    ///
    /// # Blocking
    ///
    /// Not from async code.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let (ctx, _canceler) = purview::Context::background().with_cancel();
    /// assert!(ctx.drained().wait_timeout(Duration::from_secs(1)));
    /// ```
    #[must_use = "it says whether the context was drained"]
    pub fn wait_timeout(self, limit: Duration) -> bool {
        block(self.waiting, Limit::For(limit))
    }

    /// Blocks the thread until no derived context is left, or it is `limit` by the clock of the context; true if it was
    /// drained.
    ///
    /// # Blocking
    ///
    /// Not from async code.
    ///
    /// # Examples
    ///
    /// ```
    /// let (ctx, _canceler) = purview::Context::background().with_cancel();
    /// assert!(ctx.drained().wait_deadline(ctx.clock().now()));
    /// ```
    #[must_use = "it says whether the context was drained"]
    pub fn wait_deadline(self, limit: Instant) -> bool {
        block(self.waiting, Limit::Until(limit))
    }
}

impl Future for Drained<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()> {
        self.project().waiting.poll(cx)
    }
}
