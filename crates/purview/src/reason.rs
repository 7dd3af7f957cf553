//! Why a context is done: the reason, its cause, and the error that carries both.

use std::error::Error as StdError;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// What a cause is made from: any error, a `&str`, a `String`, or a [`Cause`] to be passed on as it is.
///
/// # Examples
///
/// ```
/// use purview::{BoxError, Cause};
///
/// let text: BoxError = "no disk left".into();
/// let cause = Cause::new(text);
/// let again = Cause::new(cause.clone()); // passed on, not wrapped
/// assert!(again.ptr_eq(&cause));
/// ```
pub type BoxError = Box<dyn StdError + Send + Sync + 'static>;

/// The kind of end that a context came to.
///
/// It is what [`Context::err`](crate::Context::err) gives: one of two words that code can branch on. The story behind it
/// is the [`Cause`].
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
/// assert_eq!(Reason::Canceled.to_string(), "context canceled");
/// assert_eq!(Reason::DeadlineExceeded.to_string(), "context deadline exceeded");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Somebody said stop.
    Canceled,
    /// The time was up.
    DeadlineExceeded,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The texts of Go's two errors, so that logs of both worlds can be searched alike.
        f.write_str(match self {
            Self::Canceled => "context canceled",
            Self::DeadlineExceeded => "context deadline exceeded",
        })
    }
}

impl StdError for Reason {}

/// The cause of a context that ended because its [`Canceler`](crate::Canceler) was dropped.
///
/// # Examples
///
/// ```
/// use purview::{CancelerDropped, Context};
///
/// let (ctx, canceler) = Context::background().with_cancel();
/// drop(canceler);
/// let cause = ctx.cause().unwrap();
/// let dropped = cause.downcast_ref::<CancelerDropped>().unwrap();
/// assert!(dropped.location().file().ends_with(".rs"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelerDropped(&'static Location<'static>);

impl CancelerDropped {
    pub(crate) fn new(location: &'static Location<'static>) -> Self {
        Self(location)
    }

    /// Where the canceler was made: the line that called `with_cancel` or its like.
    ///
    /// # Examples
    ///
    /// See [`CancelerDropped`].
    pub fn location(&self) -> &'static Location<'static> {
        self.0
    }
}

impl fmt::Display for CancelerDropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the canceler made at {} was dropped", self.0)
    }
}

impl StdError for CancelerDropped {}

/// Why a context is done, in full: any error, shared by everybody who asks.
///
/// Where nobody gave a cause it is the [`Reason`] itself, as in Go. It is cheap to clone. Like `anyhow::Error` it is not
/// itself a [`std::error::Error`]; [`as_error`](Self::as_error) is the error inside.
///
/// # Examples
///
/// ```
/// use purview::{Cause, Context, Reason};
///
/// let (ctx, canceler) = Context::background().with_cancel();
/// canceler.cancel_with("the shop is closing");
/// let cause: Cause = ctx.cause().unwrap();
/// assert_eq!(cause.to_string(), "the shop is closing");
///
/// let (ctx, canceler) = Context::background().with_cancel();
/// canceler.cancel();
/// assert!(ctx.cause().unwrap().is::<Reason>());
/// ```
#[derive(Clone)]
pub struct Cause(Repr);

#[derive(Clone)]
enum Repr {
    Reason(Reason),
    Dropped(CancelerDropped),
    Given(Arc<Given>),
}

/// An error given as a cause; boxed, so that a pointer to it is one word and fits a node.
pub(crate) struct Given(BoxError);

impl Given {
    /// Takes what a caller gave. A [`Cause`] that is passed on is not wrapped again.
    pub(crate) fn cause(error: BoxError) -> Cause {
        // The error of another context stands for its cause.
        let error = match error.downcast::<Error>() {
            Ok(error) => error.cause.into(),
            Err(error) => error,
        };
        match error.downcast::<Shared>() {
            Ok(shared) => shared.0.into_given(),
            Err(error) => Cause(Repr::Given(Arc::new(Self(error)))),
        }
    }
}

impl Cause {
    /// Makes a cause of any error or text.
    ///
    /// # Examples
    ///
    /// ```
    /// let cause = purview::Cause::new("no disk left");
    /// assert_eq!(cause.to_string(), "no disk left");
    /// ```
    pub fn new(error: impl Into<BoxError>) -> Self {
        Given::cause(error.into())
    }

    /// The same to be given to another context. A plain reason becomes an error, since that one may end for another reason.
    pub(crate) fn into_given(self) -> Self {
        match self.0 {
            Repr::Reason(reason) => Self(Repr::Given(Arc::new(Given(Box::new(reason))))),
            Repr::Dropped(_) | Repr::Given(_) => self,
        }
    }

    pub(crate) fn of_reason(reason: Reason) -> Self {
        Self(Repr::Reason(reason))
    }

    pub(crate) fn of_dropped(location: &'static Location<'static>) -> Self {
        Self(Repr::Dropped(CancelerDropped::new(location)))
    }

    pub(crate) fn of_given(given: Arc<Given>) -> Self {
        Self(Repr::Given(given))
    }

    /// What a node stores of it.
    pub(crate) fn into_stored(self) -> Stored {
        match self.0 {
            Repr::Reason(_) => Stored::Plain,
            Repr::Dropped(dropped) => Stored::Dropped(dropped.0),
            Repr::Given(given) => Stored::Given(given),
        }
    }

