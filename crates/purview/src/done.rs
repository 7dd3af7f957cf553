//! Waiting for a context to be done.

use crate::context::Context;
use crate::raw::{Event, Target, Waiting};
use crate::reason::Error;
use crate::wait::{Limit, block};
use pin_project_lite::pin_project;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::{Duration, Instant};

pin_project! {
    /// The end of a context, to wait for: a future for any runtime, or [`wait`](Self::wait) for a thread. Made by
    /// [`Context::done`].
    ///
    /// It allocates nothing. It borrows the context; [`into_owned`](Self::into_owned) makes one that can be sent to a
    /// task of its own.
    ///
    /// # Cancel safety
    ///
    /// Dropping it loses nothing: the context stays as it is, and whoever asks again gets the same answer.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    ///
    /// let (ctx, canceler) = Context::background().with_cancel();
    /// let waiting = ctx.clone();
    /// let thread = std::thread::spawn(move || waiting.done().wait());
    /// canceler.cancel_with("enough");
    /// assert_eq!(thread.join().unwrap().cause().to_string(), "enough");
    /// ```
    #[derive(Debug)]
    #[must_use = "nothing waits before it is polled or `wait` is called"]
    pub struct Done<'a> {
        #[pin]
        waiting: Waiting<'a>,
    }
}

impl Context {
    /// The end of this context, to wait for: a [`Future`] whose output is the [`Error`], and a blocking wait.
    ///
    /// Whoever is woken by it sees every context below done as well. A context that is never done never wakes anybody.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Context, ManualClock};
    /// use std::time::Duration;
    ///
    /// let clock = ManualClock::new();
    /// let (ctx, _canceler) = Context::root(&clock).with_timeout(Duration::from_secs(1));
    /// clock.advance(Duration::from_secs(1));
    /// let error = futures::executor::block_on(ctx.done());
    /// assert!(error.is_deadline_exceeded());
    /// ```
    #[inline]
    pub fn done(&self) -> Done<'_> {
        Done { waiting: Waiting::new(Target::Borrowed(&self.0), Event::Done) }
    }
}

impl Done<'_> {
    /// The same wait with a handle of its own to the context, which it keeps. Call it before the first poll.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    ///
    /// fn spawn(_task: impl Future<Output = purview::Error> + Send + 'static) {}
    ///
    /// let (ctx, _canceler) = Context::background().with_cancel();
    /// spawn(ctx.done().into_owned());
    /// ```
    pub fn into_owned(self) -> Done<'static> {
        Done { waiting: self.waiting.into_owned() }
    }

    /// Blocks the thread until the context is done, and says why. It parks; other unparks of the thread do no harm.
    ///
    /// # Blocking
    ///
    /// Not from async code; for ever, if the context is never done.
    ///
    /// # Examples
    ///
    /// See [`Done`].
    pub fn wait(self) -> Error {
        self.wait_for(Limit::None)
            .unwrap_or_else(|| unreachable!("a wait without a limit ends when it happens"))
    }

    /// Blocks the thread until the context is done or `limit` has passed by the clock of the context; then `None`.
    ///
    /// # Blocking
    ///
    /// Not from async code.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    /// use std::time::Duration;
    ///
    /// let (ctx, _canceler) = Context::background().with_cancel();
    /// assert!(ctx.done().wait_timeout(Duration::from_millis(1)).is_none());
    /// ```
    pub fn wait_timeout(self, limit: Duration) -> Option<Error> {
        self.wait_for(Limit::For(limit))
    }

    /// Blocks the thread until the context is done or it is `limit` by the clock of the context; then `None`.
    ///
    /// # Blocking
    ///
    /// Not from async code.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    ///
    /// let (ctx, _canceler) = Context::background().with_cancel();
    /// assert!(ctx.done().wait_deadline(ctx.clock().now()).is_none());
    /// ```
    pub fn wait_deadline(self, limit: Instant) -> Option<Error> {
        self.wait_for(Limit::Until(limit))
    }

    fn wait_for(self, limit: Limit) -> Option<Error> {
        let ctx = Context(self.waiting.handle().clone());
        block(self.waiting, limit).then(|| ctx.done_error())
    }
}

impl Future for Done<'_> {
    type Output = Error;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Error> {
        let mut this = self.project();
        ready!(this.waiting.as_mut().poll(cx));
        Poll::Ready(this.waiting.handle().error().unwrap_or_else(|| unreachable!("what woke us is for ever")))
    }
}
