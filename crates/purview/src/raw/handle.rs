//! What the safe layer holds: a user's handle to a node.

use super::closing::close;
use super::node::{Kind, Node, Ref};
use super::state::State;
use super::tail::Parts;
use super::timing::{check_clock, look};
use super::values::Entry;
use super::waiter::guarding;
use super::{branch, roots};
use crate::key::{Key, KeyCore};
use crate::reason::{Cause, Error, Reason};
use crate::sync::Ordering;
use crate::timer::Timers;
use std::any::Any;
use std::fmt;
use std::ptr::NonNull;

/// A counted reference to a node: an opener (see README.md). One pointer wide.
pub(crate) struct Handle(NonNull<Node>);

// SAFETY: a node is shared by design: every field is immutable, atomic, or guarded by a lock, and what users put into it
// is `Send + Sync`.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Clone for Handle {
    #[inline]
    fn clone(&self) -> Self {
        let node = self.node();
        if !node.kind().has(Kind::STATIC) {
            // Relaxed: a handle is made from one that is there.
            let before = node.node().openers.fetch_add(1, Ordering::Relaxed);
            if before > u32::MAX / 2 {
                // Two billion handles that were never dropped: as in `Arc`, going on would free a node in use.
                std::process::abort();
            }
        }
        Self(self.0)
    }
}

impl Drop for Handle {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the handle is ours and ends here.
        unsafe { close(self.0) };
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Pointer::fmt(&self.0, f)
    }
}

impl Handle {
    /// Takes an opener over.
    ///
    /// # Safety
    ///
    /// The caller has one of the node and gives it away.
    pub(super) unsafe fn from_ptr(node: NonNull<Node>) -> Self {
        Self(node)
    }

    /// The root that is never done.
    pub(crate) fn background() -> Self {
        Self(roots::background())
    }

    /// The same under another name.
    pub(crate) fn todo() -> Self {
        Self(roots::todo())
    }

    #[inline]
    pub(super) fn node(&self) -> Ref<'_> {
        // SAFETY: the handle keeps the node alive.
        unsafe { Ref::new(self.0) }
    }

    pub(crate) fn ptr_eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    // ---- reads ----

    /// Why the context is done, if it is: one acquire load, but for the first look at a deadline.
    #[inline]
    pub(crate) fn reason(&self) -> Option<Reason> {
        self.state().reason()
    }

    #[inline]
    pub(crate) fn is_done(&self) -> bool {
        self.state().is_done()
    }

    #[inline]
    fn state(&self) -> State {
        let scope = self.node().scope();
        let state = scope.state();
        // The one comparison of a live context; everything else is done, or the first look.
        if state == State::UNARMED { look(scope) } else { state }
    }

    /// The reason and the cause.
    pub(crate) fn error(&self) -> Option<Error> {
        let reason = self.reason()?;
        let word = self.node().scope().cancelable().cause_word();
        // SAFETY: the word comes from a live node that was seen to be done.
        let cause: Cause = unsafe { word.get(reason) };
        Some(Error::new(reason, cause))
    }

    /// The effective deadline, in nanoseconds of [`timers`](Self::timers).
    #[inline]
    pub(crate) fn deadline(&self) -> i64 {
        self.node().deadline()
    }

    /// The timers of the clock of this tree.
    pub(crate) fn timers(&self) -> &Timers {
        self.node().scope().timing().timers()
    }

    /// Nanoseconds left until the deadline, by the clock; when it has passed, the context is done after this.
    pub(crate) fn nanos_left(&self) -> Option<i64> {
        check_clock(self.node())
    }

    /// The nearest value under `key`, without its default.
    #[inline]
    pub(crate) fn value<T: Send + Sync + 'static>(&self, key: &'static Key<T>) -> Option<&T> {
        let table = self.node().node().values?;
        // SAFETY: the table is in our node or in one that it keeps alive, and so are all values in it.
        unsafe { table.as_ref().find(key) }
    }

    /// The same for one who does not know the type.
    pub(crate) fn value_erased(&self, key: &KeyCore) -> Option<&(dyn Any + Send + Sync)> {
        let table = self.node().node().values?;
        // SAFETY: as in `value`.
        unsafe { table.as_ref().find_erased(key) }
    }

    /// How many contexts derived directly from this one exist.
    pub(crate) fn derived(&self) -> usize {
        if self.node().kind().has(Kind::STATIC) { 0 } else { branch::count_derived(self.node()) }
    }

    /// Whether this is one of the two static roots, which keep no books.
    pub(crate) fn is_static(&self) -> bool {
        self.node().kind().has(Kind::STATIC)
    }

    /// Whether it can not be done at all.
    pub(crate) fn is_never_done(&self) -> bool {
        self.node().scope().kind().has(Kind::NEVER)
    }

    // ---- the chain ----

    /// The nodes from this one to the root, without internal ones.
    pub(crate) fn chain(&self) -> impl Iterator<Item = Layer<'_>> {
        std::iter::successors(Some(self.node()), |node| node.parent())
            .filter(|node| !node.kind().has(Kind::BRANCH))
            .map(Layer)
    }

    /// The node's waiters for `event`.
    pub(super) fn guarding(&self, event: super::waiter::Event) -> Ref<'_> {
        guarding(self.node(), event)
    }
}

/// One context of a chain, for those who print it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layer<'a>(Ref<'a>);

/// What a layer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LayerKind {
    /// A root or another thing with a text of its own.
    Label(&'static str),
    /// It can be canceled by itself.
    Cancelable,
    /// It has a deadline of its own.
    Timed,
    /// It is not done when its parent is.
    WithoutCancel,
    /// It adds values or a name.
    View,
}

impl<'a> Layer<'a> {
    pub(crate) fn kind(self) -> LayerKind {
        let kind = self.0.kind();
        if let Some(label) = self.parts().and_then(|parts| parts.label).or_else(|| roots::label(self.0.ptr()))
        {
            LayerKind::Label(label)
        } else if kind.has(Kind::NEVER) {
            LayerKind::WithoutCancel
        } else if kind.has(Kind::TIMED) {
            LayerKind::Timed
        } else if kind.has(Kind::CANCELABLE) {
            LayerKind::Cancelable
        } else {
            LayerKind::View
        }
    }

    fn parts(self) -> Option<&'a Parts> {
        self.0.tail().map(|tail| &tail.parts)
    }

    pub(crate) fn name(self) -> Option<&'a str> {
        self.parts()?.name.as_deref()
    }

    /// Its own deadline and the time by its clock, in nanoseconds.
    pub(crate) fn deadline_and_now(self) -> (i64, i64) {
        (self.0.timed().deadline, self.0.timers().now())
    }

    /// The values that it sets, the one set last first.
    pub(crate) fn values(self) -> &'a [Entry] {
        self.0.tail().and_then(|tail| tail.table.as_ref()).map_or(&[], |table| table.own())
    }

    /// Writes a value of this layer as its key says; `None` if it is redacted.
    pub(crate) fn show(self, index: usize, f: &mut fmt::Formatter<'_>) -> Option<fmt::Result> {
        let entry = self.values().get(index)?;
        // SAFETY: the entry is of this node, which is alive.
        unsafe { entry.show(f) }
    }
}

/// Has a node grow branches at once, as contention would.
#[cfg(test)]
pub(crate) fn grow_branches(handle: &Handle) {
    // Contention will not have it grow again.
    handle.node().node().contended.store(u8::MAX, Ordering::Relaxed);
    branch::grow(handle.node());
}
