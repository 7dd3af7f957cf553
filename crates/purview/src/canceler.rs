//! The canceling side of a context.

use crate::raw::{Callback, CancelingHold, Hold, Registered};
use crate::reason::{BoxError, Cause, Reason};
use crate::sync::Mutex;
use std::fmt;
use std::sync::Arc;

/// Ends a context: when it is told to, and when it is dropped.
///
/// It is what Go's `defer cancel()` is, by construction: what is below a canceler ends with it, unless it was detached or cut
/// off by [`without_cancel`](crate::Context::without_cancel). The wrong way first: `_`
/// is not a name, and drops at once.
///
/// ```
/// use purview::Context;
///
/// let (ctx, _) = Context::background().with_cancel();
/// assert!(ctx.is_done()); // ended on the line that made it
///
/// let (ctx, _canceler) = Context::background().with_cancel();
/// assert!(!ctx.is_done()); // lives to the end of the scope
/// ```
///
/// When the canceler was dropped, the cause says so, and where it was made: see
/// [`CancelerDropped`](crate::CancelerDropped).
///
/// # Who wins
///
/// The first end of a context wins, for its reason and its cause: a deadline, a cancellation from above, this canceler or
/// one of its handles. Those who come later change nothing. When [`cancel`](Self::cancel) returns, the context and every
/// context below it are done, also if another cancellation that overlaps is under way. It does *not* wait for the work
/// below to stop: [`Context::drained`](crate::Context::drained) does.
///
/// # Blocking
///
/// It runs the wakers and inline callbacks of everything below, in the calling thread, with no lock held.
#[must_use = "a canceler cancels when it is dropped: bind it to a name, or call `detach`"]
pub struct Canceler(pub(crate) CancelingHold);

impl Canceler {
    /// Ends the context and everything below it, with [`Reason::Canceled`] and no other cause.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Context, Reason};
    ///
    /// let (ctx, canceler) = Context::background().with_cancel();
    /// let below = ctx.named("below");
    /// canceler.cancel();
    /// assert_eq!(ctx.err(), Some(Reason::Canceled));
    /// assert!(below.is_done());
    /// ```
    #[inline]
    pub fn cancel(self) {
        self.0.cancel(Reason::Canceled, Cause::of_reason(Reason::Canceled));
    }

    /// Ends the context and everything below it, and says why. It works on every kind of context, timeouts included.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    /// use std::time::Duration;
    ///
    /// let (ctx, canceler) = Context::background().with_timeout(Duration::from_secs(60));
    /// canceler.cancel_with("the client left");
    /// assert_eq!(ctx.cause().unwrap().to_string(), "the client left");
    /// ```
    pub fn cancel_with(self, cause: impl Into<BoxError>) {
        self.0.cancel(Reason::Canceled, Cause::new(cause));
    }

    /// As [`cancel_with`](Self::cancel_with), with a cause that exists already: it is shared, and nothing is allocated. For those who
    /// end many contexts for the same cause.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Cause, Context};
    ///
    /// let closing = Cause::new("the shop is closing");
    /// let (ctx, canceler) = Context::background().with_cancel();
    /// canceler.cancel_for(closing.clone());
    /// assert!(ctx.cause().unwrap().ptr_eq(&closing));
    /// ```
    pub fn cancel_for(self, cause: Cause) {
        self.0.cancel(Reason::Canceled, cause.into_given());
    }

    /// Lets the context go on without a canceler: it ends with its parent, by its deadline, by a
    /// [`handle`](Self::handle), or not at all.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    ///
    /// let (ctx, canceler) = Context::background().with_cancel();
    /// canceler.detach();
    /// assert!(!ctx.is_done());
    /// ```
    pub fn detach(self) {
        self.0.detach();
    }

    /// A handle for others to cancel with, from any thread. It does not cancel when it is dropped.
    ///
    /// Clones of one handle cost a count; each call of this registers one more with the context.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    ///
    /// let (ctx, canceler) = Context::background().with_cancel();
    /// let handle = canceler.handle();
    /// std::thread::spawn(move || handle.cancel()).join().unwrap();
    /// assert!(ctx.is_done());
    /// # drop(canceler);
    /// ```
    pub fn handle(&self) -> CancelHandle {
        CancelHandle::new(self.0.hold())
    }
}

impl fmt::Debug for Canceler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Canceler");
        if let Some(made_at) = self.0.made_at() {
            shown.field("made_at", &format_args!("{made_at}"));
        }
        shown.finish_non_exhaustive()
    }
}

/// Ends a context when it is told to, and not when it is dropped. Made by [`Canceler::handle`].
///
/// # Examples
///
/// ```
/// use purview::Context;
///
/// let (ctx, canceler) = Context::background().with_cancel();
/// let handle = canceler.handle();
/// drop(handle.clone());
/// assert!(!ctx.is_done());
/// assert!(handle.cancel());
/// assert!(!handle.cancel()); // it was done already
/// # drop(canceler);
/// ```
///
/// Until the context is done it keeps the context, as the canceler does; after that it keeps nothing.
#[derive(Clone)]
pub struct CancelHandle(Arc<Shared>);

/// What the clones of a handle have together: it ends with the last of them.
struct Shared(Arc<Registered<Kept>>);

/// A hold, which is given back when the context is done. Registered with the context itself, which is a cycle until then; the
/// last handle breaks it.
struct Kept(Mutex<Option<Hold>>);

impl Kept {
    fn give_back(&self) {
        let hold = self.0.lock().take();
        drop(hold);
    }
}

impl Callback for Kept {
    fn call(&self) {
        self.give_back();
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let hold = self.0.callback.0.lock().take();
        if let Some(hold) = hold {
            self.0.unregister_held(&hold);
        }
    }
}

impl CancelHandle {
    fn new(hold: &Hold) -> Self {
        let kept = Kept(Mutex::new(hold.again()));
        Self(Arc::new(Shared(Registered::of_held(hold, kept))))
    }

    /// Ends the context and everything below it; true if this call did it, false if it was done before.
    ///
    /// # Examples
    ///
    /// See [`CancelHandle`].
    pub fn cancel(&self) -> bool {
        self.cancel_for(Cause::of_reason(Reason::Canceled))
    }

    /// The same, and says why. A cause that comes too late is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    ///
    /// let (ctx, canceler) = Context::background().with_cancel();
    /// assert!(canceler.handle().cancel_with("first"));
    /// assert!(!canceler.handle().cancel_with("second"));
    /// assert_eq!(ctx.cause().unwrap().to_string(), "first");
    /// ```
    pub fn cancel_with(&self, cause: impl Into<BoxError>) -> bool {
        self.cancel_for(Cause::new(cause))
    }

    fn cancel_for(&self, cause: Cause) -> bool {
        // A hold of our own: canceling runs foreign code, and that with no lock held.
        let hold = self.0.0.callback.0.lock().as_ref().and_then(Hold::again);
        hold.is_some_and(|hold| hold.cancel(Reason::Canceled, cause))
    }
}

impl fmt::Debug for CancelHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CancelHandle")
    }
}
