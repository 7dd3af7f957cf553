//! Wakers that keep books.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};

use crate::lock;

/// A waker that counts how often it was woken, and knows how many copies of it are about.
///
/// # Examples
///
/// ```
/// use purview::Context;
/// use purview_test::{CountingWaker, task};
///
/// let (ctx, cancel) = Context::background().with_cancel();
/// let waker = CountingWaker::new();
/// let mut done = task(ctx.done());
/// assert!(done.poll_with(&waker.waker()).is_pending());
/// assert_eq!((waker.count(), waker.held()), (0, 1));
/// cancel.cancel();
/// assert_eq!((waker.count(), waker.held()), (1, 0));
/// ```
#[derive(Debug, Default)]
pub struct CountingWaker {
    // This handle is not `Clone`, so that all other references are copies of the waker.
    inner: Arc<Count>,
}

#[derive(Debug, Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl CountingWaker {
    /// A waker that nobody has woken.
    ///
    /// ```
    /// assert_eq!(purview_test::CountingWaker::new().count(), 0);
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The waker to hand out.
    ///
    /// ```
    /// let counting = purview_test::CountingWaker::new();
    /// counting.waker().wake();
    /// assert_eq!(counting.count(), 1);
    /// ```
    #[must_use]
    pub fn waker(&self) -> Waker {
        Waker::from(Arc::clone(&self.inner))
    }

    /// How often it was woken.
    ///
    /// ```
    /// let counting = purview_test::CountingWaker::new();
    /// counting.waker().wake_by_ref();
    /// assert_eq!(counting.count(), 1);
    /// ```
    #[must_use]
    pub fn count(&self) -> usize {
        self.inner.0.load(Ordering::SeqCst)
    }

    /// How many copies of the waker exist: zero once everyone who was given it has let go.
    ///
    /// ```
    /// let counting = purview_test::CountingWaker::new();
    /// let waker = counting.waker();
    /// assert_eq!(counting.held(), 1);
    /// drop(waker);
    /// assert_eq!(counting.held(), 0);
    /// ```
    #[must_use]
    pub fn held(&self) -> usize {
        Arc::strong_count(&self.inner) - 1
    }
}

/// A list of what happened, in order, that wakers (and anyone else) write to.
///
/// # Examples
///
/// ```
/// use purview::Context;
/// use purview_test::{WakeLog, task};
///
/// let (ctx, cancel) = Context::background().with_cancel();
/// let log = WakeLog::new();
/// let (mut first, mut second) = (task(ctx.done()), task(ctx.done()));
/// assert!(first.poll_with(&log.waker("first")).is_pending());
/// assert!(second.poll_with(&log.waker("second")).is_pending());
/// cancel.cancel();
/// assert_eq!(log.entries(), ["first", "second"]);
/// ```
pub struct WakeLog<T> {
    entries: Arc<Mutex<Vec<T>>>,
}

struct Tag<T> {
    tag: T,
    log: WakeLog<T>,
}

impl<T: Clone + Send + Sync + 'static> Wake for Tag<T> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.log.push(self.tag.clone());
    }
}

impl<T> WakeLog<T> {
    /// An empty log.
    ///
    /// ```
    /// assert!(purview_test::WakeLog::<u8>::new().entries().is_empty());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self { entries: Arc::default() }
    }

    /// Writes an entry.
    ///
    /// ```
    /// let log = purview_test::WakeLog::new();
    /// log.push(1);
    /// assert_eq!(log.entries(), [1]);
    /// ```
    pub fn push(&self, tag: T) {
        lock(&self.entries).push(tag);
    }

    /// All entries, oldest first.
    ///
    /// ```
    /// let log = purview_test::WakeLog::new();
    /// log.push('a');
    /// log.push('b');
    /// assert_eq!(log.entries(), ['a', 'b']);
    /// ```
    #[must_use]
    pub fn entries(&self) -> Vec<T>
    where
        T: Clone,
    {
        lock(&self.entries).clone()
    }

    /// A waker that writes `tag` each time it is woken.
    ///
    /// ```
    /// let log = purview_test::WakeLog::new();
    /// log.waker("woken").wake();
    /// assert_eq!(log.entries(), ["woken"]);
    /// ```
    #[must_use]
    pub fn waker(&self, tag: T) -> Waker
    where
        T: Clone + Send + Sync + 'static,
    {
        Waker::from(Arc::new(Tag { tag, log: self.clone() }))
    }
}

impl<T> Default for WakeLog<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for WakeLog<T> {
    fn clone(&self) -> Self {
        Self { entries: Arc::clone(&self.entries) }
    }
}

impl<T: fmt::Debug> fmt::Debug for WakeLog<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(lock(&self.entries).iter()).finish()
    }
}
