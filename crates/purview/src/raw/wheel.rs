//! A hierarchical timing wheel of nodes, linked through themselves.
//!
//! Varghese and Lauck, "Hashed and Hierarchical Timing Wheels" (1987), scheme 7: six levels of 64 slots, a slot of the
//! lowest one tick (1 ms) wide, each level 64 times as wide as the one below. Putting in and taking out cost the same
//! however many there are. An entry moves down a level when its slot comes up; a deadline further than the wheel
//! reaches (2.2 years) waits in the last slot and is filed again.
//!
//! The wheel keeps no node alive: a node takes itself out, under the wheel's lock, before it is freed (I9).

#![expect(clippy::cast_possible_truncation, reason = "levels and slots are small numbers")]

use super::node::{Links, Node, Ref};
use crate::sync::Ordering;
use std::ptr::NonNull;

/// The grain: how many nanoseconds a tick has.
pub(crate) const TICK: i64 = 1_000_000;

const LEVELS: usize = 6;
const SLOTS: usize = 64;
const BITS: u32 = 6;

/// In a node's `slot`: it was never in the wheel, or whoever took it out has seen to it that the wheel is done with it.
pub(super) const NOT_ARMED: u16 = 0;
/// The wheel took it out itself, to fire it.
pub(super) const FIRED: u16 = u16::MAX;

/// The wheel; its users hold its lock.
#[derive(Debug)]
pub(crate) struct Wheel {
    /// The tick up to which everything was fired; never later than now.
    elapsed: u64,
    levels: [Level; LEVELS],
    len: usize,
    /// The slot of the lowest level that was put in order and got no new node since.
    sorted: Option<usize>,
    /// When the driver means to come next, in nanoseconds; see [`crate::timer`].
    pub(crate) wake_at: i64,
}

// SAFETY: the nodes in it are `Sync`, and it is used under a lock.
unsafe impl Send for Wheel {}

#[derive(Debug)]
struct Level {
    /// A bit for each slot that is not empty.
    filled: u64,
    slots: [Option<NonNull<Node>>; SLOTS],
}

/// The place of the next slot that is not empty.
struct Next {
    level: usize,
    slot: usize,
    tick: u64,
}

/// The tick that a moment lies in.
pub(crate) fn tick_of(nanos: i64) -> u64 {
    u64::try_from(nanos / TICK).unwrap_or(0)
}

impl Wheel {
    pub(crate) const fn new() -> Self {
        const EMPTY: Level = Level { filled: 0, slots: [None; SLOTS] };
        Self { elapsed: 0, levels: [EMPTY; LEVELS], len: 0, sorted: None, wake_at: i64::MAX }
    }

    /// How many nodes are in it.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Puts a timed node in.
    ///
    /// # Safety
    ///
    /// The wheel's lock is held, the node is alive and not in a wheel, and will be taken out before it is freed.
    pub(super) unsafe fn insert(&mut self, node: Ref<'_>) {
        let tick = tick_of(node.timed().deadline).max(self.elapsed);
        let (level, slot) = self.place(tick);
        if level == 0 && self.sorted == Some(slot) {
            self.sorted = None;
        }
        let head = &mut self.levels[level].slots[slot];
        // SAFETY: nodes in the wheel are alive (I9), and the wheel's lock guards their links.
        unsafe {
            links(node, |links| *links = Links { prev: None, next: *head });
            if let Some(head) = *head {
                links_at(head, |links| links.prev = Some(node.ptr()));
            }
        }
        *head = Some(node.ptr());
        self.levels[level].filled |= 1 << slot;
        self.len += 1;
        let index = u16::try_from(level * SLOTS + slot).unwrap_or(0) + 1;
        node.node().slot.store(index, Ordering::Relaxed);
    }

