//! Wakers, values and causes that do what they should not.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};
use std::thread;

use crate::Gate;

/// A waker that panics each time it is woken, after it has counted the wake.
///
/// # Examples
///
/// ```
/// use std::panic::{AssertUnwindSafe, catch_unwind};
/// use purview::Context;
/// use purview_test::{PanickingWaker, task};
///
/// let (ctx, cancel) = Context::background().with_cancel();
/// let hostile = PanickingWaker::new();
/// let (mut bad, mut good) = (task(ctx.done()), task(ctx.done()));
/// assert!(bad.poll_with(&hostile.waker()).is_pending());
/// assert!(good.poll().is_pending());
///
/// let _ = catch_unwind(AssertUnwindSafe(|| cancel.cancel()));
/// assert_eq!(hostile.count(), 1);
/// assert!(good.is_woken());
/// ```
#[derive(Clone, Debug, Default)]
pub struct PanickingWaker {
    inner: Arc<Panicking>,
}

#[derive(Debug, Default)]
struct Panicking(AtomicUsize);

impl Wake for Panicking {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
        panic!("this waker panics on purpose");
    }
}

impl PanickingWaker {
    /// A waker that nobody has woken.
    ///
    /// ```
    /// assert_eq!(purview_test::PanickingWaker::new().count(), 0);
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The waker to hand out.
    ///
    /// ```
    /// let hostile = purview_test::PanickingWaker::new();
    /// let waker = hostile.waker();
    /// assert!(std::panic::catch_unwind(move || waker.wake()).is_err());
    /// ```
    #[must_use]
    pub fn waker(&self) -> Waker {
        Waker::from(Arc::clone(&self.inner))
    }

    /// How often it was woken.
    ///
    /// ```
    /// assert_eq!(purview_test::PanickingWaker::new().count(), 0);
    /// ```
    #[must_use]
    pub fn count(&self) -> usize {
        self.inner.0.load(Ordering::SeqCst)
    }
}

/// A waker that runs a closure: one that cancels, derives, drops or polls what it was registered with.
///
/// # Examples
///
/// ```
/// use purview::Context;
/// use purview_test::{ReentrantWaker, task};
///
/// let (ctx, cancel) = Context::background().with_cancel();
/// let (other, cancel_other) = Context::background().with_cancel();
/// let handle = cancel_other.handle();
/// let waker = ReentrantWaker::new(move || drop(handle.cancel()));
/// let mut done = task(ctx.done());
/// assert!(done.poll_with(&waker).is_pending());
/// cancel.cancel();
/// assert!(other.is_done());
/// ```
pub struct ReentrantWaker<W, D> {
    on_wake: W,
    on_drop: D,
}

impl<W: Fn() + Send + Sync + 'static> ReentrantWaker<W, fn()> {
    /// A waker that runs `on_wake` each time it is woken.
    ///
    /// ```
    /// let (sender, receiver) = std::sync::mpsc::channel();
    /// purview_test::ReentrantWaker::new(move || sender.send(3).unwrap()).wake();
    /// assert_eq!(receiver.recv(), Ok(3));
    /// ```
    #[must_use]
    #[expect(
        clippy::new_ret_no_self,
        reason = "what is wanted is the waker; the type only names its two kinds"
    )]
    pub fn new(on_wake: W) -> Waker {
        Waker::from(Arc::new(Reentrant(ReentrantWaker { on_wake, on_drop: || () })))
    }
}

impl<D: Fn() + Send + Sync + 'static> ReentrantWaker<fn(), D> {
    /// A waker that runs `on_drop` when its last copy is dropped, woken or not.
    ///
    /// ```
    /// let (sender, receiver) = std::sync::mpsc::channel();
    /// drop(purview_test::ReentrantWaker::on_drop(move || sender.send(3).unwrap()));
    /// assert_eq!(receiver.recv(), Ok(3));
    /// ```
    #[must_use]
    pub fn on_drop(on_drop: D) -> Waker {
        Waker::from(Arc::new(Reentrant(ReentrantWaker { on_wake: || (), on_drop })))
    }
}

impl<W, D> fmt::Debug for ReentrantWaker<W, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReentrantWaker").finish_non_exhaustive()
    }
}

struct Reentrant<W: Fn(), D: Fn()>(ReentrantWaker<W, D>);

impl<W, D> Wake for Reentrant<W, D>
where
    W: Fn() + Send + Sync + 'static,
    D: Fn() + Send + Sync + 'static,
{
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        (self.0.on_wake)();
    }
}

impl<W: Fn(), D: Fn()> Drop for Reentrant<W, D> {
    fn drop(&mut self) {
        (self.0.on_drop)();
    }
}

