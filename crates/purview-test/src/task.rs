//! Futures polled by hand.

use std::fmt;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use crate::CountingWaker;

/// Polls a future once, with a waker that does nothing, and drops it.
///
/// # Examples
///
/// ```
/// use purview::Context;
/// use purview_test::poll_once;
///
/// let (ctx, cancel) = Context::background().with_cancel();
/// assert!(poll_once(ctx.done()).is_pending());
/// cancel.cancel();
/// assert!(poll_once(ctx.done()).is_ready());
/// ```
pub fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    poll_with(pin!(future), Waker::noop())
}

/// Polls a pinned future once, with this waker.
///
/// # Examples
///
/// ```
/// use std::pin::pin;
/// use purview::Context;
/// use purview_test::{CountingWaker, poll_with};
///
/// let (ctx, cancel) = Context::background().with_cancel();
/// let waker = CountingWaker::new();
/// let mut done = pin!(ctx.done());
/// assert!(poll_with(done.as_mut(), &waker.waker()).is_pending());
/// cancel.cancel();
/// assert_eq!(waker.count(), 1);
/// ```
pub fn poll_with<F: Future + ?Sized>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

/// Makes a future into a [`Spawned`], which is polled by hand and knows when it was woken.
///
/// # Examples
///
/// ```
/// use purview::Context;
/// use purview_test::task;
///
/// let (ctx, cancel) = Context::background().with_cancel();
/// let mut work = task(ctx.run(std::future::pending::<()>()));
/// assert!(work.poll().is_pending());
/// cancel.cancel();
/// assert!(work.is_woken());
/// ```
pub fn task<F: Future>(future: F) -> Spawned<F> {
    Spawned { future: Box::pin(future), waker: CountingWaker::new(), seen: 0 }
}

/// A future with a [`CountingWaker`] of its own; made by [`task`].
///
/// # Examples
///
/// ```
/// use purview::Context;
/// use purview_test::task;
///
/// let (ctx, cancel) = Context::background().with_cancel();
/// let mut done = task(ctx.done());
/// assert!(done.poll().is_pending());
/// assert!(!done.is_woken());
/// cancel.cancel();
/// assert_eq!(done.wakes(), 1);
/// assert!(done.poll().is_ready());
/// ```
pub struct Spawned<F> {
    future: Pin<Box<F>>,
    waker: CountingWaker,
    seen: usize,
}

impl<F: Future> Spawned<F> {
    /// Polls the future with its own waker, and forgets the wakes so far.
    ///
    /// ```
    /// assert!(purview_test::task(async { 3 }).poll().is_ready());
    /// ```
    pub fn poll(&mut self) -> Poll<F::Output> {
        let waker = self.waker.waker();
        self.seen = self.waker.count();
        self.poll_with(&waker)
    }

    /// Polls the future with another waker.
    ///
    /// ```
    /// use std::task::Waker;
    /// assert!(purview_test::task(async { 3 }).poll_with(Waker::noop()).is_ready());
    /// ```
    pub fn poll_with(&mut self, waker: &Waker) -> Poll<F::Output> {
        poll_with(self.future.as_mut(), waker)
    }
}

impl<F> Spawned<F> {
    /// Whether its own waker was woken since the last [`poll`](Spawned::poll).
    ///
    /// ```
    /// let mut never = purview_test::task(std::future::pending::<()>());
    /// assert!(never.poll().is_pending());
    /// assert!(!never.is_woken());
    /// ```
    #[must_use]
    pub fn is_woken(&self) -> bool {
        self.waker.count() > self.seen
    }

    /// How often its own waker was woken, in all.
    ///
    /// ```
    /// assert_eq!(purview_test::task(std::future::pending::<()>()).wakes(), 0);
    /// ```
    #[must_use]
    pub fn wakes(&self) -> usize {
        self.waker.count()
    }

    /// Its own waker, to look at how many copies of it are held.
    ///
    /// ```
    /// let mut never = purview_test::task(std::future::pending::<()>());
    /// assert!(never.poll().is_pending());
    /// assert_eq!(never.waker().held(), 0);
    /// ```
    #[must_use]
    pub fn waker(&self) -> &CountingWaker {
        &self.waker
    }
}

impl<F> fmt::Debug for Spawned<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spawned").field("wakes", &self.wakes()).finish_non_exhaustive()
    }
}
