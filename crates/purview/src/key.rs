//! Keys of request-scoped values: a `static` is the identity.

use crate::sync::{AtomicU32, Ordering, const_fn};
use std::any::Any;
use std::fmt;
use std::marker::PhantomData;

/// The name under which a context carries a value of type `T`.
///
/// A key is a `static`, and that static is its identity: two statics are two keys, also when their names and types are
/// the same. A value is private to those who can name the static; only a [`Foreign`](crate::Foreign) parent in between can
/// see and answer every lookup that passes it. The text name is for people only.
///
/// The wrong way first: a `const` is a new key at each use, and does not compile.
///
/// ```compile_fail,E0716
/// use purview::{Context, Key};
///
/// const USER: Key<String> = Key::new("user");
/// let ctx = Context::background().with_value(&USER, "ada".to_owned());
/// ```
///
/// # Examples
///
/// ```
/// use purview::{Context, Key};
///
/// static USER: Key<String> = Key::new("user");
/// static OTHER: Key<String> = Key::new("user");
///
/// let ctx = Context::background().with_value(&USER, "ada".to_owned());
/// assert_eq!(ctx.value(&USER).map(String::as_str), Some("ada"));
/// assert_eq!(ctx.value(&OTHER), None);
/// ```
///
/// What a key can say beside its name, in any order:
///
/// ```
/// use purview::{Codec, Context, Key};
///
/// static LIMIT: Key<u32> = Key::new("limit").with_default(&100);
/// static TENANT: Key<String> = Key::new("tenant")
///     .shown() // its value is printed with the context
///     .crossing(Codec { encode: |t| Some(t.clone()), decode: |text| Ok(text.to_owned()) });
///
/// let ctx = Context::background().with_value(&TENANT, "acme".to_owned());
/// assert_eq!(ctx.value(&LIMIT), Some(&100));
/// assert_eq!(ctx.to_string(), "background.with_value(tenant=acme)");
/// ```
pub struct Key<T: 'static> {
    core: KeyCore,
    default: Option<&'static T>,
    show: Option<fn(&T, &mut fmt::Formatter<'_>) -> fmt::Result>,
    codec: Option<Codec<T>>,
    /// Invariant in `T`: a key that is written at one type must not be read at another.
    marker: PhantomData<fn(T) -> T>,
}

/// What a key is for those who do not know its type.
#[derive(Debug)]
pub(crate) struct KeyCore {
    /// Given at the first use as a key to write with; zero before, when no context can hold a value of it. It also
    /// makes a `const` key a compile error, since a value with a cell in it is not promoted to a static.
    id: AtomicU32,
    name: &'static str,
}

/// How a value crosses between processes: as text.
///
/// # Examples
///
/// ```
/// use purview::{Codec, Key};
///
/// static ATTEMPT: Key<u32> = Key::new("attempt").crossing(Codec {
///     encode: |attempt| Some(attempt.to_string()),
///     decode: |text| text.parse().map_err(|e| format!("attempt {text:?}: {e}; a number is accepted").into()),
/// });
/// assert!(ATTEMPT.codec().is_some());
/// ```
pub struct Codec<T> {
    /// Gives the text of a value, or none if this value does not cross.
    pub encode: fn(&T) -> Option<String>,
    /// Reads a value from its text.
    pub decode: fn(&str) -> Result<T, crate::BoxError>,
}

impl<T> Clone for Codec<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Codec<T> {}

impl<T> fmt::Debug for Codec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Codec")
    }
}

