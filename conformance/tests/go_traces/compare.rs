//! Compares every context and every callback with what Go answered, after every step.

use std::fmt;

use crate::model::{Report, Step, Trace};
use crate::player::Player;

/// Where ours and Go's part.
#[derive(Debug)]
pub(crate) struct Mismatch {
    pub(crate) seed: u64,
    pub(crate) step: usize,
    what: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}, step {}: {}", self.seed, self.step, self.what)
    }
}

/// What Go answered last, for all that a trace has made so far.
#[derive(Default)]
struct Book {
    reports: Vec<Report>,
    runs: Vec<u32>,
}

impl Book {
    /// Takes over what changed with this step; callbacks that are new have not run.
    fn turn(&mut self, step: &Step, callbacks: usize) -> Result<(), String> {
        for (&ctx, report) in &step.seen {
            let known = self.reports.len();
            match self.reports.get_mut(ctx) {
                Some(old) => old.clone_from(report),
                None if ctx == known => self.reports.push(report.clone()),
                None => return Err(format!("the trace reports context {ctx} before it is made")),
            }
        }
        self.runs.resize(callbacks, 0);
        for &func in &step.ran {
            *self
                .runs
                .get_mut(func)
                .ok_or_else(|| format!("the trace runs callback {func} before it is made"))? += 1;
        }
        Ok(())
    }

    fn compare(&self, player: &Player) -> Result<(), String> {
        if player.contexts() != self.reports.len() {
            return Err(format!("{} contexts, Go has {}", player.contexts(), self.reports.len()));
        }
        for (ctx, expected) in self.reports.iter().enumerate() {
            let report = player.report(ctx);
            if report != *expected {
                return Err(format!("context {ctx}\n  ours: {report:?}\n  Go's: {expected:?}"));
            }
        }
        let runs = player.runs();
        if runs != self.runs {
            return Err(format!("runs of the callbacks\n  ours: {runs:?}\n  Go's: {:?}", self.runs));
        }
        Ok(())
    }
}

/// Plays a trace to its end and gives how many steps were compared.
pub(crate) fn play(trace: &Trace) -> Result<usize, Mismatch> {
    let mut player = Player::start();
    let mut book = Book::default();
    for (step, content) in trace.steps.iter().enumerate() {
        let what = |what| Mismatch { seed: trace.seed, step, what: format!("{:?}: {what}", content.op) };
        player.play(&content.op).map_err(what)?;
        book.turn(content, player.runs().len()).map_err(what)?;
        book.compare(&player).map_err(what)?;
    }
    // A callback that ran when it should not have may have done so after its step.
    let last = trace.steps.len().saturating_sub(1);
    book.compare(&player).map_err(|what| Mismatch {
        seed: trace.seed,
        step: last,
        what: format!("at the end: {what}"),
    })?;
    Ok(trace.steps.len())
}
