//! One row of the table: what was measured, its limit, and whether it holds.

use crate::stats::{Beside, Rounds, Summary};
use serde_json::{Value, json};

/// What a row promises.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// Nothing: it is reported.
    None,
    /// Ours over the peer's is at most this.
    Ratio(f64),
    /// Ours itself is at most this.
    Ours(f64),
    /// Ours less the peer's is at most this.
    Added(f64),
}

/// What the figures count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds an operation.
    Nanos,
    /// Bytes that are allocated.
    Bytes,
    /// Calls of the allocator.
    Allocations,
    /// Times that a thread woke up.
    Wakeups,
}

/// What a row is called, and what it promises.
#[derive(Debug, Clone, PartialEq)]
pub struct Title {
    /// What is done.
    pub work: String,
    /// Beside whom.
    pub peer: String,
    /// What the figures count.
    pub unit: Unit,
    /// What is promised.
    pub limit: Limit,
}

/// A row that was measured, or could not be.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What it is called.
    pub title: Title,
    /// The figures, or why there are none.
    pub seen: Result<Summary, String>,
}

/// Whether a row holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Ok,
    /// It does not.
    Over,
    /// It has no limit.
    Reported,
    /// It could not be measured.
    Failed,
}

impl Title {
    /// A row in nanoseconds.
    pub fn nanos(work: &str, peer: &str, limit: Limit) -> Self {
        Self::new(work, peer, Unit::Nanos, limit)
    }

    /// A row in any unit.
    pub fn new(work: &str, peer: &str, unit: Unit, limit: Limit) -> Self {
        Self { work: work.to_owned(), peer: peer.to_owned(), unit, limit }
    }

    /// Whether `pattern` is part of what is done or of the peer's name, in any case of letters.
    pub fn matches(&self, pattern: &str) -> bool {
        format!("{} {}", self.work, self.peer).to_lowercase().contains(&pattern.to_lowercase())
    }
}

impl Row {
    /// The row of what the rounds came to.
    pub fn new(title: Title, rounds: Result<Rounds, String>) -> Self {
        Self { title, seen: rounds.map(|rounds| rounds.summary()) }
    }

    /// Whether it holds.
    pub fn verdict(&self) -> Verdict {
        let Ok(seen) = &self.seen else { return Verdict::Failed };
        let beside = |figure: fn(&Beside) -> f64| seen.beside.as_ref().map_or(f64::NAN, figure);
        let holds = match self.title.limit {
            Limit::None => return Verdict::Reported,
            Limit::Ratio(most) => beside(|beside| beside.ratio) <= most,
            Limit::Added(most) => beside(|beside| beside.added) <= most,
            Limit::Ours(most) => seen.ours <= most,
        };
        if holds { Verdict::Ok } else { Verdict::Over }
    }

    /// Whether a check has to fail because of it.
    pub fn breaks(&self) -> bool {
        matches!(self.verdict(), Verdict::Over | Verdict::Failed)
    }

    /// The row as one line of JSON. Figures that are not nanoseconds are called `ours` and `peers`, with their unit.
    pub fn json(&self) -> Value {
        let Title { work, peer, unit, limit } = &self.title;
        let (limit, limit_of) = limit.parts();
        let mut line = json!({
            "work": work, "peer": peer, "unit": unit.name(), "limit": limit, "limit_of": limit_of,
            "verdict": self.verdict().name(),
        });
        let (ours, peers) = if *unit == Unit::Nanos { ("ours_ns", "peer_ns") } else { ("ours", "peers") };
        match &self.seen {
            Ok(Summary { ours: figure, beside }) => {
                line[ours] = json!(figure);
                line[peers] = json!(beside.map(|beside| beside.peer));
                line["ratio"] = json!(beside.map(|beside| beside.ratio));
                line["added"] = json!(beside.map(|beside| beside.added));
                line["spread"] = json!(beside.map(|beside| [beside.spread.0, beside.spread.1]));
            }
            Err(why) => line["error"] = json!(why),
        }
        line
    }
}

