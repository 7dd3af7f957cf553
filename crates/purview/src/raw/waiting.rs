//! Waiting for a node: the part of a future, or of a blocked thread, that the node knows of.

use super::branch::count_here;
use super::handle::Handle;
use super::node::{NO_DEADLINE, Ref};
use super::tree::extra_of;
use super::waiter::{Event, Notify, Waiter};
use super::wheel::TICK;
use crate::sync::current;
use std::fmt;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context as TaskContext, Poll, RawWakerVTable};

/// Whose end is waited for: somebody else's handle, or our own.
pub(crate) enum Target<'a> {
    Borrowed(&'a Handle),
    Owned(Handle),
}

impl Target<'_> {
    fn handle(&self) -> &Handle {
        match self {
            Self::Borrowed(handle) => handle,
            Self::Owned(handle) => handle,
        }
    }
}

/// A wait for an event of a node. It is linked into the node's list while it waits, so it is pinned from the first poll
/// on, and takes itself out when it is dropped.
pub(crate) struct Waiting<'a> {
    target: Target<'a>,
    event: Event,
    waiter: Waiter,
    /// The waker that is registered, by its two words: to know it again without the lock. None if nothing is.
    registered: Option<Who>,
    _pinned: PhantomPinned,
}

#[derive(Clone, Copy, PartialEq)]
enum Who {
    Task(*const (), &'static RawWakerVTable),
    Thread,
}

// SAFETY: the pointer is only compared; the waiter is guarded by the lock of its node; the handle is `Send + Sync`.
unsafe impl Send for Waiting<'_> {}
// SAFETY: as above; nothing is changed through `&Waiting`.
unsafe impl Sync for Waiting<'_> {}

impl fmt::Debug for Waiting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting")
            .field("event", &self.event)
            .field("registered", &self.registered.is_some())
            .finish_non_exhaustive()
    }
}

impl<'a> Waiting<'a> {
    pub(crate) fn new(target: Target<'a>, event: Event) -> Self {
        Self { target, event, waiter: Waiter::new(), registered: None, _pinned: PhantomPinned }
    }

    pub(crate) fn handle(&self) -> &Handle {
        self.target.handle()
    }

    /// The same wait with a handle of its own, for one that was not polled yet.
    pub(crate) fn into_owned(self) -> Waiting<'static> {
        assert!(self.registered.is_none(), "a wait that was polled cannot be moved");
        Waiting::new(Target::Owned(self.handle().clone()), self.event)
    }

    /// Whether nobody will ever end what is waited for, so that nobody has to know who waits.
    fn can_never_happen(&self) -> bool {
        self.event == Event::Done && self.handle().is_never_done()
    }

    /// Whether it happened.
    #[inline]
    pub(crate) fn has_happened(&self) -> bool {
        let handle = self.handle();
        match self.event {
            Event::Done => handle.is_done(),
            Event::Drained => handle.is_static() || handle.node().lock().derived() == 0,
        }
    }

    /// The moment by which a thread that waits for the end of a context on the system's clock sees to its deadline itself: a
    /// tick after it, when the timer's thread should long have done so. It may be held up by a waker that blocks.
    pub(crate) fn own_deadline(&self) -> Option<i64> {
        let handle = self.handle();
        let deadline = handle.deadline();
        let kept_by_system =
            self.event == Event::Done && handle.timers().is_system() && deadline != NO_DEADLINE;
        kept_by_system.then(|| deadline.saturating_add(TICK))
    }

    /// Ends the context if its deadline has passed.
    pub(crate) fn keep_deadline(&self) {
        self.handle().nanos_left();
    }

    /// Ready when it happened; else the waker of `cx` is registered, in the place of another one from before.
    #[inline]
    pub(crate) fn poll(self: Pin<&mut Self>, cx: &TaskContext<'_>) -> Poll<()> {
        // SAFETY: the waiter is not moved out of it.
        let this = unsafe { self.get_unchecked_mut() };
        if this.event == Event::Done && this.handle().is_done() {
            return Poll::Ready(());
        }
        if this.can_never_happen() {
            return Poll::Pending;
        }
        let waker = cx.waker();
        let who = Who::Task(waker.data(), waker.vtable());
        if this.event == Event::Done && this.registered == Some(who) {
            // Whoever ends the context will call this very waker. (Being drained can happen and be undone: there, the list
            // has to be asked each time.)
            return Poll::Pending;
        }
        // Cloning and dropping a waker is foreign code: it is done outside of the lock.
        this.register(who, Notify::Waker(waker.clone()))
    }

    /// The same for a thread that is about to park: it will be unparked.
    pub(crate) fn prepare_to_park(self: Pin<&mut Self>) -> Poll<()> {
        // SAFETY: as in `poll`.
        let this = unsafe { self.get_unchecked_mut() };
        if this.has_happened() {
            return Poll::Ready(());
        }
        if this.can_never_happen() || this.event == Event::Done && this.registered == Some(Who::Thread) {
            return Poll::Pending;
        }
        this.register(Who::Thread, Notify::Thread(current()))
    }

    /// Registers, unless it happened: both are decided under the lock under which it is made to happen.
    fn register(&mut self, who: Who, notify: Notify) -> Poll<()> {
        let first = self.registered.is_none();
        let waiter = NonNull::from(&self.waiter);
        let handle = self.target.handle();
        if handle.is_static() && self.event == Event::Drained {
            return Poll::Ready(());
        }
        let result = match self.event {
            Event::Done => link_done(handle.guarding(Event::Done), waiter, notify, first),
            Event::Drained => link_drained(handle.node(), waiter, notify, first),
        };
        match result {
            // The old waker, or ours if it came too late, is dropped here, outside of the lock.
            Err(_unused) => Poll::Ready(()),
            Ok(_old) => {
                self.registered = Some(who);
                Poll::Pending
            }
        }
    }
}

