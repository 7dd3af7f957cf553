//! One request in one run, as a picture: a bar for the caller and for each process, over time.

use std::fmt::Write as _;

use super::{escaped, works};
use crate::account::{Micros, Work};
use crate::args::Role;
use crate::load::{Outcome, Visit};
use crate::plan::Via;
use crate::summary::{Outcomes, grouped, millis};

/// The picture, in its own units.
const WIDTH: f64 = 960.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 660.0;
const TOP: f64 = 24.0;
const ROW: f64 = 42.0;
const BAR: f64 = 20.0;
const ROWS: usize = 4;

/// A bar is never thinner than this: what happened is seen.
const THIN: f64 = 2.0;

/// How long the picture has to be, in microseconds: until nobody waits or works any more.
pub(super) fn span(run: &Outcomes, visit: &Visit) -> u64 {
    let ends =
        Role::ALL.into_iter().flat_map(|role| works(run, role, visit.caller.id)).map(|work| work.ended);
    ends.chain([visit.left]).max().unwrap_or(0).saturating_sub(visit.came)
}

/// Draws `visit` over `span` microseconds.
pub(super) fn timeline(run: &Outcomes, visit: &Visit, span: u64) -> String {
    let scale = Scale { came: visit.came, step: step(span), span: span.max(1) };
    let mut svg = String::new();
    let height = TOP + ROW * rows(ROWS) + 26.0;
    let _ = writeln!(
        svg,
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">",
        escaped(&spoken(run, visit))
    );
    scale.draw(&mut svg);
    caller_row(&mut svg, &scale, visit);
    for (row, role) in Role::ALL.into_iter().enumerate() {
        process_row(&mut svg, &scale, run, visit, role, row + 1);
    }
    moments(&mut svg, &scale, visit);
    svg.push_str("</svg>");
    svg
}

#[expect(clippy::cast_precision_loss, reason = "a handful of rows")]
fn rows(count: usize) -> f64 {
    count as f64
}

/// Where a moment is in the picture.
struct Scale {
    came: Micros,
    span: u64,
    step: u64,
}

impl Scale {
    #[expect(clippy::cast_precision_loss, reason = "a picture is not that exact")]
    fn x(&self, moment: Micros) -> f64 {
        let part = moment.saturating_sub(self.came) as f64 / self.end() as f64;
        LEFT + (RIGHT - LEFT) * part.min(1.0)
    }

    /// The last tick.
    fn end(&self) -> u64 {
        self.span.div_ceil(self.step) * self.step
    }

    fn draw(&self, svg: &mut String) {
        let bottom = TOP + ROW * rows(ROWS);
        let mut tick = 0;
        while tick <= self.end() {
            let x = self.x(self.came + tick);
            let _ = writeln!(
                svg,
                "<line class=\"tick\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{bottom}\"/>\
                 <text class=\"time\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
                bottom + 16.0,
                if tick == 0 { "0 ms".to_owned() } else { grouped(tick / 1000) },
            );
            tick += self.step;
        }
    }
}

/// Between two ticks: few enough that their texts do not touch.
fn step(span: u64) -> u64 {
    let steps = [10u64, 20, 50, 100, 200, 500].map(|ms| ms * 1000);
    steps.into_iter().find(|step| span / step < 9).unwrap_or_else(|| (span / 8_000_000 + 1) * 1_000_000)
}

fn bar(svg: &mut String, class: &str, from: f64, to: f64, row: usize) {
    let y = TOP + ROW * rows(row) + (ROW - BAR) / 2.0;
    let width = (to - from).max(THIN);
    let _ = writeln!(
        svg,
        "<rect class=\"{class}\" x=\"{from:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"3\"/>"
    );
}

/// What stands left and right of a row.
fn texts(svg: &mut String, row: usize, name: &str, what: &str, why: &str) {
    // A line alone stands in the middle.
    let why_down = if what.is_empty() { 4.5 } else { 13.0 };
    let middle = TOP + ROW * rows(row) + ROW / 2.0;
    let (x, right) = (LEFT - 12.0, RIGHT + 16.0);
    let _ = writeln!(
        svg,
        "<text class=\"name\" x=\"{x:.1}\" y=\"{:.1}\">{name}</text>\
         <text class=\"what\" x=\"{right}\" y=\"{:.1}\">{}</text>\
         <text class=\"why\" x=\"{right}\" y=\"{:.1}\">{}</text>",
        middle + 4.5,
        middle - 3.0,
        escaped(what),
        middle + why_down,
        escaped(why),
    );
}

