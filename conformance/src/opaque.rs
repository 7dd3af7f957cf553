//! A user's type that embeds a context and adds nothing.

use std::any::Any;
use std::fmt;
use std::time::Instant;

use purview::{Context, Foreign, ForeignNotify, KeyRef};

use crate::custom::StopOnDrop;

/// How a wrapper answers for a key: a key shows its type only to those who can name it.
pub type Lookup = for<'a> fn(&'a Context, KeyRef<'_>) -> Option<&'a (dyn Any + Send + Sync)>;

/// A context behind a user's own type, which the core cannot look through.
#[derive(Clone)]
pub struct Opaque {
    inner: Context,
    lookup: Lookup,
}

impl Opaque {
    /// Wraps a context and makes a context of the wrapper; its values stay behind.
    pub fn wrap(inner: &Context) -> Context {
        Self::wrap_with(inner, |_, _| None)
    }

    /// Wraps a context and makes a context of the wrapper, which finds values by `lookup`.
    pub fn wrap_with(inner: &Context, lookup: Lookup) -> Context {
        Context::from_foreign(Self { inner: inner.clone(), lookup })
    }
}

impl Foreign for Opaque {
    fn deadline(&self) -> Option<Instant> {
        self.inner.deadline()
    }

    /// Passes on what the context says, in the thread that cancels it: when `cancel` returns, it has arrived.
    fn register(&self, notify: ForeignNotify) -> Box<dyn Any + Send + Sync> {
        let inner = self.inner.clone();
        let registration = self.inner.after_func_inline(move || {
            if let Some(error) = inner.error() {
                notify.cancel(error.reason(), error.cause().clone());
            }
        });
        Box::new(StopOnDrop(registration))
    }

    fn value(&self, key: KeyRef<'_>) -> Option<&(dyn Any + Send + Sync)> {
        (self.lookup)(&self.inner, key)
    }
}

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opaque").field("inner", &self.inner).finish_non_exhaustive()
    }
}
