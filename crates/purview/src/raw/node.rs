//! The layout of a context in memory, and the references to it.
//!
//! A node is one allocation: a header that every node has, the cancellation part, the deadline part, and a tail with
//! whatever a user put in. `Kind` says which of them are there. README.md beside this file names who may touch which
//! field under which lock; the invariants cited here (I1 to I9) are listed there.

use super::cause::CauseWord;
use super::tail::Tail;
use super::waiter::WaiterList;
use crate::sync::{AtomicPtr, AtomicU8, AtomicU16, AtomicU32, Lock, Ordering, UnsafeCell, claim, const_fn};
use crate::timer::Timers;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

/// No deadline: later than every deadline there is.
pub(crate) const NO_DEADLINE: i64 = i64::MAX;

/// The start of every node.
#[repr(C)]
#[derive(Debug)]
pub(super) struct Node {
    /// See [`State`](super::state::State). Written under `lock`, read by everybody.
    pub(super) state: AtomicU8,
    /// Guards what the fields below say.
    pub(super) lock: Lock,
    pub(super) kind: Kind,
    /// How often `lock` was found taken by a derive. Guarded by `lock`.
    pub(super) contended: AtomicU8,
    /// Holds: one for all openers together, one for the canceler, one for each handle of it, one for each walk or timer at work
    /// here. More than fit are put aside in `extra`, and two at least are left here. Written under `lock`, read without it by the
    /// last opener.
    pub(super) holds: AtomicU16,
    /// Where in the wheel this node sits; guarded by the wheel's lock. See [`super::wheel`].
    pub(super) slot: AtomicU16,
    /// How many user handles (contexts, waits) there are. Not under any lock.
    pub(super) openers: AtomicU32,
    /// How many nodes have this one as `parent`. Written under `lock`, read without it by the last opener.
    pub(super) derived: AtomicU32,
    /// The node that this one was derived from. Never changes, and is kept alive by this node (I1).
    pub(super) parent: Option<NonNull<Node>>,
    /// The nearest table of values, here or in an ancestor. Never changes.
    pub(super) values: Option<NonNull<super::values::Table>>,
    /// What few nodes need: branches, those who wait for this node to be drained, and a great many holds.
    pub(super) extra: AtomicPtr<super::extra::Extra>,
}

/// A node that can be done.
#[repr(C)]
#[derive(Debug)]
pub(super) struct Cancelable {
    pub(super) node: Node,
    /// Neighbours among the children of the scope above. Guarded by the lock of that scope.
    pub(super) links: UnsafeCell<Links>,
    /// The eldest child; its `prev` is the youngest. Guarded by our lock.
    pub(super) children: UnsafeCell<Option<NonNull<Node>>>,
    /// The memory of a child that was freed, for the next one: see [`super::spare`]. Guarded by our lock; whoever only wants
    /// to know whether there is any looks without it.
    pub(super) spare: AtomicPtr<Cancelable>,
    /// Those who wait for this node to be done. Guarded by our lock.
    pub(super) waiters: UnsafeCell<WaiterList>,
    /// Why it is done; see [`super::cause`]. Written before `state` says done, read after. Until then, where its canceler was
    /// made, if it has one.
    pub(super) cause: AtomicPtr<()>,
    /// Where the effective deadline and the clock are found (I5): the [`Timed`] node that owns the deadline. In a
    /// `Timed` node itself: the [`Timers`] of its clock, null for the system's. Never changes.
    pub(super) timing: *const (),
    /// The next node in the list of a walk. Belongs to the walk that marked this node (I7).
    pub(super) next_in_walk: UnsafeCell<Option<NonNull<Node>>>,
}

/// A node with a deadline of its own, or the end of a chain of `timing` (a root), whose deadline is [`NO_DEADLINE`].
#[repr(C)]
#[derive(Debug)]
pub(super) struct Timed {
    pub(super) base: Cancelable,
    /// Nanoseconds since the origin of the clock. Never changes.
    pub(super) deadline: i64,
    /// Neighbours in a slot of the wheel. Guarded by the wheel's lock.
    pub(super) timer: UnsafeCell<Links>,
}

/// A node that only adds values or a name: it is done when its scope is.
#[repr(C)]
#[derive(Debug)]
pub(super) struct View {
    pub(super) node: Node,
    /// The nearest cancelable node above. Never changes.
    pub(super) scope: NonNull<Node>,
}

