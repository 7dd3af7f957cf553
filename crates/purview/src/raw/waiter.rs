//! Those who wait for a node: entries of an intrusive list that live with whoever waits.

use super::node::Ref;
use crate::sync::{Thread, UnsafeCell, WAKE_BATCH, shield};
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::Waker;

/// Whom to tell.
#[derive(Debug)]
pub(crate) enum Notify {
    /// A task that polls.
    Waker(Waker),
    /// A thread that is parked.
    Thread(Thread),
    /// A callback of ours.
    Hook(Arc<dyn Hook>),
}

/// What a registered callback does when its node is done. It runs with no lock held and may call anything.
pub(crate) trait Hook: Send + Sync + std::fmt::Debug {
    /// Called once at most.
    fn fire(self: Arc<Self>);
}

impl Notify {
    /// Tells it. This is foreign code: no lock is held here, and the caller sees to it that its panic harms nobody else.
    fn notify(self) {
        match self {
            Self::Waker(waker) => waker.wake(),
            Self::Thread(thread) => thread.unpark(),
            Self::Hook(hook) => hook.fire(),
        }
    }
}

/// An entry in the list of a node. It does not move while it is linked.
#[derive(Debug)]
pub(super) struct Waiter {
    /// Guarded by the lock of the node that is waited for.
    entry: UnsafeCell<Entry>,
}

#[derive(Debug)]
struct Entry {
    prev: Option<NonNull<Waiter>>,
    next: Option<NonNull<Waiter>>,
    /// There while linked, and only then.
    notify: Option<Notify>,
}

impl Entry {
    /// What was in it; it is empty after that.
    fn take(&mut self) -> Self {
        std::mem::replace(self, Self { prev: None, next: None, notify: None })
    }
}

impl Waiter {
    pub(super) fn new() -> Self {
        Self { entry: UnsafeCell::new(Entry { prev: None, next: None, notify: None }) }
    }

    /// Whether it is in a list.
    ///
    /// # Safety
    ///
    /// The lock is held, or nobody will put it into a list or take it out.
    pub(super) unsafe fn is_linked(&self) -> bool {
        // SAFETY: the caller's promise.
        self.entry.with(|entry| unsafe { (*entry).notify.is_some() })
    }
}

/// The waiters of a node, in order of registration: a circle that is entered at its eldest.
///
/// Every method is called under the lock of the node that the list belongs to, and every waiter in the list is alive
/// and not moved, since whoever drops one unlinks it first, under that lock (I8).
#[derive(Debug)]
pub(super) struct WaiterList {
    head: Option<NonNull<Waiter>>,
}

impl WaiterList {
    pub(super) const fn new() -> Self {
        Self { head: None }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.head.is_none()
    }

    /// How many wait. Panics if the circle is broken.
    ///
    /// # Safety
    ///
    /// The lock is held.
    #[cfg(test)]
    pub(super) unsafe fn len(&self) -> usize {
        let (mut count, mut at) = (0, self.head);
        while let Some(waiter) = at {
            count += 1;
            // SAFETY: linked waiters are alive, and the lock is held.
            let next = unsafe { entry(waiter, |e| e.next) }.expect("a circle has no end");
            // SAFETY: as above.
            let back = unsafe { entry(next, |e| e.prev) };
            assert!(back == at, "the circle reads the same in both directions");
            at = Some(next).filter(|next| Some(*next) != self.head);
        }
        count
    }

    /// Links `waiter` as the youngest.
    ///
    /// # Safety
    ///
    /// The lock is held, `waiter` is not in a list, and it will be unlinked before it is moved or dropped.
    pub(super) unsafe fn push(&mut self, waiter: NonNull<Waiter>, notify: Notify) {
        let (prev, next) = match self.head {
            None => (waiter, waiter),
            // SAFETY: linked waiters are alive, and the lock is held.
            Some(head) => unsafe {
                let tail = entry(head, |e| e.prev.replace(waiter)).unwrap_or(head);
                entry(tail, |e| e.next = Some(waiter));
                (tail, head)
            },
        };
        self.head = self.head.or(Some(waiter));
        // SAFETY: the caller hands us a live waiter, and the lock is held.
        unsafe { entry(waiter, |e| *e = Entry { prev: Some(prev), next: Some(next), notify: Some(notify) }) };
    }

    /// Unlinks `waiter` and gives what it held; none if it was not linked any more.
    ///
    /// # Safety
    ///
    /// The lock is held, and `waiter` is alive and in this list or in none.
    pub(super) unsafe fn remove(&mut self, waiter: NonNull<Waiter>) -> Option<Notify> {
        // SAFETY: the caller's promise.
        let Entry { prev, next, notify } = unsafe { entry(waiter, Entry::take) };
        let (notify, prev, next) = (notify?, prev?, next?);
        if next == waiter {
            self.head = None;
            return Some(notify);
        }
        // SAFETY: the neighbours of a linked waiter are linked, so alive; the lock is held.
        unsafe {
            entry(prev, |e| e.next = Some(next));
            entry(next, |e| e.prev = Some(prev));
        }
        if self.head == Some(waiter) {
            self.head = Some(next);
        }
        Some(notify)
    }

