//! The handle: what is passed as the first argument.

use crate::canceler::Canceler;
use crate::clock::Clock;
use crate::derive::Derive;
use crate::key::Key;
use crate::raw::{AndValue, Form, Handle, NO_DEADLINE, Spec};
use crate::reason::{BoxError, Cause, Error, Reason};
use crate::timer::Timers;
use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::time::{Duration, Instant};

/// The context of a request: a deadline, a cancellation signal and values, in one handle that is one pointer wide.
///
/// It is passed as the first argument, by reference, and named `ctx`. Functions derive from it what is narrower: an
/// earlier deadline, a part that can be canceled by itself, one more value. What is derived is done no later than what
/// it was derived from. Cloning gives another handle to the *same* context; nothing is copied.
///
/// All methods may be called from any number of threads at once.
///
/// # Who wins a race
///
/// | two that meet | what holds |
/// |---|---|
/// | two cancellations of one context | the first to mark it gives reason and cause, the other changes nothing |
/// | a cancellation and the deadline | the same: whoever marks first; a read by the clock ([`remaining`](Self::remaining), [`check_exact`](Self::check_exact)) marks a deadline that has passed |
/// | parent canceled, then child | both have the parent's reason and cause |
/// | child canceled, then parent | each has its own |
/// | deriving while the parent is being canceled | the child is done: born so, or marked by the cancellation before it returns |
/// | waiting while being canceled | whoever waits is woken, or never has to wait |
/// | dropping while being canceled | either order; nothing is lost and nobody is woken who is gone |
///
/// # Examples
///
/// ```
/// use purview::{Context, Error, Key};
/// use std::time::Duration;
///
/// static USER: Key<String> = Key::new("user");
///
/// fn handle(ctx: &Context) -> Result<String, Error> {
///     ctx.check()?; // done? then stop here, and say why
///     Ok(format!("hello, {}", ctx.value(&USER).map_or("whoever you are", String::as_str)))
/// }
///
/// let (ctx, _canceler) = Context::background().with_timeout(Duration::from_secs(2));
/// let ctx = ctx.with_value(&USER, "ada".to_owned());
/// assert_eq!(handle(&ctx).unwrap(), "hello, ada");
/// ```
#[derive(Clone)]
pub struct Context(pub(crate) Handle);

/// # Roots
impl Context {
    /// The root of everything that has no request above it: `main`, tests, work that starts by itself.
    ///
    /// It is static: making it allocates nothing. It is never done, has no deadline and no values, and is measured by the
    /// system's clock.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    ///
    /// let ctx = Context::background();
    /// assert!(!ctx.is_done());
    /// assert_eq!(ctx.to_string(), "background");
    /// ```
    pub fn background() -> Self {
        Self(Handle::background())
    }

    /// The same as [`background`](Self::background), under a name that says: somebody has yet to pass a context here.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(purview::Context::todo().to_string(), "todo");
    /// ```
    pub fn todo() -> Self {
        Self(Handle::todo())
    }

    /// A root whose whole tree is measured by `clock`. It is never done.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Context, ManualClock};
    ///
    /// let clock = ManualClock::new();
    /// let root = Context::root(&clock);
    /// assert!(root.clock().ptr_eq(&clock.clock()));
    /// ```
    pub fn root(clock: impl Into<Clock>) -> Self {
        let clock = clock.into();
        let mut spec = Spec::new(Form::Never);
        spec.parts.label = Some("root");
        spec.parts.attached = Some(Box::new(clock.clone()));
        spec.timers = (!clock.is_system()).then(|| clock.timers());
        Self(Handle::background().derive(spec))
    }