fn caller_row(svg: &mut String, scale: &Scale, visit: &Visit) {
    bar(svg, "waits", scale.x(visit.came), scale.x(visit.left), 0);
    let after = millis(visit.left - visit.came);
    let (what, why) = match &visit.outcome {
        Outcome::Answered => (format!("answered after {after} ms"), "in time"),
        Outcome::TimedOut => (format!("went without after {after} ms"), "its deadline passed"),
        Outcome::HungUp => (format!("hung up after {after} ms"), "nobody was told a deadline"),
        Outcome::Failed(what) => (format!("failed after {after} ms"), what.as_str()),
    };
    texts(svg, 0, "caller", &what, why);
}

fn process_row(svg: &mut String, scale: &Scale, run: &Outcomes, visit: &Visit, role: Role, row: usize) {
    let mut last: Option<&Work> = None;
    for work in works(run, role, visit.caller.id) {
        // An answer is for a caller who waits, to its end.
        let gone = visit.gone().unwrap_or(work.ended);
        if work.began < gone {
            bar(svg, "at-work", scale.x(work.began), scale.x(work.ended.min(gone)), row);
        }
        if work.ended > gone {
            bar(svg, "for-nobody", scale.x(work.began.max(gone)), scale.x(work.ended), row);
        }
        last = Some(work);
    }
    let (what, why) = match last {
        Some(work) if work.end == "answered" && visit.gone().is_some() => {
            (ended(work, visit), "answered nobody")
        }
        Some(work) => (ended(work, visit), work.end.as_str()),
        None if role == Role::Gateway && visit.caller.via == Via::Grpc => {
            (String::new(), "not on this caller's way")
        }
        None => (String::new(), "was never asked"),
    };
    texts(svg, row, role.name(), &what, why);
}

/// When it ended, seen from the caller.
fn ended(work: &Work, visit: &Visit) -> String {
    let at = millis(work.ended.saturating_sub(visit.came));
    match visit.gone() {
        Some(gone) if work.ended > gone => {
            format!("until {at} ms, {} ms for nobody", millis(work.after(gone).micros))
        }
        _ => format!("until {at} ms"),
    }
}

/// The deadline, or when the caller hung up.
fn moments(svg: &mut String, scale: &Scale, visit: &Visit) {
    let mut line = |class: &str, moment: Micros, text: &str| {
        let (x, bottom) = (scale.x(moment), TOP + ROW * rows(ROWS));
        let _ = writeln!(
            svg,
            "<line class=\"{class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{bottom}\"/>\
             <text class=\"moment\" x=\"{x:.1}\" y=\"{:.1}\">{text}</text>",
            TOP - 8.0,
            TOP - 13.0,
        );
    };
    let deadline = visit.came + u64::try_from(visit.caller.patience.as_micros()).unwrap_or(u64::MAX);
    if visit.caller.tells && deadline - visit.came <= scale.end() {
        line("deadline", deadline, "deadline");
    }
    if visit.outcome == Outcome::HungUp {
        line("gone", visit.left, "hung up");
    }
}

/// The picture, for those who do not see it.
fn spoken(run: &Outcomes, visit: &Visit) -> String {
    let mut text = format!("caller: {:?} after {} ms", visit.outcome, millis(visit.left - visit.came));
    for role in Role::ALL {
        for work in works(run, role, visit.caller.id) {
            let _ = write!(text, "; {}: {}, {}", role.name(), ended(work, visit), work.end);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_do_not_crowd() {
        for span in [0, 1, 9_000, 61_234, 400_000, 1_499_999, 7_000_000, 123_000_000] {
            let step = step(span);
            assert!(span / step < 9, "{span} in steps of {step}");
            let scale = Scale { came: 5, span: span.max(1), step };
            assert!(scale.end() >= span);
        }
    }

    #[test]
    fn bars_begin_and_end_where_the_work_did() {
        let scale = Scale { came: 1_000_000, span: 400_000, step: 50_000 };
        let mut svg = String::new();
        bar(&mut svg, "at-work", scale.x(1_100_000), scale.x(1_300_000), 1);
        let (from, width) = (LEFT + (RIGHT - LEFT) * 0.25, (RIGHT - LEFT) * 0.5);
        assert!(svg.contains(&format!("x=\"{from:.1}\"")), "{svg}");
        assert!(svg.contains(&format!("width=\"{width:.1}\"")), "{svg}");
    }

    #[test]
    fn a_moment_outside_of_the_picture_is_drawn_at_its_edge() {
        let scale = Scale { came: 1_000, span: 1_000, step: 1_000 };
        assert!((scale.x(0) - LEFT).abs() < 0.1);
        assert!((scale.x(9_000) - RIGHT).abs() < 0.1);
    }
}
