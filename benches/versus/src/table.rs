//! The table as text.

use crate::row::{Limit, Row, Title};
use std::fmt::Write;

/// The line above the rows.
pub fn head() -> String {
    line(["work", "beside", "ours", "peer's", "ratio", "spread", "limit", "verdict"])
}

/// One row as a line.
pub fn body(row: &Row) -> String {
    let Title { work, peer, unit, limit } = &row.title;
    let verdict = row.verdict().name();
    let limit = match limit {
        Limit::None => String::new(),
        Limit::Ratio(most) => format!("{most:.2}"),
        Limit::Ours(most) => format!("{most} {}", unit.name()),
        Limit::Added(most) => format!("+{most} {}", unit.name()),
    };
    match &row.seen {
        Ok(seen) => {
            let ours = format!("{} {}", figure(seen.ours), unit.name());
            let (peers, ratio, spread) = seen.beside.map_or_else(Default::default, |beside| {
                let spread = format!("{:.2}..{:.2}", beside.spread.0, beside.spread.1);
                (figure(beside.peer), format!("{:.3}", beside.ratio), spread)
            });
            line([work, peer, &ours, &peers, &ratio, &spread, &limit, verdict])
        }
        Err(why) => line([work, peer, "", "", "", "", &limit, &format!("{verdict}: {why}")]),
    }
}

/// How many rows hold, and which do not.
pub fn foot(rows: &[Row]) -> String {
    let broken: Vec<&Row> = rows.iter().filter(|row| row.breaks()).collect();
    let judged = rows.iter().filter(|row| row.title.limit != Limit::None).count();
    let mut text = format!("{} rows, {judged} with a limit, {} over it", rows.len(), broken.len());
    for row in broken {
        let _ = write!(text, "\n  over: {} (beside {})", row.title.work, row.title.peer);
    }
    text
}

fn line([work, peer, ours, peers, ratio, spread, limit, verdict]: [&str; 8]) -> String {
    let line = format!(
        "{work:<62} {peer:<32} {ours:>16} {peers:>10} {ratio:>7} {spread:>13} {limit:>10}  {verdict}"
    );
    line.trim_end().to_owned()
}

/// Three digits or more, and no more than say something.
fn figure(value: f64) -> String {
    if value == 0.0 || value.abs() >= 1000.0 || (value >= 100.0 && value.fract() == 0.0) {
        format!("{value:.0}")
    } else if value.abs() >= 100.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::{body, figure, foot};
    use crate::row::{Limit, Row, Title, Unit};
    use crate::stats::Rounds;

    fn row(ours: f64) -> Row {
        Row::new(Title::nanos("read it", "somebody", Limit::Ratio(0.2)), Ok(Rounds::once(ours, 10.0)))
    }

    #[test]
    fn a_row_shows_both_sides_the_ratio_the_limit_and_the_verdict() {
        let words: Vec<String> = body(&row(1.5)).split_whitespace().map(str::to_owned).collect();
        assert_eq!(
            words,
            ["read", "it", "somebody", "1.50", "ns", "10.00", "0.150", "0.15..0.15", "0.20", "ok"]
        );
    }

    #[test]
    fn a_row_that_failed_says_why() {
        let title = Title::new("hold it", "somebody", Unit::Bytes, Limit::Ours(128.0));
        assert!(
            body(&Row::new(title, Err("no counts".to_owned()))).ends_with("128 bytes  FAILED: no counts")
        );
    }

    #[test]
    fn the_foot_names_what_is_over() {
        assert_eq!(
            foot(&[row(1.0), row(9.0)]),
            "2 rows, 2 with a limit, 1 over it\n  over: read it (beside somebody)"
        );
    }

    #[test]
    fn figures_have_as_many_digits_as_say_something() {
        assert_eq!(
            [0.0, 0.567, 56.78, 567.89, 5678.9, 120.0].map(figure),
            ["0", "0.57", "56.78", "567.9", "5679", "120"]
        );
    }
}
