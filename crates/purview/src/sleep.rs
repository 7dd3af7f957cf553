//! Sleeping that ends when a context does.

use crate::context::Context;
use crate::raw::{Event, Handle, Target, Waiting};
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
    ///
    /// # Examples
    ///
    /// See [`Context::sleep`].
    #[derive(Debug)]
    #[must_use = "nobody sleeps before it is polled or `wait` is called"]
    pub struct Sleep {
        #[pin]
        alarm: Waiting<'static>,
        // Whether the alarm has a deadline of its own: the context was alive when the sleep began, and ends later by itself.
        rings: bool,
    }
}

impl Context {
    /// Sleeps for `duration` by the clock of this context, or until it is done, whichever is first. It begins now. It
    /// needs no runtime: the timer of the context does it.
    ///
    /// It is `Ok` when the whole time had passed before the context was done, whatever came after; else the error of the
    /// context. It costs one context with a deadline, derived from this one.
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
        let rings = !self.is_done() && alarm.deadline() != self.deadline();
        Sleep { alarm: Waiting::new(Target::Owned(alarm.0), Event::Done), rings }
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
        let Self { alarm, rings } = self;
        let handle = alarm.handle().clone();
        block(alarm, Limit::None);
        outcome(&handle, rings)
    }
}

impl Future for Sleep {
    type Output = Result<(), Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut alarm = this.alarm;
        ready!(alarm.as_mut().poll(cx));
        Poll::Ready(outcome(alarm.handle(), *this.rings))
    }
}

/// What the end of an alarm says: by its own deadline, or with the context above.
fn outcome(alarm: &Handle, rings: bool) -> Result<(), Error> {
    let error = alarm.error().unwrap_or_else(|| unreachable!("the alarm is done"));
    // A foreign parent may say that a deadline was exceeded before this one was.
    let rang = rings && error.is_deadline_exceeded() && alarm.nanos_left().is_some_and(|left| left <= 0);
    if rang { Ok(()) } else { Err(error) }
}
