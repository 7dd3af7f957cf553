//! The values of a context: a flat table in the node that sets them, with everything visible from there.
//!
//! A table holds its own entries and, behind them, those of the tables above that they do not hide, so that a lookup is
//! one short scan at any depth. When that scan would grow past [`FLAT`] entries, the tables above are folded into a
//! persistent [`Trie`] and the new table starts with its own entries only. A word of bits says which keys can be there
//! at all: a miss mostly ends with it.

use super::trie::Trie;
use crate::foreign::ForeignValues;
use crate::key::{AnyKey, Key, KeyCore, KeyRef};
use crate::sync::shield;
use std::any::Any;
use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;

/// How many entries a table scans at most, unless one node sets more.
const FLAT: usize = 8;

/// One visible value.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    key: &'static dyn AnyKey,
    /// Points into the node that set it, which whoever sees the entry keeps alive (I1). It is of the type of `key`.
    value: NonNull<dyn Any + Send + Sync>,
}

// SAFETY: an entry is a shared reference to a `Send + Sync` value and to a `Sync` key.
unsafe impl Send for Entry {}
// SAFETY: as above.
unsafe impl Sync for Entry {}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key.core().name())
    }
}

impl Entry {
    fn address(&self) -> *const () {
        std::ptr::from_ref(self.key).cast()
    }

    pub(super) fn id(&self) -> u32 {
        self.key.core().id()
    }

    fn bit(&self) -> u64 {
        bit(self.id())
    }

    pub(crate) fn name(&self) -> &'static str {
        self.key.core().name()
    }

    /// Whether its key lets the value be printed.
    pub(crate) fn is_shown(&self) -> bool {
        self.key.is_shown()
    }

    /// Writes the value as its key says; `None` if it is redacted.
    ///
    /// # Safety
    ///
    /// The node that set the value is alive.
    pub(super) unsafe fn show(&self, f: &mut fmt::Formatter<'_>) -> Option<fmt::Result> {
        // SAFETY: the caller's promise.
        self.key.show(unsafe { self.value.as_ref() }, f)
    }
}

fn bit(id: u32) -> u64 {
    1 << (id & 63)
}

/// What is visible from a node.
#[derive(Debug)]
pub(super) struct Table {
    /// A bit for each visible key, by the low bits of its number; never cleared by hiding.
    bits: u64,
    /// Right behind the node.
    entries: NonNull<Entry>,
    len: u32,
    /// How many of the entries are set by this very node; they come first.
    own: u32,
    /// What is visible but not among the entries.
    older: Option<Arc<Trie>>,
    /// Whom to ask at last: a foreign parent at the root, which everybody below keeps alive.
    foreign: Option<NonNull<dyn ForeignValues>>,
}

impl Table {
    /// How many entries a table needs that sets `own` values below `above`.
    pub(super) fn capacity(own: usize, above: Option<&Table>) -> usize {
        own + above.map_or(0, |above| if own + above.len as usize > FLAT { 0 } else { above.len as usize })
    }

    /// Fills a table.
    ///
    /// # Safety
    ///
    /// `entries` has room for `capacity(values.count, above)` of them and lives as long as the table; `values` are where
    /// they will stay, and whoever uses the table keeps them, and all that `above` shows, alive.
    pub(super) unsafe fn fill<V: Values>(entries: NonNull<Entry>, values: &V, above: Option<&Table>) -> Self {
        let mut table = Self {
            bits: above.map_or(0, |above| above.bits),
            entries,
            len: 0,
            own: 0,
            older: above.and_then(|above| above.older.clone()),
            foreign: above.and_then(|above| above.foreign),
        };
        values.each(&mut |entry| {
            // SAFETY: one push for each value at most, and there is room for all.
            unsafe { table.push_unless_hidden(entry) };
        });
        table.own = table.len;
        let Some(above) = above else { return table };
        if Self::capacity(V::COUNT, Some(above)) == V::COUNT && above.len > 0 {
            // The eldest first, so that where both hold a key the nearer one stays.
            let folded = above.entries().iter().fold(table.older.take(), |trie, entry| {
                Some(Arc::new(trie.as_deref().map_or_else(|| Trie::of(*entry), |trie| trie.with(*entry))))
            });
            table.older = folded;
        } else {
            for entry in above.entries() {
                // SAFETY: the capacity counted all of them.
                unsafe { table.push_unless_hidden(*entry) };
            }
        }
        table
    }

    /// A table without values of its own, at a root with a foreign parent.
    pub(super) fn foreign(foreign: NonNull<dyn ForeignValues>) -> Self {
        Self { bits: 0, entries: NonNull::dangling(), len: 0, own: 0, older: None, foreign: Some(foreign) }
    }

