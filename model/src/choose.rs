//! Which step four bytes mean.

use crate::reference::Reference;
use crate::step::{Event, How, Step};
use std::collections::BTreeSet;

/// A thread never holds more contexts than this, so that cases stay quick.
const MOST_CONTEXTS: usize = 24;
const KEYS: usize = 4;
const MILLI: i64 = 1_000_000;

impl Reference {
    /// The step that four bytes mean to the thread of this table, if it holds what they speak of. Zeros are the simplest.
    pub(crate) fn resolve(&mut self, table: usize, [kind, first, second, third]: [u8; 4]) -> Option<Step> {
        let held = &self.tables[table];
        let pick = |from: &BTreeSet<usize>, byte: u8| {
            from.iter().nth(usize::from(byte).checked_rem(from.len())?).copied()
        };
        let cause = |reference: &mut Self| {
            (third % 2 == 0).then(|| {
                reference.causes += 1;
                reference.causes
            })
        };
        Some(match kind % 36 {
            kind @ (0..=11 | 35) => {
                let parent = pick(&held.contexts, first).filter(|_| held.contexts.len() < MOST_CONTEXTS)?;
                let how = self.how(kind, parent, second, third);
                Step::Derive { parent, ctx: self.contexts.len(), how }
            }
            12 => {
                let sources = [first, second, third]
                    .into_iter()
                    .filter_map(|byte| pick(&held.contexts, byte))
                    .collect::<Vec<_>>();
                if sources.is_empty() || held.contexts.len() >= MOST_CONTEXTS {
                    return None;
                }
                Step::Merge { sources, ctx: self.contexts.len() }
            }
            13 | 14 => Step::Cancel { ctx: pick(&held.handles, first)?, cause: cause(self) },
            15 => Step::CancelOwn { ctx: pick(&held.cancelers, first)?, cause: cause(self) },
            16 => Step::DropCanceler { ctx: pick(&held.cancelers, first)? },
            17 => Step::Detach { ctx: pick(&held.cancelers, first)? },
            18 => Step::DropHandle { ctx: pick(&held.handles, first)? },
            19..=21 => Step::DropContext { ctx: pick(&held.contexts, first).filter(|ctx| *ctx > 0)? },
            22 | 23 => Step::Advance { by: i64::from(first) * MILLI / 4 },
            kind @ (24 | 25 | 29 | 34) => Step::Wait {
                ctx: pick(&held.contexts, first)?,
                waiter: self.waiters.len(),
                event: if kind == 29 { Event::Drained } else { Event::Done },
                poll: kind < 34,
            },
            26 | 27 => Step::Poll { waiter: pick(&held.waiters, first)?, fresh: second % 2 == 1 },
            28 => Step::DropWaiter { waiter: pick(&held.waiters, first)? },
            30 | 33 => Step::Callback {
                ctx: pick(&held.contexts, first)?,
                callback: self.callbacks.len(),
                inline: kind % 36 == 30,
            },
            31 => Step::Stop { callback: pick(&held.callbacks, first)? },
            _ => Step::DropCallback { callback: pick(&held.callbacks, first)? },
        })
    }

    fn how(&mut self, kind: u8, parent: usize, second: u8, third: u8) -> How {
        let ctx = self.contexts.len();
        let with_handle = Some(third % 4 < 2);
        let key = Some(usize::from(third) % KEYS);
        // No two deadlines are the same, so that their order is known: each has some nanoseconds of its own.
        let own = i64::try_from(ctx).unwrap_or(0);
        let after = if second == 0 { 0 } else { i64::from(second) * MILLI / 2 + own };
        let absolute = match second {
            // That of the parent, which rules.
            1 => self.deadline(parent),
            // Past, mostly.
            2..16 => Some(i64::from(second) * MILLI - 8 * MILLI + own),
            _ => Some(self.now + after),
        };
        let mut cause = |given: bool| {
            given.then(|| {
                self.causes += 1;
                self.causes
            })
        };
        match kind {
            5 => How {
                canceler: with_handle,
                deadline: absolute,
                cause: cause(third % 8 < 4),
                ..How::default()
            },
            6 | 7 => How {
                canceler: with_handle,
                deadline: Some(self.now + after),
                as_timeout: true,
                cause: cause(third % 8 < 4),
                ..How::default()
            },
            8 | 9 => How { key, ..How::default() },
            10 => How::default(),
            11 => How { without_cancel: true, key: key.filter(|_| second % 2 == 1), ..How::default() },
            35 => How {
                deadline: Some(self.now + after),
                as_timeout: true,
                cause: cause(third % 8 < 4),
                key,
                ..How::default()
            },
            _ => How { canceler: with_handle, ..How::default() },
        }
    }
}
