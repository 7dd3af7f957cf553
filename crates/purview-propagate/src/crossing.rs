//! Keys that a policy lets cross, without their types.

use purview::{BoxError, Context, Key};
use std::fmt;

/// A key with a codec.
pub(crate) trait Crossing: Send + Sync {
    /// Whether a value was set in `ctx`: a default is what this process assumes, and nobody's to send.
    fn is_in(&'static self, ctx: &Context) -> bool;
    /// The text of its value in `ctx`, where [`is_in`](Self::is_in) holds, if that value crosses.
    fn encode(&'static self, ctx: &Context) -> Option<String>;
    /// A value that waits for its context.
    fn decode(&'static self, text: &str) -> Result<Box<dyn Put>, BoxError>;
}

/// A value that waits for its context.
pub(crate) trait Put: Send + Sync {
    fn put(self: Box<Self>, ctx: &Context) -> Context;
}

struct Value<T: 'static>(&'static Key<T>, T);

impl<T: Send + Sync + 'static> Put for Value<T> {
    fn put(self: Box<Self>, ctx: &Context) -> Context {
        ctx.with_value(self.0, self.1)
    }
}

/// For what is no key of the user's.
pub(crate) fn value<T: Send + Sync + 'static>(key: &'static Key<T>, value: T) -> Box<dyn Put> {
    Box::new(Value(key, value))
}

impl<T: Send + Sync + 'static> Crossing for Key<T> {
    fn is_in(&'static self, ctx: &Context) -> bool {
        ctx.has_value(self)
    }

    fn encode(&'static self, ctx: &Context) -> Option<String> {
        let codec = self.codec()?;
        (codec.encode)(ctx.value(self)?)
    }

    fn decode(&'static self, text: &str) -> Result<Box<dyn Put>, BoxError> {
        let Some(codec) = self.codec() else { return Err("this key does not cross".into()) };
        Ok(value(self, (codec.decode)(text)?))
    }
}

/// One key of a policy, and the ways that it goes.
#[derive(Clone)]
pub(crate) struct AllowedKey {
    pub(crate) name: &'static str,
    pub(crate) inbound: bool,
    pub(crate) outbound: bool,
    pub(crate) key: &'static dyn Crossing,
}

impl fmt::Debug for AllowedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AllowedKey")
            .field("name", &self.name)
            .field("inbound", &self.inbound)
            .field("outbound", &self.outbound)
            .finish_non_exhaustive()
    }
}
