//! Callbacks that are registered with a node.

use super::handle::Handle;
use super::hold::Hold;
use super::node::{Node, Ref};
use super::timing::look;
use super::waiter::{Hook, Notify, Waiter};
use crate::sync::Arc;
use std::fmt;
use std::ptr::NonNull;

/// What is called when the node is done.
pub(crate) trait Callback: Send + Sync + fmt::Debug + 'static {
    /// Called once at most, in the thread that ends the node, with no lock held.
    fn call(&self);
}

/// A callback that is, or was, in the list of a node. The list keeps it while it is in there.
pub(crate) struct Registered<C> {
    waiter: Waiter,
    /// Only compared.
    scope: NonNull<Node>,
    pub(crate) callback: C,
}

// SAFETY: the waiter is guarded by the lock of its node, and the pointer is only compared.
unsafe impl<C: Send + Sync> Send for Registered<C> {}
// SAFETY: as above.
unsafe impl<C: Send + Sync> Sync for Registered<C> {}

impl<C: fmt::Debug> fmt::Debug for Registered<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registered").field("callback", &self.callback).finish_non_exhaustive()
    }
}

impl<C: Callback> Hook for Registered<C> {
    fn fire(self: Arc<Self>) {
        self.callback.call();
    }
}

impl<C: Callback> Registered<C> {
    /// Registers a callback with the scope of a context; it is called at once if that is done already.
    pub(crate) fn new(handle: &Handle, callback: C) -> Arc<Self> {
        Self::at(handle.node().scope(), callback)
    }

    /// The same for one who has only a hold of the context.
    pub(crate) fn of_held(hold: &Hold, callback: C) -> Arc<Self> {
        Self::at(hold.node(), callback)
    }

    fn at(scope: Ref<'_>, callback: C) -> Arc<Self> {
        let this = Arc::new(Self { waiter: Waiter::new(), scope: scope.ptr(), callback });
        // A callback is a look: the deadline has to reach it.
        if look(scope).is_done() || !this.link(scope) {
            this.callback.call();
        }
        this
    }

    fn link(self: &Arc<Self>, scope: Ref<'_>) -> bool {
        if scope.kind().has(super::node::Kind::NEVER) {
            // It would never be called; nothing has to know of it.
            return true;
        }
        let notify = Notify::Hook(Arc::clone(self) as Arc<dyn Hook>);
        let mut locked = scope.lock();
        if locked.state().is_done() {
            drop(locked);
            drop(notify);
            return false;
        }
        // SAFETY: the lock is held; what is linked keeps the `Arc` that the waiter lies in, so that it does not move or
        // end before it is unlinked.
        locked.with_waiters(|list| unsafe { list.push(NonNull::from(&self.waiter), notify) });
        true
    }

    /// Takes the callback out of the list; true if it was in there, and so will never be called.
    pub(crate) fn unregister(&self, handle: &Handle) -> bool {
        self.unlink(handle.node().scope())
    }

    /// The same for one who has only a hold of the context.
    pub(crate) fn unregister_held(&self, hold: &Hold) -> bool {
        self.unlink(hold.node())
    }

    fn unlink(&self, scope: Ref<'_>) -> bool {
        assert!(scope.ptr() == self.scope, "a callback is unregistered where it was registered");
        if scope.kind().has(super::node::Kind::NEVER) {
            return false;
        }
        let mut locked = scope.lock();
        // SAFETY: the lock is held, and the waiter is in this list or in none.
        let notify = locked.with_waiters(|list| unsafe { list.remove(NonNull::from(&self.waiter)) });
        drop(locked);
        notify.is_some()
    }
}