impl<T: Send + Sync + 'static> Key<T> {
    const_fn! {
        /// Makes a key whose name, for people, is `name`.
        ///
        /// # Examples
        ///
        /// ```
        /// static USER: purview::Key<String> = purview::Key::new("user");
        /// assert_eq!(USER.name(), "user");
        /// ```
        pub const fn new(name: &'static str) -> Self {
            Self {
                core: KeyCore { id: AtomicU32::new(0), name },
                default: None,
                show: None,
                codec: None,
                marker: PhantomData,
            }
        }
    }

    /// Makes the key answer `default` where no context sets a value.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Context, Key};
    ///
    /// static RETRIES: Key<u32> = Key::new("retries").with_default(&3);
    /// assert_eq!(Context::background().value(&RETRIES), Some(&3));
    /// ```
    #[must_use = "the key is changed in the copy that is returned"]
    pub const fn with_default(self, default: &'static T) -> Self {
        let Self { core, show, codec, marker, .. } = self;
        Self { core, default: Some(default), show, codec, marker }
    }

    /// Has values printed with the context that carries them, escaped so that they stay in their line. Without it only the name is
    /// printed: values are redacted unless their key says otherwise.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Context, Key};
    ///
    /// static SHARD: Key<u8> = Key::new("shard").shown();
    /// static TOKEN: Key<u64> = Key::new("token");
    /// let ctx = Context::background().with_value(&SHARD, 7).with_value(&TOKEN, 12345);
    /// assert_eq!(ctx.to_string(), "background.with_value(shard=7).with_value(token)");
    /// ```
    #[must_use = "the key is changed in the copy that is returned"]
    pub const fn shown(self) -> Self
    where
        T: fmt::Display,
    {
        let Self { core, default, codec, marker, .. } = self;
        Self { core, default, show: Some(<T as fmt::Display>::fmt), codec, marker }
    }

    /// Lets values cross to other processes as the text that `codec` makes. Without it a value never leaves the process.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Codec, Key};
    ///
    /// static TENANT: Key<String> = Key::new("tenant")
    ///     .crossing(Codec { encode: |t| Some(t.clone()), decode: |text| Ok(text.to_owned()) });
    /// let codec = TENANT.codec().unwrap();
    /// assert_eq!((codec.encode)(&"acme".to_owned()).as_deref(), Some("acme"));
    /// ```
    #[must_use = "the key is changed in the copy that is returned"]
    pub const fn crossing(self, codec: Codec<T>) -> Self {
        let Self { core, default, show, marker, .. } = self;
        Self { core, default, show, codec: Some(codec), marker }
    }

    /// The name for people.
    ///
    /// # Examples
    ///
    /// ```
    /// static USER: purview::Key<String> = purview::Key::new("user");
    /// assert_eq!(USER.name(), "user");
    /// ```
    pub const fn name(&self) -> &'static str {
        self.core.name
    }

    /// How values cross to other processes, if they may.
    ///
    /// # Examples
    ///
    /// ```
    /// static USER: purview::Key<String> = purview::Key::new("user");
    /// assert!(USER.codec().is_none());
    /// ```
    pub const fn codec(&self) -> Option<Codec<T>> {
        self.codec
    }

    pub(crate) const fn default_value(&self) -> Option<&'static T> {
        self.default
    }

    pub(crate) const fn core(&self) -> &KeyCore {
        &self.core
    }
}

impl KeyCore {
    /// The number of this key if it was ever written with, else zero.
    #[inline]
    pub(crate) fn id(&self) -> u32 {
        // Relaxed: whoever holds a context with a value of this key got it after the number was given.
        self.id.load(Ordering::Relaxed)
    }

    /// The number of this key, given now if it has none.
    pub(crate) fn id_for_writing(&self) -> u32 {
        match self.id() {
            0 => self.assign_id(),
            id => id,
        }
    }

    #[cold]
    fn assign_id(&self) -> u32 {
        let new = next_id();
        match self.id.compare_exchange(0, new, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => new,
            // Another thread was first; its number stands and ours is never used.
            Err(given) => given,
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }
}

fn next_id() -> u32 {
    crate::sync::global! {
        static NEXT: AtomicU32 = AtomicU32::new(1);
    }
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    assert!(id != 0 && id < u32::MAX, "four billion keys were made: keys are statics, not data");
    id
}

/// A key and its value, for those who do not know the type.
pub(crate) trait AnyKey: Send + Sync {
    fn core(&self) -> &KeyCore;
    fn is_shown(&self) -> bool;
    /// Writes the value if the key says so; `None` if values of this key are redacted.
    fn show(&self, value: &(dyn Any + Send + Sync), f: &mut fmt::Formatter<'_>) -> Option<fmt::Result>;
}

impl<T: Send + Sync + 'static> AnyKey for Key<T> {
    fn core(&self) -> &KeyCore {
        &self.core
    }