/// Links a waiter below its node, or puts another waker into it. `Err` if the node is done.
fn link_done(
    scope: Ref<'_>,
    waiter: NonNull<Waiter>,
    notify: Notify,
    first: bool,
) -> Result<Option<Notify>, Notify> {
    let mut locked = scope.lock();
    if locked.state().is_done() {
        return Err(notify);
    }
    // SAFETY: the lock is held; the waiter is pinned and unlinks itself in `drop`; it is in this list if it was linked.
    locked.with_waiters(|list| unsafe {
        if first {
            list.push(waiter, notify);
            Ok(None)
        } else {
            list.replace(waiter, notify).map(Some)
        }
    })
}

/// The same for the end of what is derived.
fn link_drained(
    node: Ref<'_>,
    waiter: NonNull<Waiter>,
    notify: Notify,
    first: bool,
) -> Result<Option<Notify>, Notify> {
    if first {
        count_here(node);
    }
    let mut locked = node.lock();
    if locked.derived() == 0 {
        return Err(notify);
    }
    let extra = extra_of(&locked);
    // SAFETY: as in `link_done`.
    extra.with_drained(&mut locked, |list| unsafe {
        if first {
            list.push(waiter, notify);
            return Ok(None);
        }
        match list.replace(waiter, notify) {
            Ok(old) => Ok(Some(old)),
            // It happened once and was undone by a context derived since: wait for the next time.
            Err(notify) => {
                list.push(waiter, notify);
                Ok(None)
            }
        }
    })
}

impl Drop for Waiting<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.registered.is_none() {
            return;
        }
        let waiter = NonNull::from(&self.waiter);
        let guarding = self.target.handle().guarding(self.event);
        if self.event == Event::Done && guarding.state().is_told() {
            // SAFETY: it was in the list, which was emptied before the state said so, and is not added to any more.
            debug_assert!(unsafe { !self.waiter.is_linked() }, "whoever was told is in no list");
            return;
        }
        let mut locked = guarding.lock();
        let notify = match (self.event, locked.extra()) {
            // SAFETY: the lock is held, and the waiter is in this list or was taken out of it.
            (Event::Done, _) => locked.with_waiters(|list| unsafe { list.remove(waiter) }),
            (Event::Drained, Some(extra)) => {
                // SAFETY: as above.
                extra.with_drained(&mut locked, |list| unsafe { list.remove(waiter) })
            }
            (Event::Drained, None) => None,
        };
        drop(locked);
        drop(notify);
    }
}