    /// A context that is done when any of `sources` is, with that one's reason and cause. Values and clock are the first
    /// one's. Its deadline is the least of theirs; a source on another clock ends it, but lends it no deadline, since moments
    /// of different clocks cannot be compared.
    ///
    /// It is below each of its sources: marked with them before anybody is woken, counted among what is derived from
    /// them, and gone from their books when it is dropped. Sources that are never done, and those that stand for the
    /// same cancellation, cost nothing. Of sources that are done already, the first in order wins. Without any source it
    /// is a child of [`background`](Self::background).
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    ///
    /// let (request, _request_canceler) = Context::background().with_cancel();
    /// let (shutdown, shutdown_canceler) = Context::background().with_cancel();
    /// let ctx = Context::merge([&request, &shutdown]);
    ///
    /// shutdown_canceler.cancel_with("shutting down");
    /// assert_eq!(ctx.cause().unwrap().to_string(), "shutting down");
    /// assert!(!request.is_done());
    /// ```
    pub fn merge<'a>(sources: impl IntoIterator<Item = &'a Self>) -> Self {
        let sources: Vec<&Handle> = sources.into_iter().map(|source| &source.0).collect();
        match sources.split_first() {
            Some((first, others)) => Self(crate::raw::merge(first, others)),
            None => Self(Handle::background().derive(Spec::new(Form::Cancelable))),
        }
    }
}

/// # Deriving
impl Context {
    /// A context that can be canceled by itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    ///
    /// let parent = Context::background();
    /// let (ctx, canceler) = parent.with_cancel();
    /// canceler.cancel();
    /// assert!(ctx.is_done());
    /// assert!(!parent.is_done());
    /// ```
    #[track_caller]
    #[inline]
    pub fn with_cancel(&self) -> (Self, Canceler) {
        let (handle, hold) = self.0.derive_cancelable(Location::caller());
        (Self(handle), Canceler(hold))
    }

    /// A context that is done at `at` at the latest. A time that has passed makes it done at birth; one that lies further than 292 years
    /// from where its clock began is taken for that.
    ///
    /// If the parent's deadline is not later, that one rules, and this is [`with_cancel`](Self::with_cancel). A deadline
    /// is never reported before its time. It is noticed within 1 ms of it (a grain of the timer) by
    /// [`is_done`](Self::is_done) and those who wait, and at once by the reads that ask the clock.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Context, ManualClock};
    /// use std::time::Duration;
    ///
    /// let clock = ManualClock::new();
    /// let at = clock.now() + Duration::from_secs(1);
    /// let (ctx, _canceler) = Context::root(&clock).with_deadline(at);
    /// assert_eq!(ctx.deadline(), Some(at));
    /// clock.advance_to(at);
    /// assert!(ctx.is_done());
    /// ```
    #[track_caller]
    pub fn with_deadline(&self, at: Instant) -> (Self, Canceler) {
        self.derive().deadline(at).cancelable()
    }

    /// As [`with_deadline`](Self::with_deadline), with the cause for when the time is up. A cancellation has its own
    /// cause; and where the parent's deadline rules, this one is not used.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Context, ManualClock};
    ///
    /// let clock = ManualClock::new();
    /// let (ctx, _canceler) = Context::root(&clock).with_deadline_cause(clock.now(), "the shop closed at six");
    /// assert_eq!(ctx.cause().unwrap().to_string(), "the shop closed at six");
    /// ```
    #[track_caller]
    pub fn with_deadline_cause(&self, at: Instant, cause: impl Into<BoxError>) -> (Self, Canceler) {
        self.derive().deadline(at).cause(cause).cancelable()
    }

    /// A context that is done `after` from now at the latest, as [`with_deadline`](Self::with_deadline). Zero makes it
    /// done at birth; a duration too long to count saturates, at about 292 years.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Context, ManualClock, Reason};
    /// use std::time::Duration;
    ///
    /// let clock = ManualClock::new();
    /// let (ctx, _canceler) = Context::root(&clock).with_timeout(Duration::from_millis(250));
    /// clock.advance(Duration::from_millis(250));
    /// assert_eq!(ctx.err(), Some(Reason::DeadlineExceeded));
    /// ```
    #[track_caller]
    pub fn with_timeout(&self, after: Duration) -> (Self, Canceler) {
        self.derive().timeout(after).cancelable()
    }

