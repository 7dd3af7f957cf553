//! A user's type that embeds a context and adds nothing.

use std::any::Any;
use std::fmt;
use std::time::Instant;

use purview::{Clock, Context, Foreign, ForeignNotify, KeyRef};

use crate::custom::StopOnDrop;

/// A context behind a user's own type, which the core cannot look through.
#[derive(Clone)]
pub struct Opaque(Context);

impl Opaque {
    /// Wraps a context and makes a context of the wrapper.
    pub fn wrap(inner: &Context) -> Context {
        Context::from_foreign(Self(inner.clone()))
    }
}

impl Foreign for Opaque {
    fn clock(&self) -> Clock {
        self.0.clock()
    }

    fn deadline(&self) -> Option<Instant> {
        self.0.deadline()
    }

    /// Passes on what the context says, in the thread that cancels it: when `cancel` returns, it has arrived.
    fn register(&self, notify: ForeignNotify) -> Box<dyn Any + Send + Sync> {
        let inner = self.0.clone();
        let registration = self.0.after_func_inline(move || {
            if let Some(error) = inner.error() {
                notify.cancel(error.reason(), error.cause().clone());
            }
        });
        Box::new(StopOnDrop(registration))
    }

    fn value(&self, key: KeyRef<'_>) -> Option<&(dyn Any + Send + Sync)> {
        key.find_in(&self.0)
    }
}

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opaque").field("inner", &self.0).finish()
    }
}