/// A waker that does not come back until it is released, or this is dropped. Every wait is bounded.
///
/// # Examples
///
/// ```
/// use purview::Context;
/// use purview_test::{BlockingWaker, task};
///
/// let (ctx, cancel) = Context::background().with_cancel();
/// let blocking = BlockingWaker::new();
/// let mut done = task(ctx.done());
/// assert!(done.poll_with(&blocking.waker()).is_pending());
///
/// let canceling = std::thread::spawn(move || cancel.cancel());
/// blocking.wait_until_blocked();
/// assert!(ctx.is_done());
/// blocking.release();
/// canceling.join().unwrap();
/// ```
#[derive(Debug, Default)]
pub struct BlockingWaker {
    inner: Arc<Blocking>,
}

#[derive(Debug, Default)]
struct Blocking {
    blocked: Gate,
    released: Gate,
}

impl Wake for Blocking {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.blocked.open();
        self.released.wait();
    }
}

impl BlockingWaker {
    /// A waker that will block.
    ///
    /// ```
    /// let blocking = purview_test::BlockingWaker::new();
    /// blocking.release();
    /// blocking.waker().wake();
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The waker to hand out.
    ///
    /// ```
    /// let blocking = purview_test::BlockingWaker::new();
    /// blocking.release();
    /// blocking.waker().wake_by_ref();
    /// ```
    #[must_use]
    pub fn waker(&self) -> Waker {
        Waker::from(Arc::clone(&self.inner))
    }

    /// Waits until someone stands in the waker.
    ///
    /// # Panics
    ///
    /// When nobody has woken it within [`HANG_LIMIT`](crate::HANG_LIMIT).
    ///
    /// ```
    /// let blocking = purview_test::BlockingWaker::new();
    /// let waker = blocking.waker();
    /// let woken = std::thread::spawn(move || waker.wake());
    /// blocking.wait_until_blocked();
    /// blocking.release();
    /// woken.join().unwrap();
    /// ```
    #[track_caller]
    pub fn wait_until_blocked(&self) {
        self.inner.blocked.wait();
    }

    /// Lets everyone through who stands in the waker, and who comes later.
    ///
    /// ```
    /// let blocking = purview_test::BlockingWaker::new();
    /// blocking.release();
    /// blocking.waker().wake();
    /// ```
    pub fn release(&self) {
        self.inner.released.open();
    }
}

impl Drop for BlockingWaker {
    fn drop(&mut self) {
        // A test that fails half-way must not leave a thread in the waker until the limit.
        self.release();
    }
}

/// A value that panics when it is dropped, unless the thread is panicking already (that would end the process).
///
/// # Examples
///
/// ```
/// use std::panic::{AssertUnwindSafe, catch_unwind};
/// use purview::{Context, Key};
/// use purview_test::PanicOnDrop;
///
/// static BAD: Key<PanicOnDrop> = Key::new("bad");
///
/// let ctx = Context::background().with_value(&BAD, PanicOnDrop);
/// let _ = catch_unwind(AssertUnwindSafe(|| drop(ctx)));
/// ```
#[derive(Debug)]
pub struct PanicOnDrop;

impl Drop for PanicOnDrop {
    fn drop(&mut self) {
        assert!(thread::panicking(), "this value panics on purpose when it is dropped");
    }
}

/// A value that runs a closure when it is dropped.
///
/// # Examples
///
/// ```
/// use purview::{Context, Key};
/// use purview_test::RunOnDrop;
///
/// static GUARD: Key<RunOnDrop> = Key::new("guard");
///
/// let (other, cancel) = Context::background().with_cancel();
/// let ctx = Context::background().with_value(&GUARD, RunOnDrop::new(move || cancel.cancel()));
/// drop(ctx);
/// assert!(other.is_done());
/// ```
pub struct RunOnDrop {
    run: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl RunOnDrop {
    /// A value that runs `f` when it is dropped.
    ///
    /// ```
    /// let (sender, receiver) = std::sync::mpsc::channel();
    /// drop(purview_test::RunOnDrop::new(move || sender.send(3).unwrap()));
    /// assert_eq!(receiver.recv(), Ok(3));
    /// ```
    #[must_use]
    pub fn new(f: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self { run: Some(Box::new(f)) }
    }
}

impl Drop for RunOnDrop {
    fn drop(&mut self) {
        if let Some(run) = self.run.take() {
            run();
        }
    }
}

impl fmt::Debug for RunOnDrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunOnDrop").finish_non_exhaustive()
    }
}

/// A cause that panics when it is shown, as `Display` and as `Debug`.
///
/// # Examples
///
/// ```
/// use purview::Context;
/// use purview_test::PanickingCause;
///
/// let (ctx, cancel) = Context::background().with_cancel();
/// cancel.cancel_with(PanickingCause);
/// assert!(ctx.cause().is_some_and(|cause| cause.is::<PanickingCause>()));
/// ```
#[derive(Clone, Copy)]
pub struct PanickingCause;

impl fmt::Display for PanickingCause {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("this cause panics on purpose when it is shown")
    }
}

impl fmt::Debug for PanickingCause {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("this cause panics on purpose when it is shown")
    }
}

impl Error for PanickingCause {}