    /// The error inside.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io;
    ///
    /// let cause = purview::Cause::new(io::Error::other("no disk left"));
    /// assert_eq!(cause.as_error().to_string(), "no disk left");
    /// ```
    pub fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
        match &self.0 {
            Repr::Reason(reason) => reason,
            Repr::Dropped(dropped) => dropped,
            Repr::Given(given) => &*given.0,
        }
    }

    /// The error inside, if it is an `E`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io;
    ///
    /// let cause = purview::Cause::new(io::Error::other("no disk left"));
    /// assert!(cause.downcast_ref::<io::Error>().is_some());
    /// assert!(cause.downcast_ref::<std::fmt::Error>().is_none());
    /// ```
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        self.as_error().downcast_ref()
    }

    /// Whether the error inside is an `E`.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(!purview::Cause::new("text").is::<std::io::Error>());
    /// ```
    pub fn is<E: StdError + 'static>(&self) -> bool {
        self.as_error().is::<E>()
    }

    /// Whether both are the same cause: the very same error given once, cancelers dropped that were made at the same place, or
    /// the same plain reason. Two errors that merely look alike are not the same.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Cause;
    ///
    /// let cause = Cause::new("text");
    /// assert!(cause.ptr_eq(&cause.clone()));
    /// assert!(!cause.ptr_eq(&Cause::new("text")));
    /// ```
    pub fn ptr_eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Repr::Reason(a), Repr::Reason(b)) => a == b,
            (Repr::Dropped(a), Repr::Dropped(b)) => a == b,
            (Repr::Given(a), Repr::Given(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }

    fn is_given(&self) -> bool {
        !matches!(self.0, Repr::Reason(_))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_error(), f)
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_error(), f)
    }
}

impl From<Cause> for BoxError {
    fn from(cause: Cause) -> Self {
        Box::new(Shared(cause))
    }
}

/// A cause on its way through a [`BoxError`]; [`Given::cause`] takes it out again.
#[derive(Debug)]
struct Shared(Cause);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl StdError for Shared {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.as_error().source()
    }
}

/// A cause as a node keeps it.
pub(crate) enum Stored {
    /// No cause but the reason.
    Plain,
    /// The canceler made there was dropped.
    Dropped(&'static Location<'static>),
    /// An error that somebody gave.
    Given(Arc<Given>),
}

/// What a done context gives as an error: what happened, and why.
///
/// Its text is that of the [`Reason`], which is Go's, and with `{:#}` that of the cause behind it; [`source`](std::error::Error::source) is the cause, if one was
/// given or a canceler was dropped. It is what `?` carries out of [`check`](crate::Context::check) and
/// [`run`](crate::Context::run).
///
/// # Examples
///
/// ```
/// use purview::{Context, Error};
///
/// fn step(ctx: &Context) -> Result<(), Error> {
///     ctx.check()?;
///     Ok(())
/// }
///
/// let (ctx, canceler) = Context::background().with_cancel();
/// assert!(step(&ctx).is_ok());
/// canceler.cancel_with("enough");
/// let error = step(&ctx).unwrap_err();
/// assert_eq!(error.to_string(), "context canceled");
/// assert_eq!(format!("{error:#}"), "context canceled: enough");
/// assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "enough");
/// ```
#[derive(Clone)]
pub struct Error {
    reason: Reason,
    cause: Cause,
}

impl Error {
    pub(crate) fn new(reason: Reason, cause: Cause) -> Self {
        Self { reason, cause }
    }

    /// What happened.
    ///
    /// # Examples
    ///
    /// ```
    /// # use purview::{Context, Reason};
    /// let (ctx, canceler) = Context::background().with_cancel();
    /// canceler.cancel();
    /// assert_eq!(ctx.check().unwrap_err().reason(), Reason::Canceled);
    /// ```
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Why it happened; the reason itself where nobody said.
    ///
    /// # Examples
    ///
    /// ```
    /// # use purview::Context;
    /// let (ctx, canceler) = Context::background().with_cancel();
    /// canceler.cancel_with("enough");
    /// assert_eq!(ctx.check().unwrap_err().cause().to_string(), "enough");
    /// ```
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// Whether somebody said stop.
    ///
    /// # Examples
    ///
    /// ```
    /// # use purview::Context;
    /// let (ctx, canceler) = Context::background().with_cancel();
    /// canceler.cancel();
    /// assert!(ctx.check().unwrap_err().is_canceled());
    /// ```
    pub fn is_canceled(&self) -> bool {
        self.reason == Reason::Canceled
    }

    /// Whether the time was up.
    ///
    /// # Examples
    ///
    /// ```
    /// # use {purview::Context, std::time::Duration};
    /// let (ctx, _canceler) = Context::background().with_timeout(Duration::ZERO);
    /// assert!(ctx.check().unwrap_err().is_deadline_exceeded());
    /// ```
    pub fn is_deadline_exceeded(&self) -> bool {
        self.reason == Reason::DeadlineExceeded
    }
}

/// The text of the reason; with `{:#}` the cause as well, if one was given.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.reason, f)?;
        if f.alternate() && self.cause.is_given() { write!(f, ": {}", self.cause) } else { Ok(()) }
    }
}

/// The same reason, and the very same cause; see [`Cause::ptr_eq`].
impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        self.reason == other.reason && self.cause.ptr_eq(&other.cause)
    }
}

impl Eq for Error {}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error").field("reason", &self.reason).field("cause", &self.cause).finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.is_given().then(|| self.cause.as_error() as &(dyn StdError + 'static))
    }
}

/// A deadline becomes `TimedOut`, a cancellation `Interrupted`'s calmer neighbour `Other`, since readers retry on
/// `Interrupted`.
impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.reason {
            Reason::Canceled => std::io::ErrorKind::Other,
            Reason::DeadlineExceeded => std::io::ErrorKind::TimedOut,
        };
        Self::new(kind, error)
    }
}