    /// As [`with_timeout`](Self::with_timeout), with the cause for when the time is up.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Context, ManualClock};
    /// use std::time::Duration;
    ///
    /// let clock = ManualClock::new();
    /// let (ctx, _canceler) = Context::root(&clock).with_timeout_cause(Duration::from_secs(1), "the database is slow");
    /// clock.advance(Duration::from_secs(1));
    /// assert_eq!(ctx.cause().unwrap().to_string(), "the database is slow");
    /// ```
    #[track_caller]
    pub fn with_timeout_cause(&self, after: Duration, cause: impl Into<BoxError>) -> (Self, Canceler) {
        self.derive().timeout(after).cause(cause).cancelable()
    }

    /// A context with one more value. It adds nothing to cancellation: it is done when this one is.
    ///
    /// The value is dropped with the last context that can see it, in the thread that drops that one, with no lock held.
    /// A panic of its `Drop` is reported by the panic hook and goes no further.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Context, Key};
    ///
    /// static USER: Key<&str> = Key::new("user");
    ///
    /// let outer = Context::background().with_value(&USER, "ada");
    /// let inner = outer.with_value(&USER, "grace");
    /// assert_eq!(inner.value(&USER), Some(&"grace")); // the nearest wins
    /// assert_eq!(outer.value(&USER), Some(&"ada"));
    /// ```
    pub fn with_value<T: Send + Sync + 'static>(&self, key: &'static Key<T>, value: T) -> Self {
        let spec = Spec {
            form: Form::View,
            deadline: NO_DEADLINE,
            now: None,
            parts: crate::raw::Parts::default(),
            values: AndValue::new((), key, value),
            canceler: None,
            timers: None,
        };
        Self(self.0.derive(spec))
    }

    /// A context with all values of this one and its clock, and neither its deadline nor its end: it is never done. For
    /// work that has to be finished after the request is over.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Context, Key};
    ///
    /// static USER: Key<&str> = Key::new("user");
    ///
    /// let (ctx, canceler) = Context::background().with_value(&USER, "ada").with_cancel();
    /// let audit = ctx.without_cancel();
    /// canceler.cancel();
    /// assert!(!audit.is_done());
    /// assert_eq!(audit.value(&USER), Some(&"ada"));
    /// ```
    pub fn without_cancel(&self) -> Self {
        Self(self.0.derive(Spec::new(Form::Never)))
    }

    /// The same context under a name, which [`Display`](fmt::Display) shows.
    ///
    /// # Examples
    ///
    /// ```
    /// let ctx = purview::Context::background().named("load user");
    /// assert_eq!(ctx.to_string(), "background.named(load user)");
    /// ```
    pub fn named(&self, name: impl Into<Cow<'static, str>>) -> Self {
        let mut spec = Spec::new(Form::View);
        spec.parts.name = Some(name.into());
        Self(self.0.derive(spec))
    }

    /// Begins a context that has several of these at once: one node, one allocation.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Context, Key};
    /// use std::time::Duration;
    ///
    /// static USER: Key<&str> = Key::new("user");
    ///
    /// let (ctx, _canceler) = Context::background()
    ///     .derive()
    ///     .timeout(Duration::from_secs(2))
    ///     .value(&USER, "ada")
    ///     .named("load user")
    ///     .cancelable();
    /// assert_eq!(ctx.value(&USER), Some(&"ada"));
    /// ```
    pub fn derive(&self) -> Derive<'_, ()> {
        Derive::new(self)
    }
}

/// # Reading
impl Context {
    /// Whether it is done: canceled, or its deadline noticed. One acquire load at any depth, but for the first look at a
    /// deadline of its own, which arms its timer.
    ///
    /// False means: not done when it was read. True is for ever.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    ///
    /// let (ctx, canceler) = Context::background().with_cancel();
    /// assert!(!ctx.is_done());
    /// canceler.cancel();
    /// assert!(ctx.is_done());
    /// ```
    #[inline]
    pub fn is_done(&self) -> bool {
        self.0.is_done()
    }

