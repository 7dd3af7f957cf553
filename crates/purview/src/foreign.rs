//! Parents that are not ours: a user's own type at the top of a tree.

use crate::clock::Clock;
use crate::context::Context;
use crate::key::KeyRef;
use crate::raw::{Form, Spec, Weak};
use crate::reason::{BoxError, Cause, Reason};
use crate::sync::Mutex;
use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// A type of your own that can be the parent of contexts: it knows when it ends and tells whoever registered.
///
/// Its panics go to whoever called: from [`register`](Self::register) to the maker of the context, from
/// [`value`](Self::value) to the lookup. The context stays sound.
///
/// Registration is the primitive: one for each [`Context::from_foreign`], never a thread or a task. Everything derived from
/// that context is native. What cannot be expressed is "done, without a reason".
///
/// # Examples
///
/// ```
/// use purview::{Context, Foreign, ForeignNotify, Reason};
/// use std::any::Any;
/// use std::sync::{Arc, Mutex};
///
/// /// A connection, as some other library has it.
/// #[derive(Clone, Default)]
/// struct Connection(Arc<Mutex<Vec<ForeignNotify>>>);
///
/// impl Connection {
///     fn close(&self) {
///         // Out of the lock first: whoever is told may come back here.
///         let all = std::mem::take(&mut *self.0.lock().unwrap());
///         for notify in all {
///             notify.cancel(Reason::Canceled, "the connection closed");
///         }
///     }
/// }
///
/// impl Foreign for Connection {
///     fn register(&self, notify: ForeignNotify) -> Box<dyn Any + Send + Sync> {
///         self.0.lock().unwrap().push(notify);
///         Box::new(()) // nothing to unregister: those that are not wanted any more can be told from `is_wanted`
///     }
/// }
///
/// let connection = Connection::default();
/// let ctx = Context::from_foreign(connection.clone());
/// connection.close();
/// assert_eq!(ctx.cause().unwrap().to_string(), "the connection closed");
/// ```
pub trait Foreign: Send + Sync + 'static {
    /// The clock that it, and everything below it, is measured by; the system's, unless it says otherwise.
    fn clock(&self) -> Clock {
        Clock::system()
    }

    /// When it ends at the latest, by its clock. We keep this deadline ourselves, so that one that is claimed
    /// and never kept does no harm.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// Sees to it that [`notify.cancel`](ForeignNotify::cancel) is called when it ends, or at once if it has. What is
    /// returned is dropped when nobody wants to know any more: put there what unregisters.
    fn register(&self, notify: ForeignNotify) -> Box<dyn Any + Send + Sync>;

    /// The value under `key`, if it has one. It is asked for each lookup that finds nothing in the contexts below; it must
    /// give the same answer each time.
    fn value(&self, key: KeyRef<'_>) -> Option<&(dyn Any + Send + Sync)> {
        let _ = key;
        None
    }
}

/// The part of a foreign parent that lookups need.
pub(crate) trait ForeignValues: Send + Sync {
    fn value(&self, key: KeyRef<'_>) -> Option<&(dyn Any + Send + Sync)>;
}

/// What the adapter context owns.
struct Adapter<F> {
    foreign: F,
    registration: Mutex<Option<Box<dyn Any + Send + Sync>>>,
}

impl<F: Foreign> ForeignValues for Adapter<F> {
    fn value(&self, key: KeyRef<'_>) -> Option<&(dyn Any + Send + Sync)> {
        self.foreign.value(key)
    }
}

/// Tells a context that its foreign parent has ended. It keeps the context from nothing: when that is dropped, this has
/// nobody to tell.
///
/// # Examples
///
/// See [`Foreign`].
#[derive(Clone)]
pub struct ForeignNotify(Arc<Weak>);

impl ForeignNotify {
    /// Ends the context and everything below it; true if this call did it, false if it was done before or is gone.
    ///
    /// # Blocking
    ///
    /// It runs the wakers and inline callbacks of everything below. Do not hold a lock that they might want.
    ///
    /// # Examples
    ///
    /// See [`Foreign`].
    pub fn cancel(&self, reason: Reason, cause: impl Into<BoxError>) -> bool {
        self.0.upgrade().is_some_and(|node| node.cancel(reason, Cause::new(cause)))
    }

    /// Whether the context is still there to be told.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Context, Foreign, ForeignNotify};
    /// use std::any::Any;
    /// use std::sync::{Arc, Mutex};
    ///
    /// struct Keep(Arc<Mutex<Option<ForeignNotify>>>);
    ///
    /// impl Foreign for Keep {
    ///     fn register(&self, notify: ForeignNotify) -> Box<dyn Any + Send + Sync> {
    ///         *self.0.lock().unwrap() = Some(notify);
    ///         Box::new(())
    ///     }
    /// }
    ///
    /// let kept = Arc::new(Mutex::new(None));
    /// let ctx = Context::from_foreign(Keep(kept.clone()));
    /// let notify = kept.lock().unwrap().take().unwrap();
    /// assert!(notify.is_wanted());
    /// drop(ctx);
    /// assert!(!notify.is_wanted());
    /// ```
    pub fn is_wanted(&self) -> bool {
        self.0.is_alive()
    }
}

impl fmt::Debug for ForeignNotify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForeignNotify").field("is_wanted", &self.is_wanted()).finish()
    }
}

impl Context {
    /// A context below a parent of your own type; see [`Foreign`].
    ///
    /// # Examples
    ///
    /// See [`Foreign`].
    pub fn from_foreign(parent: impl Foreign) -> Self {
        let clock = parent.clock();
        let root = if clock.is_system() { Self::background() } else { Self::root(clock) };
        let mut spec = Spec::new(Form::Cancelable);
        if let Some(at) = parent.deadline() {
            spec.deadline = root.timers().nanos(at);
        }
        let adapter = Arc::new(Adapter { foreign: parent, registration: Mutex::new(None) });
        spec.parts.label = Some("foreign");
        spec.parts.foreign = Some(adapter.clone());
        let (handle, weak) = root.0.derive_weakly_known(spec, Arc::clone(&adapter));
        // It may notify from inside: the context is complete by now, and no lock is held.
        let registration = adapter.foreign.register(ForeignNotify(weak));
        *adapter.registration.lock() = Some(registration);
        Self(handle)
    }
}
