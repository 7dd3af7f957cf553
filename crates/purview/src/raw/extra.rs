//! What few nodes need: branches under contention, those who wait for the node to be drained, and a great many holds.

use super::locked::Locked;
use super::node::{Node, Ref};
use super::spare::{branch_layout, claim_slot};
use super::waiter::WaiterList;
use crate::sync::{AtomicPtr, AtomicU8, AtomicU32, Ordering, UnsafeCell, claim};
use std::ptr::{self, NonNull};

/// Made at first need, under the lock of its node, and freed with it.
#[derive(Debug)]
pub(super) struct Extra {
    /// Guarded by the lock of the node.
    drained: UnsafeCell<WaiterList>,
    /// Whether everything derived has to be counted in the node itself. Guarded by the lock of the node.
    counted: AtomicU8,
    /// Set once, under the lock of the node.
    branches: AtomicPtr<Branches>,
    /// How many times [`ASIDE`] holds were put aside. Guarded by the lock of the node.
    aside: AtomicU32,
}

/// So many holds of a node are put aside at once when there is no room for more in the node.
pub(super) const ASIDE: u16 = 1 << 15;

/// Internal nodes below a contended one; each thread derives below its own.
///
/// Each branch has one hold from here, until the branches are closed: when nobody but they holds the node, or when
/// somebody waits for it to be drained. Their memory stays until the node is freed, so that a thread that picked one
/// just before can still look at it.
#[derive(Debug)]
pub(super) struct Branches {
    /// Written under the lock of the node.
    closed: AtomicU8,
    nodes: Box<[NonNull<Node>]>,
}

impl Extra {
    pub(super) fn new() -> Self {
        Self {
            drained: UnsafeCell::new(WaiterList::new()),
            counted: AtomicU8::new(0),
            branches: AtomicPtr::new(ptr::null_mut()),
            aside: AtomicU32::new(0),
        }
    }

    pub(super) fn branches(&self) -> Option<&Branches> {
        // Acquire: the nodes are seen as they were made.
        // SAFETY: set once, freed with self.
        unsafe { self.branches.load(Ordering::Acquire).as_ref() }
    }

    /// Publishes the branches. The lock of the node is held, and there are none yet.
    pub(super) fn set_branches(&self, nodes: Box<[NonNull<Node>]>) {
        let branches = Box::new(Branches { closed: AtomicU8::new(0), nodes });
        self.branches.store(Box::into_raw(branches), Ordering::Release);
    }

    /// Keeps [`ASIDE`] holds. The lock of the node is held.
    #[cold]
    pub(super) fn put_holds_aside(&self) {
        self.aside.store(self.aside.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// Gives [`ASIDE`] holds back, if there are any. The lock of the node is held.
    pub(super) fn take_holds_back(&self) -> bool {
        let aside = self.aside.load(Ordering::Relaxed);
        self.aside.store(aside.saturating_sub(1), Ordering::Relaxed);
        aside > 0
    }

    /// Whether somebody asked to be told when the node is drained.
    pub(super) fn is_counted(&self) -> bool {
        self.counted.load(Ordering::Relaxed) != 0
    }

    pub(super) fn set_counted(&self) {
        self.counted.store(1, Ordering::Relaxed);
    }

    /// The list of those who wait for the node to be drained.
    pub(super) fn with_drained<R>(&self, locked: &mut Locked<'_>, f: impl FnOnce(&mut WaiterList) -> R) -> R {
        debug_assert!(locked.extra().is_some_and(|extra| ptr::eq(extra, self)));
        // SAFETY: the lock of our node guards the list, and `&mut` keeps it from being lent twice.
        self.drained.with_mut(|list| f(unsafe { &mut *list }))
    }
}

impl Drop for Extra {
    fn drop(&mut self) {
        let branches = self.branches.load(Ordering::Relaxed);
        claim(&mut self.drained);
        claim(&mut self.counted);
        claim(&mut self.branches);
        claim(&mut self.aside);
        if branches.is_null() {
            return;
        }
        // SAFETY: set from a box, once; the node is being freed, so that nobody uses it.
        let mut branches = unsafe { Box::from_raw(branches) };
        claim(&mut branches.closed);
        for node in &branches.nodes {
            // SAFETY: each was placed with this layout, and has been finished: it held our node alive until then.
            unsafe {
                claim_slot(Ref::new(*node));
                Ref::new(*node).claim();
                super::alloc::dealloc(node.cast(), branch_layout());
            }
        }
    }
}

impl Branches {
    pub(super) fn is_open(&self) -> bool {
        // Relaxed: only a hint to a derive; under the lock of the node it is exact.
        self.closed.load(Ordering::Relaxed) == 0
    }

    pub(super) fn close(&self) {
        self.closed.store(1, Ordering::Relaxed);
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The branches, whose memory lives as long as the node that they belong to.
    pub(super) fn iter(&self) -> impl Iterator<Item = Ref<'_>> {
        // SAFETY: see above; a branch that is not alive may still be looked at, under its lock.
        self.nodes.iter().map(|node| unsafe { Ref::new(*node) })
    }

    pub(super) fn pick(&self, probe: usize) -> Ref<'_> {
        // A power of two, so that no division is needed.
        debug_assert!(self.nodes.len().is_power_of_two(), "so many branches are grown");
        // SAFETY: as in `iter`.
        unsafe { Ref::new(self.nodes[probe & (self.nodes.len() - 1)]) }
    }
}