    fn is_shown(&self) -> bool {
        self.show.is_some()
    }

    fn show(&self, value: &(dyn Any + Send + Sync), f: &mut fmt::Formatter<'_>) -> Option<fmt::Result> {
        Some(self.show?(value.downcast_ref()?, f))
    }
}

impl<T> fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("name", &self.core.name).finish_non_exhaustive()
    }
}

/// A key that a [`Foreign`](crate::Foreign) parent is asked for, whose type it may not know.
///
/// # Examples
///
/// ```
/// use purview::{Foreign, ForeignNotify, Key, KeyRef};
/// use std::any::Any;
///
/// static USER: Key<String> = Key::new("user");
///
/// struct Legacy { user: String }
///
/// impl Foreign for Legacy {
///     fn register(&self, _notify: ForeignNotify) -> Box<dyn Any + Send + Sync> {
///         Box::new(()) // never done
///     }
///     fn value(&self, key: KeyRef<'_>) -> Option<&(dyn Any + Send + Sync)> {
///         key.is(&USER).then_some(&self.user as _)
///     }
/// }
///
/// let ctx = purview::Context::from_foreign(Legacy { user: "ada".to_owned() });
/// assert_eq!(ctx.value(&USER).unwrap(), "ada");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct KeyRef<'a>(pub(crate) &'a KeyCore);

impl KeyRef<'_> {
    /// Whether this is the key `key`.
    ///
    /// # Examples
    ///
    /// See [`KeyRef`].
    pub fn is<T: Send + Sync + 'static>(&self, key: &'static Key<T>) -> bool {
        std::ptr::eq(self.0, &raw const key.core)
    }

    /// The nearest value under this key in `ctx`, of whatever type it is: for a parent that wraps a context and passes all
    /// of its values on. The default of the key is left to whoever asked.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{AfterFunc, Context, Foreign, ForeignNotify, Key, KeyRef};
    /// use std::any::Any;
    ///
    /// struct Wrapper(Context);
    ///
    /// /// Dropped when nobody below the wrapper wants to know any more. An `AfterFunc` by itself would stay registered.
    /// struct StopOnDrop(AfterFunc);
    ///
    /// impl Drop for StopOnDrop {
    ///     fn drop(&mut self) {
    ///         self.0.stop();
    ///     }
    /// }
    ///
    /// impl Foreign for Wrapper {
    ///     fn register(&self, notify: ForeignNotify) -> Box<dyn Any + Send + Sync> {
    ///         let ctx = self.0.clone();
    ///         let callback = self.0.after_func_inline(move || {
    ///             if let Some(error) = ctx.error() {
    ///                 notify.cancel(error.reason(), error.cause().clone());
    ///             }
    ///         });
    ///         Box::new(StopOnDrop(callback))
    ///     }
    ///     fn value(&self, key: KeyRef<'_>) -> Option<&(dyn Any + Send + Sync)> {
    ///         key.find_in(&self.0)
    ///     }
    /// }
    ///
    /// static USER: Key<&str> = Key::new("user");
    /// let wrapped = Context::background().with_value(&USER, "ada");
    /// assert_eq!(Context::from_foreign(Wrapper(wrapped)).value(&USER), Some(&"ada"));
    /// # static KEPT: Key<std::sync::Arc<()>> = Key::new("kept");
    /// # let kept = std::sync::Arc::new(());
    /// # let (ctx, _canceler) = Context::background().with_cancel();
    /// # drop(Context::from_foreign(Wrapper(ctx.with_value(&KEPT, kept.clone()))));
    /// # assert_eq!(std::sync::Arc::strong_count(&kept), 1, "the wrapped context is let go of");
    /// ```
    pub fn find_in<'c>(&self, ctx: &'c crate::Context) -> Option<&'c (dyn Any + Send + Sync)> {
        ctx.0.value_erased(self.0)
    }

    /// The name for people.
    ///
    /// # Examples
    ///
    /// See [`KeyRef`].
    pub fn name(&self) -> &'static str {
        self.0.name
    }
}