    /// Takes a node out, if it is in.
    ///
    /// # Safety
    ///
    /// The wheel's lock is held, and the node is alive and of this wheel.
    pub(super) unsafe fn remove(&mut self, node: Ref<'_>) {
        let index = node.node().slot.load(Ordering::Relaxed);
        if index != NOT_ARMED && index != FIRED {
            // SAFETY: the caller's promise.
            unsafe { self.unlink(node, usize::from(index - 1)) };
        }
        // Release: the hold of whoever fired it is seen by one who sees this.
        node.node().slot.store(NOT_ARMED, Ordering::Release);
    }

    /// # Safety
    ///
    /// As for [`remove`](Self::remove); the node is in the slot `index`.
    unsafe fn unlink(&mut self, node: Ref<'_>, index: usize) {
        let level = &mut self.levels[index / SLOTS];
        let slot = index % SLOTS;
        // SAFETY: nodes in the wheel are alive (I9), and the wheel's lock guards their links.
        unsafe {
            let Links { prev, next } = links(node, std::mem::take);
            match prev {
                Some(prev) => links_at(prev, |links| links.next = next),
                None => level.slots[slot] = next,
            }
            if let Some(next) = next {
                links_at(next, |links| links.prev = prev);
            }
        }
        if level.slots[slot].is_none() {
            level.filled &= !(1 << slot);
        }
        self.len -= 1;
    }

    /// Takes one node out whose deadline is not after `now`; none when there is none left. Call it again and again: the
    /// wheel turns on as far as `now`.
    ///
    /// # Safety
    ///
    /// The wheel's lock is held.
    pub(super) unsafe fn pop_due(&mut self, now: i64) -> Option<NonNull<Node>> {
        let now_tick = tick_of(now);
        while let Some(next) = self.next().filter(|next| next.tick <= now_tick) {
            self.elapsed = self.elapsed.max(next.tick);
            if next.level > 0 {
                // SAFETY: the caller's promise.
                unsafe { self.cascade(&next) };
                continue;
            }
            // SAFETY: as above.
            let Some(node) = (unsafe { self.earliest_in(next.slot) }) else { break };
            if node.timed().deadline > now {
                break;
            }
            // SAFETY: it is in this slot of the lowest level.
            unsafe { self.unlink(node, next.slot) };
            node.node().slot.store(FIRED, Ordering::Relaxed);
            return Some(node.ptr());
        }
        if self.next().is_none_or(|next| next.tick > now_tick) {
            self.elapsed = self.elapsed.max(now_tick);
        }
        None
    }

    /// A moment, in nanoseconds, up to which nothing is due: the nearest deadline if it is near, else when the wheel has
    /// to turn for it.
    ///
    /// # Safety
    ///
    /// The wheel's lock is held.
    pub(super) unsafe fn next_event(&mut self) -> Option<i64> {
        let next = self.next()?;
        if next.level > 0 {
            return Some(i64::try_from(next.tick).unwrap_or(i64::MAX).saturating_mul(TICK));
        }
        // SAFETY: the caller's promise.
        unsafe { self.earliest_in(next.slot) }.map(|node| node.timed().deadline)
    }

    /// The nearest deadline.
    ///
    /// # Safety
    ///
    /// The wheel's lock is held.
    pub(super) unsafe fn nearest(&self) -> Option<i64> {
        let next = self.next()?;
        let mut list = self.levels[next.level].slots[next.slot];
        let mut nearest = i64::MAX;
        while let Some(node) = list {
            // SAFETY: nodes in the wheel are alive while its lock is held (I9), and the lock guards their links.
            unsafe {
                nearest = nearest.min(Ref::new(node).timed().deadline);
                list = links_at(node, |links| links.next);
            }
        }
        Some(nearest)
    }

    /// When a driver that allows a grain has to come: at the end of the tick of the nearest deadline, so that all of that
    /// tick fire at one coming.
    pub(crate) fn next_coming(&self) -> i64 {
        let Some(next) = self.next() else { return i64::MAX };
        let tick = if next.level == 0 { next.tick + 1 } else { next.tick };
        i64::try_from(tick).unwrap_or(i64::MAX).saturating_mul(TICK)
    }

