//! What a run came to: how callers fared, and how much was done for those who had gone.

use std::fmt::Write as _;

use crate::account::Amount;
use crate::args::Role;
use crate::children::Works;
use crate::load::{Outcome, Visit};

/// A run, with all that was written down.
#[derive(Debug)]
pub(crate) struct Outcomes {
    pub(crate) propagation: bool,
    pub(crate) visits: Vec<Visit>,
    pub(crate) works: Works,
}

impl Outcomes {
    /// What it is called in a table.
    pub(crate) fn name(&self) -> &'static str {
        if self.propagation { "with the context" } else { "without" }
    }
}

/// The figures of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) requests: usize,
    pub(crate) answered: usize,
    pub(crate) timed_out: usize,
    pub(crate) hung_up: usize,
    pub(crate) failed: usize,
    /// Work after the caller had gone, in each process, from the gateway to the store.
    pub(crate) after: [Amount; 3],
    /// How long the store worked on after a caller had gone, in microseconds, for each whose query ran at that moment;
    /// sorted.
    pub(crate) late: Vec<u64>,
}

impl Summary {
    pub(crate) fn of(run: &Outcomes) -> Self {
        let mut summary = Self { requests: run.visits.len(), ..Self::default() };
        for visit in &run.visits {
            *match visit.outcome {
                Outcome::Answered => &mut summary.answered,
                Outcome::TimedOut => &mut summary.timed_out,
                Outcome::HungUp => &mut summary.hung_up,
                Outcome::Failed(_) => &mut summary.failed,
            } += 1;
        }
        // Caller numbers count from one, in order; a process of an earlier life cannot have written others.
        for (role, works) in &run.works {
            for work in works {
                let visit = usize::try_from(work.id).ok().and_then(|id| run.visits.get(id.checked_sub(1)?));
                let Some(gone) = visit.and_then(Visit::gone) else { continue };
                summary.after[*role as usize] += work.after(gone);
                if *role == Role::Store && (work.began..=work.ended).contains(&gone) {
                    summary.late.push(work.ended - gone);
                }
            }
        }
        summary.late.sort_unstable();
        summary
    }

    /// What is not as it should be, if anything.
    pub(crate) fn complaint(&self, visits: &[Visit]) -> Option<String> {
        let failed = visits.iter().find_map(|visit| match &visit.outcome {
            Outcome::Failed(what) => {
                Some(format!("{} of {} requests failed, the first with: {what}", self.failed, self.requests))
            }
            _ => None,
        });
        let uneven = self.answered + self.timed_out + self.hung_up + self.failed != self.requests;
        failed.or_else(|| uneven.then(|| "the callers do not add up".to_owned()))
    }

    /// How long the store worked on after the caller had gone: at that share (of 100) of those requests.
    pub(crate) fn late_at(&self, percent: usize) -> Option<u64> {
        let last = self.late.len().checked_sub(1)?;
        Some(self.late[last * percent / 100])
    }
}

/// Runs beside each other, as lines of text.
pub(crate) fn table(columns: &[(&str, &Summary)]) -> String {
    const FIRST: usize = 28;
    const OTHER: usize = 26;
    let mut text = String::new();
    let mut line = |first: &str, cell: &dyn Fn(&Summary) -> String| {
        let mut whole = format!("{first:FIRST$}");
        for (_, summary) in columns {
            let _ = write!(whole, "{:>OTHER$}", cell(summary));
        }
        let _ = writeln!(text, "{}", whole.trim_end());
    };
    line("requests", &|run| grouped(run.requests));
    line("  answered in time", &|run| grouped(run.answered));
    line("  timed out", &|run| grouped(run.timed_out));
    line("  hung up", &|run| grouped(run.hung_up));
    line("  failed", &|run| grouped(run.failed));
    line("work after the caller had gone", &|_| String::new());
    for role in Role::ALL {
        line(&format!("  {}", role.name()), &|run| amount(run.after[role as usize]));
    }
    line("caller gone to SQLite stopped", &|_| String::new());
    line("  median", &|run| late(run.late_at(50)));
    line("  slowest", &|run| late(run.late_at(100)));

    let mut head = format!("{:FIRST$}", "");
    for (name, _) in columns {
        let _ = write!(head, "{name:>OTHER$}");
    }
    format!("{head}\n{}\n{text}", "-".repeat(FIRST + OTHER * columns.len()))
}

