//! A reference to a node that does not keep it.

use super::handle::Handle;
use super::hold::Hold;
use super::node::{Node, Ref};
use super::timing::hold;
use crate::sync::{Arc, Mutex};
use std::ptr::NonNull;

/// Points to a node until that ends. The node owns the [`WeakEnd`] of it.
#[derive(Debug)]
pub(crate) struct Weak(Mutex<Option<NonNull<Node>>>);

// SAFETY: the pointer is used under the mutex, and only while the node is there: see `WeakEnd`.
unsafe impl Send for Weak {}
// SAFETY: as above.
unsafe impl Sync for Weak {}

/// What the node owns, among the things attached to it: its drop cuts the weak reference.
#[derive(Debug)]
struct WeakEnd(Arc<Weak>);

impl Weak {
    /// Holds the node if it is there.
    pub(crate) fn upgrade(&self) -> Option<Hold> {
        let target = self.0.lock();
        let node = (*target)?;
        // SAFETY: the node's memory is there while the mutex is held and points to it: its end, which takes the mutex,
        // is dropped before that memory is given back.
        let alive = hold(unsafe { Ref::new(node) });
        // SAFETY: we just took the hold.
        alive.then(|| unsafe { Hold::from_ptr(node) })
    }
}

impl Weak {
    /// Whether the node is there. It takes no hold: that could turn out to be the last one, and end the node here.
    pub(crate) fn is_alive(&self) -> bool {
        let target = self.0.lock();
        // SAFETY: as in `upgrade`.
        target.is_some_and(|node| unsafe { Ref::new(node) }.lock().is_alive())
    }
}

impl Drop for WeakEnd {
    fn drop(&mut self) {
        *self.0.0.lock() = None;
    }
}

/// What is attached to a node that a weak reference points to.
struct Known<A> {
    _end: WeakEnd,
    _attached: A,
}

impl Handle {
    /// Makes a node that owns `attached`, and a weak reference to it.
    pub(crate) fn derive_weakly_known<A: super::tail::Attached + 'static>(
        &self,
        mut spec: super::derive::Spec<'_, ()>,
        attached: A,
    ) -> (Self, Arc<Weak>) {
        let weak = Arc::new(Weak(Mutex::new(None)));
        spec.parts.attached = Some(Box::new(Known { _end: WeakEnd(Arc::clone(&weak)), _attached: attached }));
        let handle = self.derive(spec);
        *weak.0.lock() = Some(handle.node().ptr());
        (handle, weak)
    }
}
