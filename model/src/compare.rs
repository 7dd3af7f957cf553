//! Both side by side, compared after each step.

use crate::cause::End;
use crate::player::{Player, Shared};
use crate::reference::{Fate, Reference};
use crate::step::{Event, Step, Tag};
use purview::Context;
use purview_test::poll_once;
use std::time::Duration;

/// Does what the bytes say in one thread, four bytes a step, and compares everything after each. Gives the number of steps.
///
/// # Panics
///
/// If purview differs from the reference.
pub fn alone(bytes: &[[u8; 4]]) -> usize {
    let mut both = Both::alone();
    let steps = bytes.iter().filter(|bytes| both.resolve_and_step(0, **bytes)).count();
    both.finish();
    steps
}

/// The steps that the bytes stand for in [`alone`], for people.
pub fn meaning(bytes: &[[u8; 4]]) -> Vec<String> {
    let mut reference = Reference::new(true, None);
    let mut means = |bytes: &[u8; 4]| {
        let step = reference.resolve(0, *bytes)?;
        reference.apply(0, &step);
        Some(format!("{step:?}"))
    };
    bytes.iter().filter_map(&mut means).collect()
}

/// The reference, and a player for each thread.
pub(crate) struct Both {
    pub(crate) reference: Reference,
    pub(crate) players: Vec<Player>,
    pub(crate) shared: Shared,
    /// How much of the logs was compared.
    pub(crate) compared: (usize, usize),
    /// Whether nobody else uses the clock.
    owns_clock: bool,
    /// Whether the order in which whole subtrees are told is known, which it is while no branches have grown.
    pub(crate) is_ordered: bool,
}

impl Both {
    pub(crate) fn alone() -> Self {
        let shared = Shared::new();
        let root = Context::root(&shared.clock);
        Self::new(Reference::new(true, None), shared, root, true)
    }

    /// Below a context that somebody else ends, at its deadline or before.
    pub(crate) fn below(shared: Shared, parent: Context) -> Self {
        let deadline = parent.deadline().map(|at| shared.nanos(at));
        Self::new(Reference::new(false, deadline), shared, parent, false)
    }

    fn new(reference: Reference, shared: Shared, root: Context, owns_clock: bool) -> Self {
        let players = vec![Player::new(shared.clone(), root)];
        Self { reference, players, shared, compared: (0, 0), owns_clock, is_ordered: true }
    }

    pub(crate) fn resolve_and_step(&mut self, table: usize, bytes: [u8; 4]) -> bool {
        let step = self.reference.resolve(table, bytes).filter(|step| self.may(step));
        if let Some(step) = &step {
            self.step(table, step);
        }
        step.is_some()
    }

    /// Whether nobody else has a part in what this step does.
    fn may(&self, step: &Step) -> bool {
        let is_shared =
            matches!(step, Step::Advance { .. } | Step::Wait { ctx: 0, event: Event::Drained, .. });
        self.owns_clock || !is_shared
    }

    fn step(&mut self, table: usize, step: &Step) {
        let expected = self.reference.apply(table, step);
        let answer = self.players[table].apply(step);
        assert_eq!(answer, expected, "the answer of {step:?}");
        self.compare(&format_args!("after {step:?}"));
    }

    /// Compares all that can be seen.
    pub(crate) fn compare(&mut self, when: &dyn std::fmt::Display) {
        self.settle();
        self.compare_told(when);
        self.compare_contexts(when);
    }

    /// Waits for the callbacks that are due; they run in threads of their own.
    fn settle(&self) {
        for player in &self.players {
            for &callback in player.pending.keys() {
                if self.reference.callbacks[callback].fate == Fate::Waits {
                    assert!(player.is_pending(callback), "callback {callback} ran or went too early");
                } else {
                    player.settle(callback);
                }
            }
        }
    }

