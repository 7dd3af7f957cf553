//! A row before it is measured, and the run through all of them.

use crate::row::{Limit, Row, Title, Unit};
use crate::stats::Rounds;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A row, and how it is measured. What it needs is made when it runs.
pub struct Bench {
    /// What it is called.
    pub title: Title,
    run: Box<dyn FnOnce() -> Result<Rounds, String>>,
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench").field("title", &self.title).finish_non_exhaustive()
    }
}

impl Bench {
    /// A row in nanoseconds.
    pub fn nanos(work: &str, peer: &str, limit: Limit, run: impl FnOnce() -> Rounds + 'static) -> Self {
        Self { title: Title::nanos(work, peer, limit), run: Box::new(|| Ok(run())) }
    }

    /// A row in any unit, which may not be possible to measure.
    pub fn fallible(
        work: &str,
        peer: &str,
        unit: Unit,
        limit: Limit,
        run: impl FnOnce() -> Result<Rounds, String> + 'static,
    ) -> Self {
        Self { title: Title::new(work, peer, unit, limit), run: Box::new(run) }
    }
}

/// Measures those that match, one after the other; `before` is told of each with its number and how many there are, `after` of
/// each row that came of it. One whose check panics has failed, and the others go on.
pub fn run(
    benches: Vec<Bench>,
    only: Option<&str>,
    mut before: impl FnMut(usize, usize, &Title),
    mut after: impl FnMut(&Row),
) -> Vec<Row> {
    let picked: Vec<Bench> =
        benches.into_iter().filter(|bench| only.is_none_or(|pattern| bench.title.matches(pattern))).collect();
    let all = picked.len();
    picked
        .into_iter()
        .enumerate()
        .map(|(index, Bench { title, run })| {
            before(index + 1, all, &title);
            let failed = |_| Err("it panicked, and said why on the standard error".to_owned());
            let row = Row::new(title, catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(failed));
            after(&row);
            row
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Bench, run};
    use crate::row::{Limit, Unit};
    use crate::stats::Rounds;

    #[test]
    fn a_row_that_panics_has_failed_and_the_next_is_measured() {
        let benches = vec![
            Bench::nanos("write", "a", Limit::None, || panic!("on purpose")),
            Bench::nanos("read", "a", Limit::None, || Rounds::once(1.0, 2.0)),
        ];
        let rows = run(benches, None, |_, _, _| {}, |_| {});
        assert!(rows[0].breaks() && !rows[1].breaks());
    }

    #[test]
    fn only_what_matches_is_measured() {
        let benches = vec![
            Bench::nanos("read", "a", Limit::None, || Rounds::once(1.0, 2.0)),
            Bench::nanos("write", "a", Limit::None, || panic!("not asked for")),
            Bench::fallible("read on", "a", Unit::Bytes, Limit::None, || Err("no".to_owned())),
        ];
        let mut told = Vec::new();
        let rows = run(
            benches,
            Some("READ"),
            |index, all, title| told.push((index, all, title.work.clone())),
            |_| {},
        );
        assert_eq!(told, [(1, 2, "read".to_owned()), (2, 2, "read on".to_owned())]);
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[1].seen, Err("no".to_owned()));
    }
}