/// Neighbours in an intrusive list.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Links {
    pub(super) prev: Option<NonNull<Node>>,
    pub(super) next: Option<NonNull<Node>>,
}

/// What a node has and is; a set of bits that never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind(u8);

impl Kind {
    /// Has the layout of [`Cancelable`]; without it, of [`View`].
    pub(super) const CANCELABLE: Self = Self(1);
    /// Has the layout of [`Timed`].
    pub(super) const TIMED: Self = Self(1 | 2);
    /// Has a [`Tail`] behind its layout.
    pub(super) const TAIL: Self = Self(4);
    /// An internal node below a contended one; its memory belongs to [`Extra`](super::extra::Extra).
    pub(super) const BRANCH: Self = Self(8);
    /// Is never done, and is linked below nobody: a root, or what `without_cancel` makes.
    pub(super) const NEVER: Self = Self(16);
    /// Lives for ever and is not counted.
    pub(super) const STATIC: Self = Self(32);
    /// Links a merged node below one more source; see [`super::merge`].
    pub(super) const LINK: Self = Self(64);

    /// Its memory belongs to the branch that it is below of; see [`super::spare`].
    pub(super) const SLOT: Self = Self(128);

    /// Nothing beside what every node has.
    pub(super) const NONE: Self = Self(0);

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[inline]
    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl Node {
    const_fn! {
        pub(super) const fn new(
            kind: Kind,
            state: u8,
            openers: u32,
            holds: u16,
            parent: Option<NonNull<Node>>,
            values: Option<NonNull<super::values::Table>>,
        ) -> Self {
            Self {
                state: AtomicU8::new(state),
                lock: Lock::new(),
                kind,
                contended: AtomicU8::new(0),
                holds: AtomicU16::new(holds),
                slot: AtomicU16::new(0),
                openers: AtomicU32::new(openers),
                derived: AtomicU32::new(0),
                parent,
                values,
                extra: AtomicPtr::new(ptr::null_mut()),
            }
        }
    }
}

impl Cancelable {
    const_fn! {
        pub(super) const fn new(node: Node, born: CauseWord, timing: *const ()) -> Self {
            Self {
                node,
                links: UnsafeCell::new(Links { prev: None, next: None }),
                children: UnsafeCell::new(None),
                spare: AtomicPtr::new(ptr::null_mut()),
                waiters: UnsafeCell::new(WaiterList::new()),
                cause: AtomicPtr::new(born.0),
                timing,
                next_in_walk: UnsafeCell::new(None),
            }
        }
    }
}

impl Timed {
    const_fn! {
        /// `base.timing` is the clock's [`Timers`], or null for the system's.
        pub(super) const fn new(base: Cancelable, deadline: i64) -> Self {
            Self { base, deadline, timer: UnsafeCell::new(Links { prev: None, next: None }) }
        }
    }
}

/// A reference to a node that is alive for `'a`.
///
/// It is a pointer, not a `&Node`: a reference to the header would not be allowed to reach the parts behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ref<'a>(NonNull<Node>, PhantomData<&'a Node>);

impl PartialEq for Ref<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<'a> Ref<'a> {
    /// # Safety
    ///
    /// The node is alive (I2) for all of `'a`, and `ptr` may reach all of its allocation.
    #[inline]
    pub(super) unsafe fn new(ptr: NonNull<Node>) -> Self {
        Self(ptr, PhantomData)
    }

    #[inline]
    pub(super) fn ptr(self) -> NonNull<Node> {
        self.0
    }

    #[inline]
    pub(super) fn node(self) -> &'a Node {
        // SAFETY: alive for 'a by the promise of `new`; every field is immutable or a cell.
        unsafe { self.0.as_ref() }
    }

    #[inline]
    pub(super) fn kind(self) -> Kind {
        self.node().kind
    }