    fn compare_told(&mut self, when: &dyn std::fmt::Display) {
        let is_in_pool =
            |tag: &Tag| matches!(tag, Tag::Callback(callback) if !self.reference.callbacks[*callback].inline);
        let (pool, mut expected): (Vec<Tag>, Vec<Tag>) =
            self.reference.told.iter().copied().partition(is_in_pool);
        let mut expected_loosely = [pool, self.reference.drained.clone()].concat();
        let (mut told, mut loosely) = (self.shared.told.entries(), self.shared.loosely.entries());
        let (mut told, mut loosely) = (told.split_off(self.compared.0), loosely.split_off(self.compared.1));
        self.compared = (self.compared.0 + told.len(), self.compared.1 + loosely.len());
        if !self.is_ordered {
            told.sort_unstable();
            expected.sort_unstable();
        }
        loosely.sort_unstable();
        expected_loosely.sort_unstable();
        assert_eq!(told, expected, "who was told {when}");
        assert_eq!(
            loosely, expected_loosely,
            "who was told that it is drained, or called in the pool, {when}"
        );
    }

    pub(crate) fn compare_contexts(&self, when: &dyn std::fmt::Display) {
        let reference = &self.reference;
        let exists = reference.existing();
        for player in &self.players {
            for (&number, ctx) in &player.contexts {
                self.compare_reads(number, ctx, when);
                if number > 0 || self.owns_clock {
                    let derived = reference.derived_count(number, &exists);
                    assert_eq!(ctx.derived_count(), derived, "what is derived from {number} {when}");
                }
            }
        }
        assert_eq!(self.shared.values.live(), reference.values(&exists), "values that exist {when}");
        if self.owns_clock {
            let armed = reference.armed(&exists);
            assert_eq!(self.shared.clock.armed(), armed.len(), "armed deadlines {when}");
            let next = self.shared.clock.next_deadline().map(|at| self.shared.nanos(at));
            assert_eq!(next, armed.into_iter().min(), "the next deadline {when}");
        }
    }

    fn compare_reads(&self, number: usize, ctx: &Context, when: &dyn std::fmt::Display) {
        let end = self.reference.end(number);
        assert_eq!(ctx.error().as_ref().map(End::of), end, "the end of {number} {when}");
        let reason = end.map(|end| end.reason);
        let reads = [
            ctx.err(),
            ctx.check().err().map(|error| error.reason()),
            ctx.check_exact().err().map(|error| error.reason()),
        ];
        assert_eq!(reads, [reason; 3], "reads of {number} {when}");
        assert_eq!(ctx.is_done(), end.is_some(), "whether {number} is done {when}");
        assert_eq!(ctx.cause().is_some(), end.is_some(), "the cause of {number} {when}");
        assert_eq!(poll_once(ctx.done()).is_ready(), end.is_some(), "a wait for {number} {when}");
        assert_eq!(
            poll_once(ctx.run(std::future::ready(()))).map(|ran| ran.is_ok()),
            std::task::Poll::Ready(end.is_none())
        );

        let deadline = self.reference.deadline(number);
        assert_eq!(
            ctx.deadline().map(|at| self.shared.nanos(at)),
            deadline,
            "the deadline of {number} {when}"
        );
        let left =
            deadline.map(|at| Duration::from_nanos(u64::try_from(at - self.reference.now).unwrap_or(0)));
        assert_eq!(ctx.remaining(), left, "what is left to {number} {when}");

        for (key, value) in Player::values(ctx).enumerate() {
            assert_eq!(value, self.reference.value(number, key), "value {key} of {number} {when}");
        }
    }

    /// Drops everything and expects that nothing is left.
    ///
    /// # Panics
    ///
    /// If something is.
    pub(crate) fn finish(self) {
        let Self { players, shared, owns_clock, .. } = self;
        let root = players[0].contexts[&0].clone();
        drop(players);
        if owns_clock {
            assert_eq!(root.derived_count(), 0, "contexts at the end");
            assert_eq!(shared.clock.armed(), 0, "armed deadlines at the end");
        }
        drop(root);
        shared.values.wait_until_gone();
        shared.causes.wait_until_gone();
    }
}
