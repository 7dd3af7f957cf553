//! The context that is obviously right: each answer is found anew by walking up the parents.

use crate::cause::End;
use crate::step::{Event, How, Tag};
use std::collections::BTreeSet;

/// Contexts, and who holds what of them.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub(crate) contexts: Vec<Made>,
    pub(crate) waiters: Vec<Waiter>,
    pub(crate) callbacks: Vec<Callback>,
    /// What each thread holds.
    pub(crate) tables: Vec<Table>,
    pub(crate) now: i64,
    /// Who is told at the end of a context, eldest first.
    pub(crate) registered: Vec<(usize, Tag)>,
    /// Who was told by the last step, in order.
    pub(crate) told: Vec<Tag>,
    /// Waiters who were told that their context is drained.
    pub(crate) drained: Vec<Tag>,
    /// How many ends there were, and how many causes were given.
    pub(crate) ends: usize,
    pub(crate) causes: usize,
}

/// A context.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    /// What it was derived from; several if it was merged.
    pub(crate) parents: Vec<usize>,
    pub(crate) how: How,
    /// Its own deadline, if that is earlier than those above.
    pub(crate) deadline: Option<i64>,
    /// When it was ended by itself, and how: the number of the end, counted through the case.
    pub(crate) own: Option<(usize, End)>,
    /// All ends that somebody wanted for it, also those that came too late.
    pub(crate) wanted: Vec<End>,
}

#[derive(Clone, Debug)]
pub(crate) struct Waiter {
    pub(crate) ctx: usize,
    pub(crate) event: Event,
    /// How many wakers it had; it registered with the last one.
    pub(crate) wakers: usize,
    pub(crate) is_registered: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Callback {
    pub(crate) ctx: usize,
    pub(crate) inline: bool,
    pub(crate) fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Waits,
    Ran,
    /// Stopped, or dropped with its context.
    Dropped,
}

/// What a thread holds, by number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    pub(crate) contexts: BTreeSet<usize>,
    pub(crate) cancelers: BTreeSet<usize>,
    pub(crate) handles: BTreeSet<usize>,
    pub(crate) waiters: BTreeSet<usize>,
    pub(crate) callbacks: BTreeSet<usize>,
}

/// What is so.
impl Reference {
    /// A root, which is never done, or a context below one that somebody else ends.
    pub(crate) fn new(is_root: bool, deadline: Option<i64>) -> Self {
        let how = How { without_cancel: is_root, canceler: (!is_root).then_some(false), ..How::default() };
        let root = Made { parents: Vec::new(), how, deadline, own: None, wanted: Vec::new() };
        let table = Table { contexts: BTreeSet::from([0]), ..Table::default() };
        Self {
            contexts: vec![root],
            waiters: Vec::new(),
            callbacks: Vec::new(),
            tables: vec![table],
            now: 0,
            registered: Vec::new(),
            told: Vec::new(),
            drained: Vec::new(),
            ends: 0,
            causes: 0,
        }
    }

    /// Those whose end is its end.
    pub(crate) fn above(&self, ctx: usize) -> &[usize] {
        let made = &self.contexts[ctx];
        if made.how.without_cancel { &[] } else { &made.parents }
    }

    /// The end that came first, of its own and those above.
    fn first_end(&self, ctx: usize) -> Option<(usize, End)> {
        let above = self.above(ctx).iter().filter_map(|above| self.first_end(*above));
        // Of two with one number, its own.
        self.contexts[ctx].own.into_iter().chain(above).min_by_key(|(number, _)| *number)
    }

    pub(crate) fn end(&self, ctx: usize) -> Option<End> {
        self.first_end(ctx).map(|(_, end)| end)
    }

    pub(crate) fn deadline(&self, ctx: usize) -> Option<i64> {
        let above = self.above(ctx).iter().filter_map(|above| self.deadline(*above));
        above.chain(self.contexts[ctx].deadline).min()
    }

    /// The number of the nearest context with a value for this key.
    pub(crate) fn value(&self, ctx: usize, key: usize) -> Option<usize> {
        let made = &self.contexts[ctx];
        if made.how.key == Some(key) {
            return Some(ctx);
        }
        made.parents.first().and_then(|parent| self.value(*parent, key))
    }

    /// The context that ends when this one does, and could be ended by itself.
    pub(crate) fn scope(&self, ctx: usize) -> usize {
        let made = &self.contexts[ctx];
        match made.parents.as_slice() {
            [parent] if made.how.is_view() => self.scope(*parent),
            _ => ctx,
        }
    }

    pub(crate) fn is_never_done(&self, ctx: usize) -> bool {
        self.contexts[self.scope(ctx)].how.without_cancel
    }

    /// Whether `ctx` ends when `top` does, at the latest.
    pub(crate) fn is_below(&self, ctx: usize, top: usize) -> bool {
        ctx == top || self.above(ctx).iter().any(|above| self.is_below(*above, top))
    }

    fn is_held(&self, ctx: usize) -> bool {
        let waits = |number: &usize| self.waiters[*number].ctx == ctx;
        let calls = |number: &usize| self.callbacks[*number].ctx == ctx;
        self.tables.iter().any(|table| {
            table.contexts.contains(&ctx)
                || table.cancelers.contains(&ctx)
                || table.handles.contains(&ctx) && self.end(ctx).is_none()
                || table.waiters.iter().any(waits)
                || table.callbacks.iter().any(calls)
        })
    }

    /// Which contexts exist: those that somebody holds, and what those were derived from.
    pub(crate) fn existing(&self) -> Vec<bool> {
        let mut exists: Vec<bool> = (0..self.contexts.len()).map(|ctx| self.is_held(ctx)).collect();
        for ctx in (0..exists.len()).rev().filter(|ctx| exists[*ctx]).collect::<Vec<_>>() {
            self.mark_parents(ctx, &mut exists);
        }
        exists
    }

    fn mark_parents(&self, ctx: usize, exists: &mut [bool]) {
        for &parent in &self.contexts[ctx].parents {
            if !exists[parent] {
                exists[parent] = true;
                self.mark_parents(parent, exists);
            }
        }
    }

    pub(crate) fn derived_count(&self, ctx: usize, exists: &[bool]) -> usize {
        (0..exists.len())
            .filter(|child| exists[*child] && self.contexts[*child].parents.contains(&ctx))
            .count()
    }

    /// The deadlines that are still to come.
    pub(crate) fn armed(&self, exists: &[bool]) -> Vec<i64> {
        let waits = |ctx: &usize| exists[*ctx] && self.end(*ctx).is_none();
        (0..exists.len()).filter(waits).filter_map(|ctx| self.contexts[ctx].deadline).collect()
    }

    /// How many values exist.
    pub(crate) fn values(&self, exists: &[bool]) -> usize {
        (0..exists.len()).filter(|ctx| exists[*ctx] && self.contexts[*ctx].how.key.is_some()).count()
    }
}
