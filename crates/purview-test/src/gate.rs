//! Waiting that cannot hang a test.

use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::lock;

/// How long a step may take before it counts as hung: far more than any step needs on a slow and busy machine.
///
/// # Examples
///
/// ```
/// use purview_test::{HANG_LIMIT, within};
///
/// assert_eq!(within(HANG_LIMIT, || 1 + 2), 3);
/// ```
pub const HANG_LIMIT: Duration = Duration::from_secs(60);

/// A stack too small for a recursion over a large tree: 256 KiB.
///
/// # Examples
///
/// ```
/// use purview_test::{HANG_LIMIT, SMALL_STACK, within_stack};
///
/// within_stack(HANG_LIMIT, SMALL_STACK, || drop(purview::Context::background().named("deep")));
/// ```
pub const SMALL_STACK: usize = 256 * 1024;

/// Runs `f` on a thread of its own and gives what it gives; a panic of `f` goes on here.
///
/// # Panics
///
/// When `f` has not ended within `limit`. Its thread is then left behind.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use purview::Context;
///
/// let (ctx, cancel) = Context::background().with_cancel();
/// cancel.cancel();
/// let error = purview_test::within(Duration::from_secs(60), move || ctx.done().wait());
/// assert!(error.is_canceled());
/// ```
#[track_caller]
pub fn within<T: Send + 'static>(limit: Duration, f: impl FnOnce() -> T + Send + 'static) -> T {
    run(limit, thread::Builder::new(), f)
}

/// [`within`], on a stack of `bytes`.
///
/// # Panics
///
/// When `f` has not ended within `limit`. A stack that overflows ends the process.
///
/// # Examples
///
/// ```
/// use purview::Context;
/// use purview_test::{HANG_LIMIT, SMALL_STACK, within_stack};
///
/// within_stack(HANG_LIMIT, SMALL_STACK, || {
///     let mut ctx = Context::background();
///     for _ in 0..10_000 {
///         let (child, cancel) = ctx.with_cancel();
///         cancel.detach();
///         ctx = child;
///     }
/// });
/// ```
#[track_caller]
pub fn within_stack<T: Send + 'static>(
    limit: Duration,
    bytes: usize,
    f: impl FnOnce() -> T + Send + 'static,
) -> T {
    run(limit, thread::Builder::new().stack_size(bytes), f)
}

#[track_caller]
fn run<T: Send + 'static>(
    limit: Duration,
    builder: thread::Builder,
    f: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (ended, end) = sync_channel(1);
    // The name of the caller's thread is that of the test, which then stands in the message of a panic.
    let name = thread::current().name().unwrap_or("within").to_owned();
    let handle = builder.name(name).spawn(move || {
        let value = f();
        // Nobody listens any more when the limit has passed.
        let _ = ended.send(value);
    });
    let handle = handle.expect("a thread for the closure");
    match end.recv_timeout(limit) {
        Ok(value) => {
            // The thread's own destructors belong to what is limited; they are few.
            match handle.join() {
                Ok(()) => value,
                Err(panic) => resume_unwind(panic),
            }
        }
        Err(RecvTimeoutError::Disconnected) => match handle.join() {
            Err(panic) => resume_unwind(panic),
            Ok(()) => unreachable!("a closure that returns has sent its value"),
        },
        Err(RecvTimeoutError::Timeout) => panic!("hangs: not ended within {limit:?}"),
    }
}

/// A gate that is shut until someone opens it, and then stays open. Every wait is bounded.
///
/// # Examples
///
/// ```
/// use purview::Context;
/// use purview_test::Gate;
///
/// let (ctx, cancel) = Context::background().with_cancel();
/// let ran = Gate::new();
/// let _callback = ctx.after_func({
///     let ran = ran.clone();
///     move || ran.open()
/// });
/// assert!(!ran.is_open());
/// cancel.cancel();
/// ran.wait();
/// ```
#[derive(Clone, Debug, Default)]
pub struct Gate {
    inner: Arc<(Mutex<bool>, Condvar)>,
}

impl Gate {
    /// A gate that is shut.
    ///
    /// ```
    /// assert!(!purview_test::Gate::new().is_open());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens the gate and lets everyone through who waits at it.
    ///
    /// ```
    /// let gate = purview_test::Gate::new();
    /// gate.open();
    /// gate.wait();
    /// ```
    pub fn open(&self) {
        *lock(&self.inner.0) = true;
        self.inner.1.notify_all();
    }

    /// Whether the gate is open.
    ///
    /// ```
    /// let gate = purview_test::Gate::new();
    /// gate.open();
    /// assert!(gate.is_open());
    /// ```
    #[must_use]
    pub fn is_open(&self) -> bool {
        *lock(&self.inner.0)
    }

    /// Waits until the gate is open.
    ///
    /// # Panics
    ///
    /// When it is not opened within [`HANG_LIMIT`].
    ///
    /// ```
    /// let gate = purview_test::Gate::new();
    /// let opener = gate.clone();
    /// std::thread::spawn(move || opener.open());
    /// gate.wait();
    /// ```
    #[track_caller]
    pub fn wait(&self) {
        assert!(self.wait_timeout(HANG_LIMIT), "hangs: the gate was not opened within {HANG_LIMIT:?}");
    }

    /// Waits at most so long, and says whether the gate is open.
    ///
    /// ```
    /// use std::time::Duration;
    /// assert!(!purview_test::Gate::new().wait_timeout(Duration::ZERO));
    /// ```
    #[must_use]
    pub fn wait_timeout(&self, limit: Duration) -> bool {
        let open = lock(&self.inner.0);
        let waited = self.inner.1.wait_timeout_while(open, limit, |open| !*open);
        let (open, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *open
    }
}
