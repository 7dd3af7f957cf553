//! After a race: what is seen has to be one of what can be, and from then on it is what was.

use crate::cause::{Cause, End};
use crate::compare::Both;
use crate::player::Shared;
use crate::race::Done;
use crate::reference::Fate;
use crate::step::{Event, Step, Tag};
use std::collections::BTreeMap;

impl Both {
    /// Checks what came of a race, and has the reference go on from there.
    pub(crate) fn reconcile(&mut self, done: &[Done]) {
        for (table, player) in self.reference.tables.iter_mut().zip(&self.players) {
            table.waiters = player.waiters.keys().copied().collect();
        }
        for waiter in &mut self.reference.waiters {
            waiter.is_registered = false;
        }
        let ends = self.ends();
        check_answers(done, &ends);
        for (&ctx, &end) in &ends {
            self.reference.settle(ctx, end);
        }
        self.take_over_callbacks(done);
        let told_before = self.shared.loosely.entries().len();
        self.take_over_waiters();
        self.reference.register_anew();
        // Waits that are over were dropped just now, and with them maybe the last of a context.
        let told = self.shared.loosely.entries().split_off(told_before);
        for waiter in self.reference.sweep_anew() {
            assert!(told.contains(waiter), "{waiter:?} was not told that it is drained");
        }
        self.compared = (self.shared.told.entries().len(), self.shared.loosely.entries().len());
        self.compare_contexts(&"after the race");
    }

    /// The ends that are seen; of each it is known whether there has to be one, and which it can be.
    fn ends(&self) -> BTreeMap<usize, End> {
        let mut ends = BTreeMap::new();
        for player in &self.players {
            for (&number, ctx) in &player.contexts {
                let end = ctx.error().as_ref().map(End::of);
                assert_eq!(
                    end.is_some(),
                    self.reference.end(number).is_some(),
                    "whether {number} is done after the race"
                );
                if let Some(end) = end {
                    let before = *ends.entry(number).or_insert(end);
                    assert_eq!(end, before, "two ends of {number}");
                }
            }
        }
        for (&number, end) in &ends {
            let possible = self.possible(number, &ends);
            assert!(possible.contains(end), "{number} ended by {end:?}, which is none of {possible:?}");
        }
        ends
    }

    /// What was wanted for this very context, and how those above ended.
    fn possible(&self, ctx: usize, ends: &BTreeMap<usize, End>) -> Vec<End> {
        let mut possible = self.reference.contexts[ctx].wanted.clone();
        for above in self.reference.above(ctx) {
            match ends.get(above) {
                Some(end) => possible.push(*end),
                None => possible.extend(self.possible(*above, ends)),
            }
        }
        possible
    }

    fn count(&self, is_meant: impl Fn(&Tag) -> bool) -> usize {
        let count = |entries: Vec<Tag>| entries.iter().filter(|tag| is_meant(tag)).count();
        count(self.shared.told.entries()) + count(self.shared.loosely.entries())
    }

    /// Each callback ran once, or a stop says that it prevented it, or it waits.
    fn take_over_callbacks(&mut self, done: &[Done]) {
        let exists = self.reference.existing();
        for player in &self.players {
            for &callback in player.pending.keys() {
                let ctx = self.reference.callbacks[callback].ctx;
                let scope = self.reference.scope(ctx);
                let is_stop = |(step, answer): &&(Step, Option<bool>)| {
                    matches!(step, Step::Stop { callback: stopped } if *stopped == callback)
                        && *answer == Some(true)
                };
                let stops = done.iter().flatten().filter(is_stop).count();
                let was_stopped = stops > 0
                    || self.reference.callbacks[callback].fate == Fate::Dropped
                        && !player.is_pending(callback);
                let is_done = self.reference.end(ctx).is_some();
                if is_done || !exists[scope] {
                    player.settle(callback);
                }
                let runs = self.count(|tag| *tag == Tag::Callback(callback));
                assert!(
                    runs + stops <= 1,
                    "callback {callback} ran {runs} times and was stopped {stops} times"
                );
                let must_run = is_done && exists[scope] && !was_stopped;
                assert!(runs == 1 || !must_run, "callback {callback} was lost");
                assert!(runs == 0 || is_done || !exists[scope], "callback {callback} ran early");
                self.reference.callbacks[callback].fate = match (player.is_pending(callback), runs) {
                    (true, _) => Fate::Waits,
                    (false, 0) => Fate::Dropped,
                    (false, _) => Fate::Ran,
                };
            }
        }
    }

    /// Whoever waited for what has happened was told, and once.
    fn take_over_waiters(&mut self) {
        for (table, player) in self.players.iter_mut().enumerate() {
            for number in player.waiters.keys().copied().collect::<Vec<_>>() {
                // Anew each time: a wait that is over is dropped here, and with it maybe what another one waits to be rid of.
                let exists = self.reference.existing();
                let wakes = wakes_of(&self.shared, number);
                let (ctx, event) = (self.reference.waiters[number].ctx, self.reference.waiters[number].event);
                let has_registered = player.waiters[&number].wakers > 0;
                let has_happened = match event {
                    Event::Done => self.reference.end(ctx).is_some(),
                    Event::Drained => self.reference.derived_count(ctx, &exists) == 0,
                };
                assert!(wakes > 0 || !(has_happened && has_registered), "the wake-up of {number} was lost");
                assert!(
                    event == Event::Drained || wakes <= usize::from(has_happened),
                    "{number} was woken {wakes} times"
                );
                assert_eq!(
                    player.poll(number, false),
                    has_happened,
                    "whether {number} is ready after the race"
                );
                if has_happened {
                    self.reference.drop_waiter(table, number);
                } else {
                    self.reference.waiters[number].wakers = player.waiters[&number].wakers;
                    self.reference.waiters[number].is_registered = true;
                }
            }
        }
    }
}

/// Of the cancels of one context at most one says that it did it, and then its cause is the one.
fn check_answers(done: &[Done], ends: &BTreeMap<usize, End>) {
    let mut winners = BTreeMap::new();
    for (step, answer) in done.iter().flatten() {
        let Step::Cancel { ctx, cause } = *step else { continue };
        let did_it = *answer == Some(true);
        if did_it {
            assert_eq!(winners.insert(ctx, cause), None, "two cancels ended {ctx}");
        }
        if let Some(end) = ends.get(&ctx) {
            assert!(!did_it || *end == End::canceled(cause), "{step:?} did it, and the end is {end:?}");
            assert!(
                did_it || cause.is_none_or(|number| end.cause != Cause::Given(number)),
                "{step:?} did it, and denies it"
            );
        }
    }
}

/// How often a wait was told, by whichever of its wakers.
fn wakes_of(shared: &Shared, waiter: usize) -> usize {
    let is_its = |tag: &Tag| matches!(tag, Tag::Waiter(number, _) if *number == waiter);
    shared.told.entries().iter().chain(&shared.loosely.entries()).filter(|tag| is_its(tag)).count()
}
