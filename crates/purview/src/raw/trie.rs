//! A persistent map from key numbers to values: what is visible when it is more than a table should scan.
//!
//! A radix tree over the number, five bits a level from the lowest, as in Bagwell's "Ideal Hash Trees" (2001) without
//! the hash: key numbers are dense. Adding copies one path and shares the rest.

use super::values::Entry;
use std::sync::Arc;

const BITS: u32 = 5;

/// A node of the map: a bit for each of the 32 slots that is filled, and those slots.
#[derive(Clone, Debug, Default)]
pub(super) struct Trie {
    filled: u32,
    slots: Vec<Slot>,
}

#[derive(Clone, Debug)]
enum Slot {
    Value(Entry),
    Deeper(Arc<Trie>),
}

impl Trie {
    pub(super) fn of(entry: Entry) -> Self {
        Self::default().with_at(entry, 0)
    }

    /// A copy with `entry` in it, in the place of one with the same number.
    pub(super) fn with(&self, entry: Entry) -> Self {
        self.with_at(entry, 0)
    }

    pub(super) fn get(&self, id: u32) -> Option<&Entry> {
        let (mut trie, mut rest) = (self, id);
        loop {
            match trie.slots.get(trie.find(rest)?)? {
                Slot::Value(entry) => return (entry.id() == id).then_some(entry),
                Slot::Deeper(deeper) => (trie, rest) = (deeper, rest >> BITS),
            }
        }
    }

    /// Where the slot for `rest` is, if it is filled.
    fn find(&self, rest: u32) -> Option<usize> {
        let bit = 1 << (rest & 31);
        (self.filled & bit != 0).then(|| self.index(bit))
    }

    fn index(&self, bit: u32) -> usize {
        (self.filled & (bit - 1)).count_ones() as usize
    }

    fn with_at(&self, entry: Entry, level: u32) -> Self {
        let mut copy = self.clone();
        let rest = entry.id() >> (level * BITS);
        let bit = 1 << (rest & 31);
        let index = self.index(bit);
        if self.filled & bit == 0 {
            copy.filled |= bit;
            copy.slots.insert(index, Slot::Value(entry));
            return copy;
        }
        copy.slots[index] = match &self.slots[index] {
            Slot::Value(old) if old.id() == entry.id() => Slot::Value(entry),
            Slot::Value(old) => {
                let deeper = Self::default().with_at(*old, level + 1).with_at(entry, level + 1);
                Slot::Deeper(Arc::new(deeper))
            }
            Slot::Deeper(deeper) => Slot::Deeper(Arc::new(deeper.with_at(entry, level + 1))),
        };
        copy
    }
}
