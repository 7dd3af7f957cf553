//! Plots with two logarithmic axes, for light and dark pages.

use crate::measure::{Chart, Series};
use std::fmt::Write as _;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 380.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 530.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 332.0;
/// So far apart the names at the right have to be.
const LINE: f64 = 16.0;

const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#24292f}.t{font-size:14px;font-weight:600}\
    .b{fill:#fff}.g{stroke:#d8dee4;stroke-width:1}.l{fill:none;stroke-width:2}.m{text-anchor:middle}.e{text-anchor:end}\
    .s0{stroke:#0969da}.s1{stroke:#bc4c00}.s2{stroke:#1a7f37}.s3{stroke:#8250df}\
    .f0{fill:#0969da}.f1{fill:#bc4c00}.f2{fill:#1a7f37}.f3{fill:#8250df}\
    .s1,.s3{stroke-dasharray:5 3}\
    @media(prefers-color-scheme:dark){text{fill:#e6edf3}.b{fill:#0d1117}.g{stroke:#30363d}\
    .s0{stroke:#58a6ff}.s1{stroke:#f0883e}.s2{stroke:#3fb950}.s3{stroke:#bc8cff}\
    .f0{fill:#58a6ff}.f1{fill:#f0883e}.f2{fill:#3fb950}.f3{fill:#bc8cff}}";

/// One axis: from where to where it reaches, as powers of ten, and on the page.
struct Axis {
    least: f64,
    most: f64,
    from: f64,
    to: f64,
}

impl Axis {
    /// One that shows all of `values`; on whole powers of ten if `whole`.
    fn over(values: impl Iterator<Item = f64>, from: f64, to: f64, whole: bool) -> Self {
        let (least, most) = values
            .map(f64::log10)
            .fold((f64::MAX, f64::MIN), |(least, most), value| (least.min(value), most.max(value)));
        let (least, most) = if whole { (least.floor(), most.ceil()) } else { (least, most) };
        Self { least, most: most.max(least + 0.3), from, to }
    }

    fn place(&self, value: f64) -> f64 {
        let part = (value.log10() - self.least) / (self.most - self.least);
        self.from + part * (self.to - self.from)
    }
}

/// The plot of a chart, as the text of a file.
pub(crate) fn plot(chart: &Chart) -> String {
    let points = || chart.series.iter().flat_map(|series| &series.points);
    let x = Axis::over(points().map(|(size, _)| f64::from(*size)), LEFT, RIGHT, false);
    let y = Axis::over(points().map(|(_, nanos)| *nanos), BOTTOM, TOP, true);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n<rect class=\"b\" width=\"100%\" height=\"100%\"/>\n\
         <text class=\"t\" x=\"{LEFT}\" y=\"24\">{title}: nanoseconds for one operation</text>\n",
        title = chart.title,
    );
    grid(&mut svg, chart, &x, &y);
    let mut names: Vec<(f64, usize)> = Vec::new();
    for (number, series) in chart.series.iter().enumerate() {
        line(&mut svg, number, series, &x, &y);
        names.push((series.points.last().map_or(TOP, |(_, nanos)| y.place(*nanos)), number));
    }
    legend(&mut svg, chart, names);
    svg.push_str("</svg>\n");
    svg
}

// Writing to a string does not fail: what `write!` answers is dropped in all of these.

fn grid(svg: &mut String, chart: &Chart, x: &Axis, y: &Axis) {
    let mut nanos = 10f64.powf(y.least);
    while nanos.log10() <= y.most + 0.01 {
        let at = y.place(nanos);
        let _ = writeln!(
            svg,
            "<path class=\"g\" d=\"M{LEFT} {at:.1}H{RIGHT}\"/><text class=\"e\" x=\"{:.1}\" y=\"{:.1}\">{nanos}</text>",
            LEFT - 8.0,
            at + 4.0,
        );
        nanos *= 10.0;
    }
    let sizes = chart.series.first().map_or(&[][..], |series| &series.points);
    for (size, _) in sizes {
        let at = x.place(f64::from(*size));
        let _ = writeln!(
            svg,
            "<path class=\"g\" d=\"M{at:.1} {TOP}V{BOTTOM}\"/><text class=\"m\" x=\"{at:.1}\" y=\"{:.1}\">{}</text>",
            BOTTOM + 18.0,
            short(*size),
        );
    }
    let _ = writeln!(
        svg,
        "<text class=\"m\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
        f64::midpoint(LEFT, RIGHT),
        BOTTOM + 38.0,
        chart.axis,
    );
}

/// A size as it fits below an axis.
fn short(size: u32) -> String {
    match size {
        1_000_000.. if size % 1_000_000 == 0 => format!("{}M", size / 1_000_000),
        1_000.. if size % 1_000 == 0 => format!("{}k", size / 1_000),
        _ => size.to_string(),
    }
}

fn line(svg: &mut String, number: usize, series: &Series, x: &Axis, y: &Axis) {
    let places: Vec<(f64, f64)> =
        series.points.iter().map(|(size, nanos)| (x.place(f64::from(*size)), y.place(*nanos))).collect();
    let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
    let _ = writeln!(svg, "<path class=\"l s{number}\" d=\"M{}\"/>", path.join("L"));
    for (x, y) in places {
        let _ = writeln!(svg, "<circle class=\"f{number}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>");
    }
}

/// The names, at the height of the ends of their lines where there is room.
fn legend(svg: &mut String, chart: &Chart, mut names: Vec<(f64, usize)>) {
    names.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut lowest = TOP - LINE;
    for (height, number) in names {
        lowest = height.max(lowest + LINE);
        let _ = writeln!(
            svg,
            "<text class=\"f{number}\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            RIGHT + 10.0,
            lowest + 4.0,
            chart.series[number].name,
        );
    }
}