    /// Puts `notify` in the place of what a linked waiter holds, and gives that back; gives `notify` back if the waiter
    /// is not linked any more.
    ///
    /// # Safety
    ///
    /// As for [`remove`](Self::remove).
    #[expect(clippy::unused_self, reason = "the list under its lock is the witness")]
    pub(super) unsafe fn replace(
        &mut self,
        waiter: NonNull<Waiter>,
        notify: Notify,
    ) -> Result<Notify, Notify> {
        // SAFETY: the caller's promise.
        unsafe {
            entry(waiter, |e| match &mut e.notify {
                Some(held) => Ok(std::mem::replace(held, notify)),
                None => Err(notify),
            })
        }
    }

    /// Unlinks the eldest waiters, as many as fit the batch.
    ///
    /// # Safety
    ///
    /// The lock is held.
    pub(super) unsafe fn pop_into(&mut self, batch: &mut WakeBatch) {
        let Some(mut eldest) = self.head else { return };
        // SAFETY: linked waiters are alive, and the lock is held; here and below.
        let youngest = unsafe { entry(eldest, |e| e.prev) }.unwrap_or(eldest);
        while batch.has_room() {
            // SAFETY: as above.
            let Entry { next, notify, .. } = unsafe { entry(eldest, Entry::take) };
            if let Some(notify) = notify {
                batch.push(notify);
            }
            let Some(next) = next.filter(|_| eldest != youngest) else {
                self.head = None;
                return;
            };
            eldest = next;
        }
        // The circle is closed once, not after each: so each waiter is touched once.
        self.head = Some(eldest);
        // SAFETY: as above.
        unsafe {
            entry(eldest, |e| e.prev = Some(youngest));
            entry(youngest, |e| e.next = Some(eldest));
        }
    }
}

/// Looks into a waiter.
///
/// # Safety
///
/// It is alive and the lock of its node is held, for as long as `f` runs.
unsafe fn entry<R>(waiter: NonNull<Waiter>, f: impl FnOnce(&mut Entry) -> R) -> R {
    // SAFETY: the caller's promise; the lock makes the access exclusive.
    unsafe { waiter.as_ref() }.entry.with_mut(|entry| f(unsafe { &mut *entry }))
}

/// Waiters taken out of their list under the lock, to be told after it.
#[derive(Debug)]
pub(super) struct WakeBatch {
    /// The first `len` are there.
    items: [MaybeUninit<Notify>; WAKE_BATCH],
    len: usize,
}

impl WakeBatch {
    pub(super) const fn new() -> Self {
        Self { items: [const { MaybeUninit::uninit() }; WAKE_BATCH], len: 0 }
    }

    fn has_room(&self) -> bool {
        self.len < WAKE_BATCH
    }

    pub(super) fn is_full(&self) -> bool {
        self.len == WAKE_BATCH
    }

    fn push(&mut self, notify: Notify) {
        self.items[self.len].write(notify);
        self.len += 1;
    }

    /// Tells them all, eldest first. No lock may be held.
    pub(super) fn notify_all(&mut self) {
        self.each(Notify::notify);
    }

    /// Drops them all untold, each on its own. No lock may be held.
    pub(super) fn drop_all(&mut self) {
        self.each(drop);
    }

    /// Empties the batch, the eldest first. A panic of one keeps nothing from the others.
    fn each(&mut self, tell: impl Fn(Notify)) {
        let mut left = self.items[..std::mem::take(&mut self.len)].iter_mut();
        // One shield for as many as do not panic.
        while !shield(|| {
            for item in &mut left {
                // SAFETY: it was among the first `len`, which are forgotten here, and is passed once.
                tell(unsafe { item.assume_init_read() });
            }
        }) {}
    }
}

impl Drop for WakeBatch {
    fn drop(&mut self) {
        debug_assert!(self.len == 0, "a batch is told or dropped before it ends");
    }
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The context is done.
    Done,
    /// No context derived from it is left.
    Drained,
}

const _: () = {
    // `Notify` may cross threads in a batch, so everything it holds must.
    const fn sendable<T: Send>() {}
    sendable::<Notify>();
};

/// Which node's lock guards the waiters for `event`.
pub(super) fn guarding(node: Ref<'_>, event: Event) -> Ref<'_> {
    match event {
        Event::Done => node.scope(),
        Event::Drained => node,
    }
}