fn late(micros: Option<u64>) -> String {
    micros.map_or_else(|| "none ran".to_owned(), |micros| format!("{} ms", millis(micros)))
}

pub(crate) fn amount(amount: Amount) -> String {
    format!("{} ms {:>9} rows", grouped(amount.micros / 1000), grouped(amount.rows))
}

/// Milliseconds, with a digit after the point.
pub(crate) fn millis(micros: u64) -> String {
    format!("{}.{}", grouped(micros / 1000), micros % 1000 / 100)
}

/// A number with a comma after each three digits.
pub(crate) fn grouped(number: impl TryInto<u64>) -> String {
    let digits = number.try_into().unwrap_or(u64::MAX).to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Work;
    use crate::plan::callers;

    fn visit(index: usize, left: u64, outcome: Outcome) -> Visit {
        Visit { caller: callers(index + 1)[index], came: 0, left, outcome }
    }

    fn work(id: u64, began: u64, ended: u64, rows: u64) -> Work {
        Work { id, began, ended, rows, marks: Vec::new(), end: "answered".into() }
    }

    fn run() -> Outcomes {
        let visits = vec![
            visit(0, 100_000, Outcome::Answered),
            visit(1, 100_000, Outcome::TimedOut),
            visit(2, 50_000, Outcome::HungUp),
        ];
        let works = vec![
            (Role::Gateway, vec![work(1, 0, 300_000, 5), work(2, 0, 101_000, 0)]),
            (Role::Catalog, vec![work(2, 0, 104_000, 0), work(3, 0, 50_000, 0)]),
            (
                Role::Store,
                vec![work(2, 0, 200_000, 1000), work(3, 60_000, 70_000, 10), work(77, 0, 900_000, 1)],
            ),
        ];
        Outcomes { propagation: true, visits, works }
    }

    #[test]
    fn only_work_after_callers_without_an_answer_had_gone_counts() {
        let summary = Summary::of(&run());
        assert_eq!(summary.after[0], Amount { micros: 1_000, rows: 0 });
        assert_eq!(summary.after[1], Amount { micros: 4_000, rows: 0 });
        assert_eq!(summary.after[2], Amount { micros: 110_000, rows: 510 });
        assert_eq!(summary.late, [100_000], "the other query began when its caller had gone already");
        let counts = (summary.answered, summary.timed_out, summary.hung_up, summary.failed);
        assert_eq!(counts, (1, 1, 1, 0));
    }

    #[test]
    fn the_table_has_a_row_for_every_figure_and_a_column_for_every_run() {
        let summary = Summary::of(&run());
        let table = table(&[("with the context", &summary), ("without", &Summary::default())]);
        let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[0], ["with", "the", "context", "without"]);
        assert_eq!(rows[2], ["requests", "3", "0"]);
        assert!(rows.contains(&vec!["store", "110", "ms", "510", "rows", "0", "ms", "0", "rows"]), "{table}");
        assert!(rows.contains(&vec!["slowest", "100.0", "ms", "none", "ran"]), "{table}");
        let widths: Vec<usize> = table.lines().map(|line| line.trim_end().len()).collect();
        assert!(widths.iter().all(|width| *width <= 80), "fits a terminal: {widths:?}");
        let wide = Amount { micros: 148_871_000, rows: 3_364_992 };
        assert_eq!(amount(wide), "148,871 ms 3,364,992 rows", "narrower than a column");
    }

    #[test]
    fn a_failed_request_is_complained_of_with_what_was_seen() {
        let mut run = run();
        assert_eq!(Summary::of(&run).complaint(&run.visits), None);
        run.visits[1].outcome = Outcome::Failed("500: oh".into());
        let complaint = Summary::of(&run).complaint(&run.visits);
        assert_eq!(complaint.as_deref(), Some("1 of 3 requests failed, the first with: 500: oh"));
    }

    #[test]
    fn numbers_are_grouped_by_three_digits() {
        assert_eq!(
            [0u64, 12, 999, 1000, 12_345, 1_234_567].map(grouped),
            ["0", "12", "999", "1,000", "12,345", "1,234,567"]
        );
    }
}
