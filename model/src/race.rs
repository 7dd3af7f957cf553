//! Threads with the same contexts: what holds in whatever order they came.

use crate::cause::End;
use crate::compare::Both;
use crate::player::Player;
use crate::reference::{Reference, Table};
use crate::step::Step;
use purview::{Context, Reason};
use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What a thread did, with the answers that it got.
pub(crate) type Done = Vec<(Step, Option<bool>)>;

/// Does `before` in one thread, then each slice of `threads` in one of its own with handles to the same contexts, then `after` by
/// turns, and compares: before and after all of it, and of the race what holds in each order. Gives the number of steps.
///
/// # Panics
///
/// If purview differs from the reference.
pub fn racing(before: &[[u8; 4]], threads: &[Vec<[u8; 4]>], after: &[[u8; 4]]) -> usize {
    let mut both = Both::alone();
    let mut steps = before.iter().filter(|bytes| both.resolve_and_step(0, **bytes)).count();
    both.split(threads.len());
    // What a thread holds does not depend on the others, so that all steps are known beforehand.
    let plans: Vec<Vec<Step>> =
        threads.iter().enumerate().map(|(table, bytes)| both.plan(table, bytes)).collect();
    steps += plans.iter().map(Vec::len).sum::<usize>();
    let done = both.race(plans);
    both.is_ordered = false;
    both.reconcile(&done);
    steps += after
        .iter()
        .enumerate()
        .filter(|(at, bytes)| both.resolve_and_step(at % threads.len(), **bytes))
        .count();
    both.finish();
    steps
}

impl Both {
    /// Gives each thread handles of all contexts, and a part of everything else.
    fn split(&mut self, count: usize) {
        let whole = self.reference.tables.remove(0);
        let mut rest = self.players.remove(0);
        for at in 0..count {
            let mine = |number: &usize| number % count == at;
            self.reference.tables.push(Table {
                contexts: whole.contexts.clone(),
                handles: whole.handles.clone(),
                cancelers: whole.cancelers.iter().copied().filter(mine).collect(),
                waiters: whole.waiters.iter().copied().filter(mine).collect(),
                callbacks: whole.callbacks.iter().copied().filter(mine).collect(),
            });
            self.players.push(Player {
                shared: self.shared.clone(),
                contexts: rest.contexts.clone(),
                handles: rest.handles.clone(),
                cancelers: take(&mut rest.cancelers, mine),
                waiters: take(&mut rest.waiters, mine),
                callbacks: take(&mut rest.callbacks, mine),
                pending: take(&mut rest.pending, mine),
            });
        }
    }

    /// The steps of a thread, which the reference does now.
    fn plan(&mut self, table: usize, bytes: &[[u8; 4]]) -> Vec<Step> {
        let mut steps = Vec::new();
        for bytes in bytes {
            if let Some(mut step) = self.reference.resolve(table, *bytes) {
                if let Step::Derive { how, .. } = &mut step {
                    // A time from now depends on who moves the clock meanwhile.
                    how.as_timeout = false;
                }
                self.reference.apply(table, &step);
                steps.push(step);
            }
        }
        steps
    }

    fn race(&mut self, plans: Vec<Vec<Step>>) -> Vec<Done> {
        let (reference, start) = (&self.reference, &Start { missing: AtomicUsize::new(plans.len()) });
        thread::scope(|scope| {
            let run = |(player, plan)| {
                scope.spawn(move || {
                    start.wait();
                    run(player, plan, reference)
                })
            };
            let threads: Vec<_> = self.players.iter_mut().zip(plans).map(run).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
                .collect()
        })
    }
}

/// Has all begin at once: a sleeping thread would wake up when the others are over.
struct Start {
    missing: AtomicUsize,
}

impl Start {
    fn wait(&self) {
        self.missing.fetch_sub(1, Ordering::AcqRel);
        let mut tries = 0_u32;
        while self.missing.load(Ordering::Acquire) > 0 {
            tries += 1;
            if tries % 256 == 0 {
                thread::yield_now();
            }
            std::hint::spin_loop();
        }
    }
}

fn take<T>(from: &mut BTreeMap<usize, T>, mine: impl Fn(&usize) -> bool) -> BTreeMap<usize, T> {
    let numbers: Vec<usize> = from.keys().copied().filter(|number| mine(number)).collect();
    numbers.into_iter().filter_map(|number| from.remove_entry(&number)).collect()
}

/// What a thread does and sees in a race.
fn run(player: &mut Player, plan: Vec<Step>, reference: &Reference) -> Done {
    let mut seen = BTreeMap::new();
    let run = |step: Step| {
        let answer = player.apply(&step);
        if let Step::Cancel { ctx, .. } | Step::CancelOwn { ctx, .. } | Step::DropCanceler { ctx } = step {
            for (number, below) in &player.contexts {
                assert!(
                    below.is_done() || !reference.is_below(*number, ctx),
                    "{number} after {step:?} has returned"
                );
            }
        }
        for (number, ctx) in &player.contexts {
            see(player, reference, *number, ctx, &mut seen);
        }
        (step, answer)
    };
    plan.into_iter().map(run).collect()
}

/// Done is for ever, always the same, and never early.
fn see(
    player: &Player,
    reference: &Reference,
    number: usize,
    ctx: &Context,
    seen: &mut BTreeMap<usize, End>,
) {
    let end = ctx.error().as_ref().map(End::of);
    if let Some(before) = seen.get(&number) {
        assert_eq!(end, Some(*before), "the end of {number} changed");
    }
    if let Some(end) = end {
        seen.insert(number, end);
        if end.reason == Reason::DeadlineExceeded {
            let now = player.shared.nanos(player.shared.clock.now());
            assert!(reference.deadline(number).is_some_and(|at| at <= now), "{number} is late too early");
        }
    }
}
