//! Taking the time, and what the curves are made of.

use purview::{Canceler, Clock, Context};

/// Sizes that grow by ten.
pub(crate) const DECADES: [u32; 7] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];

/// A parent for what is measured.
pub(crate) fn root() -> (Context, Canceler) {
    Context::background().with_cancel()
}

/// One line of a plot, one column of a table.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) name: &'static str,
    /// How many there were of what grows, and nanoseconds for each operation.
    pub(crate) points: Vec<(u32, f64)>,
}

/// What was measured for one thing that grows.
#[derive(Debug)]
pub(crate) struct Chart {
    /// Also the name of the file of its plot.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// What grows.
    pub(crate) axis: &'static str,
    /// What was done, and why the curves look as they do.
    pub(crate) text: &'static str,
    pub(crate) series: Vec<Series>,
}

/// Something whose cost is measured: does it, and says how many nanoseconds each operation took.
pub(crate) type Work<'a> = Box<dyn FnMut() -> f64 + 'a>;

/// Measures named works at each size. At one size they take turns, round by round; the median of the rounds counts.
pub(crate) fn curves(
    sizes: &[u32],
    names: &[&'static str],
    mut at: impl FnMut(u32, &mut dyn FnMut(Vec<Work<'_>>)),
) -> Vec<Series> {
    let mut series: Vec<Series> =
        names.iter().map(|name| Series { name, points: Vec::with_capacity(sizes.len()) }).collect();
    for &size in sizes {
        eprint!(" {size}");
        at(size, &mut |works| {
            assert_eq!(works.len(), names.len(), "each work has a name");
            for (series, nanos) in series.iter_mut().zip(in_turns(size, works)) {
                series.points.push((size, nanos));
            }
        });
    }
    eprintln!();
    series
}

fn in_turns(size: u32, mut works: Vec<Work<'_>>) -> Vec<f64> {
    let rounds = if size >= 100_000 { 3 } else { 7 };
    let mut taken = vec![Vec::with_capacity(rounds); works.len()];
    for _ in 0..rounds {
        for (work, taken) in works.iter_mut().zip(&mut taken) {
            taken.push(work());
        }
    }
    taken.into_iter().map(median).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Nanoseconds that `work` takes, divided by `operations`.
pub(crate) fn nanos(operations: u32, work: impl FnOnce()) -> f64 {
    let clock = Clock::system();
    let start = clock.now();
    work();
    (clock.now() - start).as_secs_f64() * 1e9 / f64::from(operations)
}

/// Nanoseconds of `work` when it is done so many times.
pub(crate) fn each(times: u32, mut work: impl FnMut()) -> f64 {
    nanos(times, || (0..times).for_each(|_| work()))
}

/// How often to do something with `size` parts, so that the clock has something to measure.
pub(crate) fn repeats(size: u32) -> u32 {
    (2_000 / size).max(1)
}