impl Limit {
    /// The figure, and of what it is the limit.
    fn parts(self) -> (Option<f64>, Option<&'static str>) {
        match self {
            Self::None => (None, None),
            Self::Ratio(most) => (Some(most), Some("ratio")),
            Self::Ours(most) => (Some(most), Some("ours")),
            Self::Added(most) => (Some(most), Some("added")),
        }
    }
}

impl Unit {
    /// Its short name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nanos => "ns",
            Self::Bytes => "bytes",
            Self::Allocations => "allocations",
            Self::Wakeups => "wake-ups",
        }
    }
}

impl Verdict {
    /// Its short name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Over => "OVER",
            Self::Reported => "reported",
            Self::Failed => "FAILED",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Limit, Row, Title, Unit, Verdict};
    use crate::stats::Rounds;

    fn row(limit: Limit, ours: f64, peer: f64) -> Row {
        Row::new(Title::nanos("read it", "somebody", limit), Ok(Rounds::once(ours, peer)))
    }

    #[test]
    fn a_row_at_its_limit_holds_and_one_above_does_not() {
        assert_eq!(row(Limit::Ratio(0.5), 1.0, 2.0).verdict(), Verdict::Ok);
        assert_eq!(row(Limit::Ratio(0.5), 1.1, 2.0).verdict(), Verdict::Over);
        assert_eq!(row(Limit::Added(3.0), 10.0, 7.0).verdict(), Verdict::Ok);
        assert_eq!(row(Limit::Added(3.0), 10.1, 7.0).verdict(), Verdict::Over);
        assert_eq!(row(Limit::Ours(128.0), 128.0, 1.0).verdict(), Verdict::Ok);
        assert_eq!(row(Limit::Ours(128.0), 129.0, 1.0).verdict(), Verdict::Over);
    }

    #[test]
    fn a_row_without_a_limit_never_breaks_a_check() {
        assert!(!row(Limit::None, 100.0, 1.0).breaks());
    }

    #[test]
    fn what_could_not_be_measured_breaks_a_check() {
        let title = Title::nanos("read it", "somebody", Limit::None);
        assert!(Row::new(title, Err("no such thing".to_owned())).breaks());
    }

    #[test]
    fn a_ratio_without_a_peer_does_not_hold() {
        let title = Title::nanos("read it", "somebody", Limit::Ratio(1.0));
        assert_eq!(Row::new(title, Ok(Rounds::alone(1.0))).verdict(), Verdict::Over);
    }

    #[test]
    fn a_pattern_is_found_in_the_work_and_in_the_peer() {
        let title = Title::nanos("Read it", "Somebody", Limit::None);
        assert!(title.matches("read IT"));
        assert!(title.matches("body"));
        assert!(!title.matches("write"));
    }

    #[test]
    fn json_has_what_the_table_has() {
        let line = row(Limit::Ratio(0.5), 1.0, 4.0).json();
        assert_eq!(line["work"], "read it");
        assert_eq!(line["peer"], "somebody");
        assert_eq!(line["ours_ns"], 1.0);
        assert_eq!(line["peer_ns"], 4.0);
        assert_eq!(line["ratio"], 0.25);
        assert_eq!(line["limit"], 0.5);
        assert_eq!(line["spread"], serde_json::json!([0.25, 0.25]));
        assert_eq!(line["verdict"], "ok");
    }

    #[test]
    fn json_says_what_is_not_nanoseconds() {
        let title = Title::new("hold it", "somebody", Unit::Bytes, Limit::Ours(128.0));
        let line = Row::new(title, Ok(Rounds::once(96.0, 112.0))).json();
        assert_eq!(line["ours"], 96.0);
        assert_eq!(line["unit"], "bytes");
        assert_eq!(line["limit_of"], "ours");
        assert!(line.get("ours_ns").is_none());
    }
}