    /// Why it is done, if it is, in one word; as cheap as [`is_done`](Self::is_done).
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Context, Reason};
    ///
    /// let (ctx, canceler) = Context::background().with_cancel();
    /// assert_eq!(ctx.err(), None);
    /// canceler.cancel();
    /// assert_eq!(ctx.err(), Some(Reason::Canceled));
    /// ```
    #[inline]
    pub fn err(&self) -> Option<Reason> {
        self.0.reason()
    }

    /// `Ok` while it is not done; then the error, to be passed on with `?`. Put it between the steps of work that does not
    /// wait.
    ///
    /// # Errors
    ///
    /// The context is done.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Context, Error};
    ///
    /// fn sum(ctx: &Context, numbers: &[u64]) -> Result<u64, Error> {
    ///     let mut sum = 0;
    ///     for number in numbers {
    ///         ctx.check()?;
    ///         sum += number;
    ///     }
    ///     Ok(sum)
    /// }
    /// assert_eq!(sum(&Context::background(), &[1, 2, 3]).unwrap(), 6);
    /// ```
    #[inline]
    pub fn check(&self) -> Result<(), Error> {
        if self.0.is_done() { Err(self.done_error()) } else { Ok(()) }
    }

    /// As [`check`](Self::check), and asks the clock too, so that a deadline is noticed at once and not at the next grain.
    /// If it has passed, the context is done after this, with everything else that the deadline is above of.
    ///
    /// # Errors
    ///
    /// The context is done.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    /// use std::time::Duration;
    ///
    /// let (ctx, _canceler) = Context::background().with_timeout(Duration::from_secs(5));
    /// assert!(ctx.check_exact().is_ok());
    /// ```
    pub fn check_exact(&self) -> Result<(), Error> {
        self.0.nanos_left();
        self.check()
    }

    /// Reason and cause together, if it is done.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    ///
    /// let (ctx, canceler) = Context::background().with_cancel();
    /// assert!(ctx.error().is_none());
    /// canceler.cancel_with("enough");
    /// assert_eq!(ctx.error().unwrap().cause().to_string(), "enough");
    /// ```
    pub fn error(&self) -> Option<Error> {
        self.0.error()
    }

    /// The error of a context that was seen to be done.
    #[cold]
    pub(crate) fn done_error(&self) -> Error {
        // It was seen to be done, and done is for ever.
        self.0.error().unwrap_or_else(|| Error::new(Reason::Canceled, Cause::of_reason(Reason::Canceled)))
    }

    /// Why it is done, in full, if it is: what was given to [`cancel_with`](Canceler::cancel_with) or to
    /// [`with_timeout_cause`](Self::with_timeout_cause) where the end began; the [`Reason`] itself where nothing was.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    ///
    /// let (ctx, canceler) = Context::background().with_cancel();
    /// let below = ctx.named("below");
    /// canceler.cancel_with("enough");
    /// assert_eq!(below.cause().unwrap().to_string(), "enough");
    /// assert_eq!(ctx.cause().unwrap().to_string(), "enough");
    /// ```
    pub fn cause(&self) -> Option<Cause> {
        self.0.error().map(|error| error.cause().clone())
    }

    /// When it is done at the latest: the least deadline of its chain. It never changes, also not when it has passed. `None`
    /// is no deadline.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Context, ManualClock};
    /// use std::time::Duration;
    ///
    /// let clock = ManualClock::new();
    /// let (outer, _outer) = Context::root(&clock).with_timeout(Duration::from_secs(1));
    /// let (inner, _inner) = outer.with_timeout(Duration::from_secs(60));
    /// assert_eq!(inner.deadline(), Some(clock.now() + Duration::from_secs(1)));
    /// ```
    pub fn deadline(&self) -> Option<Instant> {
        let nanos = self.0.deadline();
        (nanos != NO_DEADLINE).then(|| self.0.timers().instant(nanos))
    }

    /// The time that is left, by the clock; zero when the deadline has passed, and then the context is done. `None` is no
    /// deadline.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Context, ManualClock};
    /// use std::time::Duration;
    ///
    /// let clock = ManualClock::new();
    /// let (ctx, _canceler) = Context::root(&clock).with_timeout(Duration::from_secs(3));
    /// clock.advance(Duration::from_secs(1));
    /// assert_eq!(ctx.remaining(), Some(Duration::from_secs(2)));
    /// clock.advance(Duration::from_secs(9));
    /// assert_eq!(ctx.remaining(), Some(Duration::ZERO));
    /// ```
    pub fn remaining(&self) -> Option<Duration> {
        self.0.nanos_left().map(|nanos| Duration::from_nanos(u64::try_from(nanos).unwrap_or(0)))
    }

    /// The nearest value under `key`, here or above; else the default of the key, if it has one.
    ///
    /// The answer is the same before and after cancellation. A lookup allocates nothing, takes no lock and does not get
    /// slower with depth. "Absent" is `None`; a value that is itself an `Option` can be set to `None` and is then found.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Context, Key};
    ///
    /// static PROXY: Key<Option<&str>> = Key::new("proxy");
    ///
    /// let ctx = Context::background();
    /// assert_eq!(ctx.value(&PROXY), None); // absent
    /// let ctx = ctx.with_value(&PROXY, None);
    /// assert_eq!(ctx.value(&PROXY), Some(&None)); // set to none
    /// ```
    #[inline]
    pub fn value<T: Send + Sync + 'static>(&self, key: &'static Key<T>) -> Option<&T> {
        self.0.value(key).or(key.default_value())
    }

    /// Whether a value was set under `key`, here or above: then [`value`](Self::value) gives that one, and not the default of
    /// the key.
    ///
    /// It is for those who pass on what was set, and must not pass on what they only assume themselves.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Context, Key};
    ///
    /// static RETRIES: Key<u32> = Key::new("retries").with_default(&3);
    ///
    /// let ctx = Context::background();
    /// assert!(ctx.value(&RETRIES) == Some(&3) && !ctx.has_value(&RETRIES));
    /// assert!(ctx.with_value(&RETRIES, 3).has_value(&RETRIES));
    /// ```
    #[inline]
    pub fn has_value<T: Send + Sync + 'static>(&self, key: &'static Key<T>) -> bool {
        self.0.value(key).is_some()
    }

    /// The clock that it is measured by.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Clock, Context};
    ///
    /// assert!(Context::background().clock().ptr_eq(&Clock::system()));
    /// ```
    pub fn clock(&self) -> Clock {
        Clock::of(&self.0)
    }

    pub(crate) fn timers(&self) -> &Timers {
        self.0.timers()
    }

    /// Whether both are handles to the same context.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    ///
    /// let (ctx, _canceler) = Context::background().with_cancel();
    /// assert!(ctx.ptr_eq(&ctx.clone()));
    /// assert!(!ctx.ptr_eq(&ctx.named("another")));
    /// ```
    pub fn ptr_eq(&self, other: &Self) -> bool {
        self.0.ptr_eq(&other.0)
    }

    /// How many contexts that were derived directly from this one still exist, done or not. What is derived from those is
    /// counted with them. The static roots keep no books: for them it is zero.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    ///
    /// let (parent, _canceler) = Context::background().with_cancel();
    /// let child = parent.named("child");
    /// assert_eq!(parent.derived_count(), 1);
    /// drop(child);
    /// assert_eq!(parent.derived_count(), 0);
    /// ```
    pub fn derived_count(&self) -> usize {
        self.0.derived()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("chain", &format_args!("{self}")).field("err", &self.err()).finish()
    }
}

impl Default for Context {
    /// [`Context::background`].
    fn default() -> Self {
        Self::background()
    }
}

impl AsRef<Self> for Context {
    fn as_ref(&self) -> &Self {
        self
    }
}
