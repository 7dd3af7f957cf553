//! The page: a table and a plot for each chart.

use crate::measure::Chart;
use crate::svg;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

/// Writes `scale.md` and the plots that it shows.
pub(crate) fn write(folder: &Path, charts: &[Chart]) -> io::Result<()> {
    let plots = folder.join("scale");
    fs::create_dir_all(&plots)?;
    for chart in charts {
        fs::write(plots.join(format!("{}.svg", chart.name)), svg::plot(chart))?;
    }
    fs::write(folder.join("scale.md"), page(charts))
}

fn page(charts: &[Chart]) -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut page = format!(
        "# How the costs grow\n\n\
         Written by `cargo run --release -p purview-scale`, on {} with {cores} cores. Each number is nanoseconds for one operation,\n\
         the median of three to seven rounds in which all columns took turns. Both axes of the plots are logarithmic. What an\n\
         operation costs beside its peers, and why, is in [performance.md](performance.md).\n",
        std::env::consts::ARCH,
    );
    for chart in charts {
        section(&mut page, chart);
    }
    page
}

fn section(page: &mut String, chart: &Chart) {
    let Chart { name, title, axis, text, series } = chart;
    // Writing to a string does not fail.
    let _ = write!(page, "\n## {title}\n\n{}\n\n![{title}](scale/{name}.svg)\n\n| {axis} |", filled(text));
    for series in series {
        let _ = write!(page, " {} |", series.name);
    }
    let _ = writeln!(page, "\n|--:|{}", "--:|".repeat(series.len()));
    let sizes = series.first().map_or(&[][..], |series| &series.points);
    for (row, (size, _)) in sizes.iter().enumerate() {
        let _ = write!(page, "| {} |", grouped(*size));
        for series in series {
            let _ = write!(page, " {:.1} |", series.points[row].1);
        }
        page.push('\n');
    }
}

/// Text in lines of at most 120 characters.
fn filled(text: &str) -> String {
    let mut filled = String::new();
    let mut width = 0;
    for word in text.split_whitespace() {
        if width > 0 && width + 1 + word.len() > 120 {
            filled.push('\n');
            width = 0;
        } else if width > 0 {
            filled.push(' ');
            width += 1;
        }
        filled.push_str(word);
        width += word.len();
    }
    filled
}

/// A number with its thousands set apart.
fn grouped(number: u32) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