    fn place(&self, tick: u64) -> (usize, usize) {
        let top = (LEVELS as u32 - 1) * BITS;
        // Further than the wheel reaches: the slot that comes up last, so that it hides nothing nearer.
        let tick = tick.min(((self.elapsed >> top) + SLOTS as u64 - 1) << top);
        let differing = (self.elapsed ^ tick) | (SLOTS as u64 - 1);
        let level = (differing.ilog2() / BITS).min(LEVELS as u32 - 1);
        let slot = (tick >> (level * BITS)) & (SLOTS as u64 - 1);
        (level as usize, slot as usize)
    }

    /// The slot that comes up next: on the lowest level that has any, the first at or after where we are.
    fn next(&self) -> Option<Next> {
        let (level, filled) =
            self.levels.iter().map(|level| level.filled).enumerate().find(|(_, filled)| *filled != 0)?;
        let shift = level as u32 * BITS;
        let here = ((self.elapsed >> shift) & (SLOTS as u64 - 1)) as u32;
        let ahead = filled.rotate_right(here).trailing_zeros();
        let slot = (here + ahead) as usize % SLOTS;
        let round = (self.elapsed >> shift >> BITS) << BITS;
        let mut tick = (round + slot as u64) << shift;
        // Behind us or where we are: that can only be the last level, one turn later.
        if level > 0 && tick <= self.elapsed {
            tick += (SLOTS as u64) << shift;
        }
        Some(Next { level, slot, tick })
    }

    /// Files the nodes of a slot again, now that it came up.
    ///
    /// # Safety
    ///
    /// The wheel's lock is held.
    unsafe fn cascade(&mut self, next: &Next) {
        let level = &mut self.levels[next.level];
        // The eldest first: a list is the youngest first, and the lists that they go to have to be so too.
        // SAFETY: nodes in the wheel are alive (I9), and the wheel's lock guards their links.
        let mut eldest = unsafe { super::slot::reverse(level.slots[next.slot].take()) };
        level.filled &= !(1 << next.slot);
        while let Some(node) = eldest {
            // SAFETY: as above; each is out of its list before it is put in again.
            unsafe {
                let node = Ref::new(node);
                eldest = links(node, std::mem::take).next;
                self.len -= 1;
                self.insert(node);
            }
        }
    }

    /// The node with the earliest deadline in a slot of the lowest level; of equal ones the eldest.
    ///
    /// # Safety
    ///
    /// The wheel's lock is held for `'a`.
    unsafe fn earliest_in<'a>(&mut self, slot: usize) -> Option<Ref<'a>> {
        if self.sorted != Some(slot) {
            let head = &mut self.levels[0].slots[slot];
            // SAFETY: nodes in the wheel are alive while its lock is held (I9), and the lock guards their links.
            *head = unsafe { super::slot::sort(head.take()) };
            self.sorted = Some(slot);
        }
        // SAFETY: as above.
        self.levels[0].slots[slot].map(|node| unsafe { Ref::new(node) })
    }
}

/// Changes the links of a node in the wheel.
///
/// # Safety
///
/// The wheel's lock is held.
pub(super) unsafe fn links<R>(node: Ref<'_>, f: impl FnOnce(&mut Links) -> R) -> R {
    // SAFETY: the lock makes the access exclusive.
    node.timed().timer.with_mut(|links| f(unsafe { &mut *links }))
}

/// As [`links`], for a node that is known by its pointer.
///
/// # Safety
///
/// As for [`links`], and the node is alive.
pub(super) unsafe fn links_at<R>(node: NonNull<Node>, f: impl FnOnce(&mut Links) -> R) -> R {
    // SAFETY: the caller's promise.
    unsafe { links(Ref::new(node), f) }
}