    /// # Safety
    ///
    /// There is room for one more.
    unsafe fn push_unless_hidden(&mut self, entry: Entry) {
        if self.entries().iter().any(|nearer| nearer.address() == entry.address()) {
            return;
        }
        // SAFETY: the caller's promise.
        unsafe { self.entries.add(self.len as usize).write(entry) };
        self.len += 1;
        self.bits |= entry.bit();
    }

    #[inline]
    fn entries(&self) -> &[Entry] {
        // SAFETY: so many were written, and they live as long as the table.
        unsafe { std::slice::from_raw_parts(self.entries.as_ptr(), self.len as usize) }
    }

    /// The values that this very node sets, the youngest first.
    pub(super) fn own(&self) -> &[Entry] {
        &self.entries()[..self.own as usize]
    }

    /// The nearest value under `key`.
    ///
    /// # Safety
    ///
    /// The node of this table is alive for `'a`.
    #[inline]
    pub(super) unsafe fn find<'a, T: Send + Sync + 'static>(&'a self, key: &'static Key<T>) -> Option<&'a T> {
        let core: &KeyCore = key.core();
        if self.bits & bit(core.id()) != 0 {
            let address = std::ptr::from_ref(key).cast::<()>();
            for entry in self.entries() {
                if std::ptr::eq(entry.address(), address) {
                    // SAFETY: an entry under this key holds a `T`: `AndValue` pairs them, and a key is invariant in `T`.
                    return Some(unsafe { entry.value.cast::<T>().as_ref() });
                }
            }
            if let Some(entry) = self.older.as_deref().and_then(|older| older.get(core.id())) {
                if std::ptr::eq(entry.address(), address) {
                    // SAFETY: as above.
                    return Some(unsafe { entry.value.cast::<T>().as_ref() });
                }
            }
        }
        // SAFETY: the foreign parent lives in a root that this node keeps alive.
        self.foreign.and_then(|foreign| unsafe { foreign.as_ref() }.value(KeyRef(core))?.downcast_ref())
    }

    /// The nearest value under `key`, of whatever type it is.
    ///
    /// # Safety
    ///
    /// As for [`find`](Self::find).
    pub(super) unsafe fn find_erased<'a>(&'a self, key: &KeyCore) -> Option<&'a (dyn Any + Send + Sync)> {
        let id = key.id();
        let here = self.entries().iter().find(|entry| entry.id() == id);
        match here.or_else(|| self.older.as_deref()?.get(id)) {
            // SAFETY: the caller's promise.
            Some(entry) => Some(unsafe { entry.value.as_ref() }),
            // SAFETY: as in `find`.
            None => self.foreign.and_then(|foreign| unsafe { foreign.as_ref() }.value(KeyRef(key))),
        }
    }
}

/// What a [`Derive`](crate::Derive) holds after one more `value`: the values so far, and that one.
///
/// It is only named in types.
///
/// # Examples
///
/// ```
/// use purview::{AndValue, Context, Derive, Key};
///
/// static USER: Key<&str> = Key::new("user");
///
/// let ctx = Context::background();
/// let half_made: Derive<'_, AndValue<(), &str>> = ctx.derive().value(&USER, "ada");
/// assert_eq!(half_made.build().value(&USER), Some(&"ada"));
/// ```
#[derive(Debug)]
pub struct AndValue<V, T: 'static> {
    before: V,
    key: &'static Key<T>,
    value: T,
}

impl<V, T: Send + Sync + 'static> AndValue<V, T> {
    pub(crate) fn new(before: V, key: &'static Key<T>, value: T) -> Self {
        key.core().id_for_writing();
        Self { before, key, value }
    }
}

/// The values that one node sets, of any number and types: `()`, or a list so far and one more.
pub(crate) trait Values {
    const COUNT: usize;

    /// Calls `f` for each, the one set last first.
    fn each(&self, f: &mut dyn FnMut(Entry));

    /// Drops each value in its place and on its own, so that one whose drop panics does not keep the others.
    ///
    /// # Safety
    ///
    /// Called once, after the last use.
    unsafe fn drop_each(&mut self);
}

impl Values for () {
    const COUNT: usize = 0;

    fn each(&self, _f: &mut dyn FnMut(Entry)) {}

    unsafe fn drop_each(&mut self) {}
}

impl<V: Values, T: Send + Sync + 'static> Values for AndValue<V, T> {
    const COUNT: usize = V::COUNT + 1;

    fn each(&self, f: &mut dyn FnMut(Entry)) {
        let value: &(dyn Any + Send + Sync) = &self.value;
        f(Entry { key: self.key, value: NonNull::from(value) });
        self.before.each(f);
    }

    unsafe fn drop_each(&mut self) {
        // SAFETY: the caller's promise, for each slot in turn.
        shield(|| unsafe { std::ptr::drop_in_place(&raw mut self.value) });
        // SAFETY: as above.
        unsafe { self.before.drop_each() };
    }
}