    /// The cancellation part. The node must be cancelable.
    #[inline]
    pub(super) fn cancelable(self) -> &'a Cancelable {
        debug_assert!(self.kind().has(Kind::CANCELABLE));
        // SAFETY: as in `node`; every node of this kind begins with a `Cancelable` (I3).
        unsafe { self.0.cast::<Cancelable>().as_ref() }
    }

    /// The deadline part. The node must be timed.
    #[inline]
    pub(super) fn timed(self) -> &'a Timed {
        debug_assert!(self.kind().has(Kind::TIMED));
        // SAFETY: as in `node`; every node of this kind begins with a `Timed` (I3).
        unsafe { self.0.cast::<Timed>().as_ref() }
    }

    /// The tail, if there is one.
    pub(super) fn tail(self) -> Option<&'a Tail> {
        if !self.kind().has(Kind::TAIL) {
            return None;
        }
        // SAFETY: a node of this kind has its tail right behind its layout (I3), and it is written before the node is
        // seen by anybody else.
        Some(unsafe { self.0.byte_add(self.kind().tail_offset()).cast::<Tail>().as_ref() })
    }

    /// Shows the model checker that the node is about to be freed, after everybody's last use of it; does nothing else.
    ///
    /// # Safety
    ///
    /// Nobody uses the node any more.
    #[inline]
    pub(super) unsafe fn claim(self) {
        let node = self.0.as_ptr();
        // SAFETY: the caller's promise; the parts are there as the kind says (I3).
        unsafe {
            claim(&mut (*node).state);
            claim(&mut (*node).lock);
            claim(&mut (*node).contended);
            claim(&mut (*node).holds);
            claim(&mut (*node).slot);
            claim(&mut (*node).openers);
            claim(&mut (*node).derived);
            claim(&mut (*node).extra);
            if (*node).kind.has(Kind::CANCELABLE) {
                let part = node.cast::<Cancelable>();
                claim(&mut (*part).links);
                claim(&mut (*part).children);
                claim(&mut (*part).spare);
                claim(&mut (*part).waiters);
                claim(&mut (*part).cause);
                claim(&mut (*part).next_in_walk);
            }
            if (*node).kind.has(Kind::TIMED) {
                claim(&mut (*node.cast::<Timed>()).timer);
            }
        }
    }

    /// The node that decides whether this one is done: itself, or for a view the nearest cancelable one above.
    #[inline]
    pub(super) fn scope(self) -> Ref<'a> {
        if self.kind().has(Kind::CANCELABLE) {
            return self;
        }
        // SAFETY: a node that is not cancelable is a `View` (I3); its scope is an ancestor, which it keeps alive (I1).
        unsafe { Ref::new(self.0.cast::<View>().as_ref().scope) }
    }

    #[inline]
    pub(super) fn parent(self) -> Option<Ref<'a>> {
        // SAFETY: a node keeps its parent alive (I1).
        self.node().parent.map(|parent| unsafe { Ref::new(parent) })
    }

    /// The timed node that owns the effective deadline of this cancelable node, or the root with the clock.
    pub(super) fn timing(self) -> Ref<'a> {
        if self.kind().has(Kind::TIMED) {
            return self;
        }
        let timing = self.cancelable().timing.cast_mut().cast::<Node>();
        // SAFETY: in a node without a deadline part `timing` points to an ancestor (or to an ancestor of one of its
        // sources), which it keeps alive (I5).
        unsafe { Ref::new(NonNull::new_unchecked(timing)) }
    }

    /// The timers of the clock that this timed node is measured by.
    pub(super) fn timers(self) -> &'a Timers {
        let timers = self.timed().base.timing.cast::<Timers>();
        // SAFETY: in a timed node this is null or the timers of the clock that the root keeps alive (I5).
        unsafe { timers.as_ref() }.unwrap_or_else(|| Timers::system())
    }

    /// The effective deadline of the scope, in nanoseconds of its clock.
    #[inline]
    pub(super) fn deadline(self) -> i64 {
        self.scope().timing().timed().deadline
    }
}

impl Kind {
    /// Where the tail is.
    pub(super) const fn tail_offset(self) -> usize {
        if self.has(Self::TIMED) {
            size_of::<Timed>()
        } else if self.has(Self::CANCELABLE) {
            size_of::<Cancelable>()
        } else {
            size_of::<View>()
        }
    }
}

impl Node {
    /// Whether somebody still needs this node (I2). Only under `lock`, or by one who cannot be interfered with.
    #[inline]
    pub(super) fn is_alive(&self) -> bool {
        self.holds.load(Ordering::Relaxed) != 0 || self.derived.load(Ordering::Relaxed) != 0
    }
}

#[cfg(all(not(any(loom, shuttle)), target_pointer_width = "64"))]
const _: () = {
    // What a derived context costs.
    assert!(size_of::<Cancelable>() == 104);
    assert!(size_of::<Timed>() == 128);
};
