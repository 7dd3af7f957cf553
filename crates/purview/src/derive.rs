//! The builder: several things at once in one node.

use crate::canceler::Canceler;
use crate::context::Context;
use crate::key::Key;
use crate::raw::{AndValue, Form, Handle, NO_DEADLINE, Parts, Spec, Values};
use crate::reason::{BoxError, Cause};
use crate::timer::Timers;
use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::time::{Duration, Instant};

/// A context in the making: made by [`Context::derive`], finished by [`build`](Self::build) or
/// [`cancelable`](Self::cancelable). It becomes one node and costs one allocation, whatever it was given (two, if it goes on
/// without its parent but can end by itself).
///
/// # Examples
///
/// ```
/// use purview::{Context, Key};
/// use std::time::Duration;
///
/// static USER: Key<&str> = Key::new("user");
///
/// let ctx = Context::background()
///     .derive()
///     .timeout(Duration::from_secs(2))
///     .value(&USER, "ada")
///     .named("load user")
///     .build(); // no canceler: dropping the context frees it
/// assert!(ctx.deadline().is_some());
/// ```
#[must_use = "nothing is made before `build` or `cancelable`"]
pub struct Derive<'a, V> {
    parent: &'a Context,
    deadline: i64,
    /// When that was found out, if by asking the clock.
    now: Option<i64>,
    parts: Parts,
    without_cancel: bool,
    values: V,
}

impl<'a> Derive<'a, ()> {
    pub(crate) fn new(parent: &'a Context) -> Self {
        Self {
            parent,
            deadline: NO_DEADLINE,
            now: None,
            parts: Parts::default(),
            without_cancel: false,
            values: (),
        }
    }
}

#[expect(private_bounds, reason = "what a value list is stays ours")]
impl<'a, V: Values> Derive<'a, V> {
    /// Gives it a deadline; of several the earliest counts. See [`Context::with_deadline`].
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Context, ManualClock};
    ///
    /// let clock = ManualClock::new();
    /// let ctx = Context::root(&clock).derive().deadline(clock.now()).build();
    /// assert!(ctx.is_done());
    /// ```
    pub fn deadline(mut self, at: Instant) -> Self {
        self.deadline = self.deadline.min(self.parent.timers().nanos(at));
        self
    }

    /// Gives it a deadline `after` from now. See [`Context::with_timeout`].
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    /// use std::time::Duration;
    ///
    /// let ctx = Context::background().derive().timeout(Duration::from_secs(2)).build();
    /// assert!(ctx.remaining().unwrap() <= Duration::from_secs(2));
    /// ```
    pub fn timeout(mut self, after: Duration) -> Self {
        let now = self.parent.timers().now();
        self.deadline = self.deadline.min(Timers::nanos_after(now, after));
        self.now = Some(now);
        self
    }

    /// Gives the cause for when its own deadline has passed.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    /// use std::time::Duration;
    ///
    /// let ctx = Context::background().derive().timeout(Duration::ZERO).cause("too slow").build();
    /// assert_eq!(ctx.cause().unwrap().to_string(), "too slow");
    /// ```
    pub fn cause(mut self, cause: impl Into<BoxError>) -> Self {
        self.parts.deadline_cause = Some(Cause::new(cause));
        self
    }

    /// Gives it a value; of several under one key the last one counts. See [`Context::with_value`].
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Context, Key};
    ///
    /// static USER: Key<&str> = Key::new("user");
    /// static SHARD: Key<u8> = Key::new("shard");
    ///
    /// let ctx = Context::background().derive().value(&USER, "ada").value(&SHARD, 7).build();
    /// assert_eq!((ctx.value(&USER), ctx.value(&SHARD)), (Some(&"ada"), Some(&7)));
    /// ```
    pub fn value<T: Send + Sync + 'static>(
        self,
        key: &'static Key<T>,
        value: T,
    ) -> Derive<'a, AndValue<V, T>> {
        Derive {
            parent: self.parent,
            deadline: self.deadline,
            now: self.now,
            parts: self.parts,
            without_cancel: self.without_cancel,
            values: AndValue::new(self.values, key, value),
        }
    }

    /// Gives it a name for people. See [`Context::named`].
    ///
    /// # Examples
    ///
    /// ```
    /// let ctx = purview::Context::background().derive().named("load user").build();
    /// assert_eq!(ctx.to_string(), "background.named(load user)");
    /// ```
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.parts.name = Some(name.into());
        self
    }

    /// Lets it go on when its parent is done. A deadline or a canceler of its own still ends it. See
    /// [`Context::without_cancel`].
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    ///
    /// let (ctx, canceler) = Context::background().with_cancel();
    /// let audit = ctx.derive().without_cancel().named("audit").build();
    /// canceler.cancel();
    /// assert!(!audit.is_done());
    /// ```
    pub fn without_cancel(mut self) -> Self {
        self.without_cancel = true;
        self
    }

    /// Makes the context, without a canceler: it ends with its parent or by its deadline, and dropping it frees it.
    ///
    /// # Examples
    ///
    /// See [`Derive`].
    pub fn build(self) -> Context {
        let form = if self.deadline == NO_DEADLINE { Form::View } else { Form::Cancelable };
        self.finish(form, |parent, spec| Context(parent.derive(spec)))
    }

    /// Makes the context, and a canceler for it.
    ///
    /// # Examples
    ///
    /// ```
    /// let (ctx, canceler) = purview::Context::background().derive().named("load user").cancelable();
    /// canceler.cancel();
    /// assert!(ctx.is_done());
    /// ```
    #[track_caller]
    pub fn cancelable(self) -> (Context, Canceler) {
        let made_at = Location::caller();
        self.finish(Form::Cancelable, |parent, spec| {
            let (handle, hold) = parent.derive_canceled_by(made_at, spec);
            (Context(handle), Canceler(hold))
        })
    }

    fn finish<R>(self, form: Form, make: impl FnOnce(&Handle, Spec<'_, V>) -> R) -> R {
        let Self { parent, deadline, now, parts, without_cancel, values } = self;
        let (form, cut) = match form {
            form if !without_cancel => (form, None),
            Form::View => (Form::Never, None),
            // What ends by itself but not with its parent is two nodes: one that cuts, and one below it.
            form => (form, Some(parent.0.derive(Spec::new(Form::Never)))),
        };
        let spec = Spec { form, deadline, now, parts, values, canceler: None, timers: None };
        make(cut.as_ref().unwrap_or(&parent.0), spec)
    }
}

impl<V> fmt::Debug for Derive<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Derive")
            .field("parent", self.parent)
            .field("name", &self.parts.name)
            .finish_non_exhaustive()
    }
}
