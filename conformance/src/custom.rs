//! Parents that a user wrote: they have a "done" of their own and a table of those who want to hear of it.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use purview::{AfterFunc, Context, Foreign, ForeignNotify, Reason};

/// A parent with nothing but cancellation: no deadline, no values, canceled by hand.
///
/// Clones are handles on the same parent, so that a test can keep one and give the other away.
#[derive(Clone, Default)]
pub struct Custom {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    /// Set by the first cancellation; those who register later hear of it at once.
    said: Option<Said>,
    registered: BTreeMap<usize, ForeignNotify>,
    /// How many have ever registered; also the next key of `registered`.
    ever: usize,
    /// Keeps the registration on a context that cancels this one too.
    upstream: Option<StopOnDrop>,
}

/// What a custom parent says when it is done.
#[derive(Clone)]
struct Said {
    reason: Reason,
    cause: Option<String>,
}

impl Said {
    fn to(&self, notify: &ForeignNotify) {
        match &self.cause {
            Some(cause) => notify.cancel(self.reason, cause.clone()),
            None => notify.cancel(self.reason, self.reason),
        };
    }
}

impl Custom {
    /// Makes a parent that is done when it is canceled by hand.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a parent that is done when it is canceled by hand, and when `parent` is done.
    pub fn under(parent: &Context) -> Self {
        let custom = Self::new();
        // Weak: the registration is kept by what the callback would otherwise keep.
        let weak = Arc::downgrade(&custom.shared);
        let watched = parent.clone();
        let registration = parent.after_func_inline(move || Self::follow(&weak, &watched));
        custom.table().upstream = Some(StopOnDrop(registration));
        custom
    }

    fn follow(weak: &Weak<Shared>, parent: &Context) {
        if let (Some(shared), Some(error)) = (weak.upgrade(), parent.error()) {
            Self { shared }.say(&Said { reason: error.reason(), cause: Some(error.cause().to_string()) });
        }
    }

    /// Cancels without a cause.
    pub fn cancel(&self) {
        self.say(&Said { reason: Reason::Canceled, cause: None });
    }

    /// Cancels with a cause.
    pub fn cancel_with(&self, cause: &str) {
        self.say(&Said { reason: Reason::Canceled, cause: Some(cause.to_owned()) });
    }

    /// Whether this parent itself is done.
    pub fn is_done(&self) -> bool {
        self.table().said.is_some()
    }

    /// How many are registered now.
    pub fn registered(&self) -> usize {
        self.table().registered.len()
    }

    /// How many have ever registered.
    pub fn ever_registered(&self) -> usize {
        self.table().ever
    }

    fn say(&self, said: &Said) {
        let mut table = self.table();
        if table.said.is_some() {
            return;
        }
        table.said = Some(said.clone());
        let registered = mem::take(&mut table.registered);
        // Whoever is told may unregister, which takes this lock.
        drop(table);
        for notify in registered.values() {
            said.to(notify);
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.shared.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Foreign for Custom {
    fn register(&self, notify: ForeignNotify) -> Box<dyn Any + Send + Sync> {
        let mut table = self.table();
        if let Some(said) = table.said.clone() {
            drop(table);
            said.to(&notify);
            return Box::new(());
        }
        let id = table.ever;
        table.ever += 1;
        table.registered.insert(id, notify);
        Box::new(Registration { custom: self.clone(), id })
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Custom").field("registered", &self.registered()).finish_non_exhaustive()
    }
}

/// Leaves the table when dropped.
struct Registration {
    custom: Custom,
    id: usize,
}

impl Drop for Registration {
    fn drop(&mut self) {
        let removed = self.custom.table().registered.remove(&self.id);
        // The notify is not ours, so it goes after the lock.
        drop(removed);
    }
}

/// A context that a user wrapped and gave a "done" of its own.
#[derive(Clone, Debug)]
pub struct Detached {
    /// Where the deadline comes from.
    pub inner: Context,
    /// What alone makes it done.
    pub own: Custom,
}

impl Foreign for Detached {
    fn deadline(&self) -> Option<Instant> {
        self.inner.deadline()
    }

    fn register(&self, notify: ForeignNotify) -> Box<dyn Any + Send + Sync> {
        self.own.register(notify)
    }
}

/// Stops a callback when dropped, which also drops what the callback holds.
pub(crate) struct StopOnDrop(pub(crate) AfterFunc);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}
