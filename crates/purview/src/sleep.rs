//! Sleeping that ends when a context does.

use crate::context::Context;
use crate::raw::{Event, Target, Waiting};
use crate::reason::Error;
use crate::wait::{Limit, block};
use pin_project_lite::pin_project;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Duration;

pin_project! {
    /// A sleep under a context, for a task or, by [`wait`](Self::wait), for a thread. Made by [`Context::sleep`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends the sleep; a new one begins anew.
    #[derive(Debug)]
    #[must_use = "nobody sleeps before it is polled or `wait` is called"]
    pub struct Sleep {
        #[pin]
        waiting: Waiting<'static>,
        ctx: Context,
    }
}

impl Context {
    /// Sleeps for `duration` by the clock of this context, or until it is done, whichever is first. It begins now. It
    /// needs no runtime: the timer of the context does it.
    ///
    /// It is `Ok` when the whole time has passed, the error of the context if that was done before. It costs one context
    /// with a deadline, derived from this one.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    /// use std::time::Duration;
    ///
    /// let (ctx, canceler) = Context::background().with_cancel();
    /// assert!(ctx.sleep(Duration::from_millis(1)).wait().is_ok());
    ///
    /// canceler.cancel();
    /// assert!(ctx.sleep(Duration::from_secs(3600)).wait().unwrap_err().is_canceled());
    /// ```
    pub fn sleep(&self, duration: Duration) -> Sleep {
        let alarm = self.derive().timeout(duration).build();
        Sleep { waiting: Waiting::new(Target::Owned(alarm.0), Event::Done), ctx: self.clone() }
    }
}

impl Sleep {
    /// Blocks the thread for the time of the sleep, or until the context is done.
    ///
    /// # Errors
    ///
    /// The context was done before the time had passed.
    ///
    /// # Blocking
    ///
    /// Not from async code.
    ///
    /// # Examples
    ///
    /// See [`Context::sleep`].
    pub fn wait(self) -> Result<(), Error> {
        let Self { waiting, ctx } = self;
        block(waiting, Limit::None);
        ctx.check()
    }
}

impl Future for Sleep {
    type Output = Result<(), Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        ready!(this.waiting.poll(cx));
        Poll::Ready(this.ctx.check())
    }
}
