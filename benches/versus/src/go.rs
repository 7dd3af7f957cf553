//! Our side of the rows that Go's program measures: its package's own benchmarks, and a request.

use crate::measure::clocked;
use crate::peers::HOUR;
use crate::row::Limit;
use crate::stats::median;
use purview::{Context, Key};
use serde::{Deserialize, Serialize};
use std::hint::black_box;

/// How long one slice of a row works, in nanoseconds, and how many slices there are: as on Go's side.
const SLICE: f64 = 5_000_000.0;
const SLICES: usize = 5;

static FOUND: Key<u64> = Key::new("found");
static OTHER: Key<u64> = Key::new("other");
static ABSENT: Key<u64> = Key::new("absent here");
static MANY: [Key<u64>; 100] = [const { Key::new("one of many") }; 100];

#[derive(Serialize, Deserialize)]
struct Line {
    work: String,
    ns: f64,
}

/// What one side prints for a row.
///
/// # Panics
///
/// If a figure cannot be written.
pub fn line(work: &str, ns: f64) -> String {
    serde_json::to_string(&Line { work: work.to_owned(), ns }).expect("a plain object")
}

/// Reads such a line.
pub fn parse(line: &str) -> Result<(String, f64), String> {
    serde_json::from_str(line)
        .map(|Line { work, ns }| (work, ns))
        .map_err(|error| format!("cannot read the row {line:?}: {error}"))
}

/// What a row promises. One that starts a goroutine is compared with a task of tokio, and promises nothing.
pub fn limit(work: &str) -> Limit {
    if work.contains("NewGoRoutine") {
        Limit::None
    } else if work == "a request" {
        Limit::Ratio(0.20)
    } else {
        Limit::Ratio(0.25)
    }
}

/// Measures every row, in Go's order.
///
/// # Panics
///
/// If the work comes to something else than it should.
pub fn run(mut told: impl FnMut(&str, f64)) {
    common_parent(&mut told);
    timeouts(&mut told);
    trees(&mut told);
    reads(&mut told);
    deep_values(&mut told);
    request(&mut told);
}

fn row(told: &mut impl FnMut(&str, f64), work: &str, mut once: impl FnMut()) {
    let mut slice = |times: u32| clocked(|| (0..times).for_each(|_| once())).0;
    let mut times = 1;
    let nanos = loop {
        let nanos = slice(times);
        if nanos >= SLICE / 2.0 || times >= 1 << 28 {
            break nanos;
        }
        times *= 2;
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count above zero")]
    let times = (f64::from(times) * SLICE / nanos).ceil() as u32;
    let slices: Vec<f64> = (0..SLICES).map(|_| slice(times) / f64::from(times)).collect();
    told(work, median(&slices));
}

fn common_parent(told: &mut impl FnMut(&str, f64)) {
    let (shared, _canceler) = Context::background().with_value(&FOUND, 7).with_cancel();
    row(told, "CommonParentCancel", || {
        let (ctx, canceler) = shared.with_cancel();
        assert_eq!(ctx.value(&FOUND), Some(&7));
        canceler.cancel();
    });
}

/// Go's timers are armed at birth, ours at the first look: as a user of either has it.
fn timeouts(told: &mut impl FnMut(&str, f64)) {
    let root = Context::background();
    for live in [40, 4_000, 400_000] {
        let crowd: Vec<_> = (0..live).map(|_| root.with_timeout(HOUR)).collect();
        assert!(crowd.iter().all(|(ctx, _)| !ctx.is_done()), "all live, and armed");
        let mut ten = Vec::with_capacity(10);
        row(told, &format!("WithTimeout, ten, {live} live"), || {
            ten.extend((0..10).map(|_| root.with_timeout(HOUR).1));
            ten.drain(..).for_each(purview::Canceler::cancel);
        });
    }
}

/// The leaf of a chain whose cancelers nobody keeps.
fn chain(root: &Context, depth: usize) -> Context {
    let mut leaf = root.clone();
    for _ in 0..depth {
        let (next, canceler) = leaf.with_cancel();
        canceler.detach();
        leaf = next;
    }
    leaf
}

fn trees(told: &mut impl FnMut(&str, f64)) {
    let background = Context::background();
    for depth in [1, 10, 100, 1_000] {
        row(told, &format!("CancelTree, depth {depth}, background"), || {
            assert!(!black_box(chain(&background, depth)).is_done());
        });
        row(told, &format!("CancelTree, depth {depth}, open root"), || {
            let (root, canceler) = background.with_cancel();
            let leaf = chain(&root, depth);
            canceler.cancel();
            assert!(leaf.is_done());
        });
        row(told, &format!("CancelTree, depth {depth}, closed root"), || {
            let (root, canceler) = background.with_cancel();
            canceler.cancel();
            assert!(chain(&root, depth).is_done());
        });
    }
}

fn reads(told: &mut impl FnMut(&str, f64)) {
    let (live, _canceler) = Context::background().with_cancel();
    let (ended, canceler) = Context::background().with_cancel();
    canceler.cancel();
    row(told, "CheckCanceled, Err", || assert!(ended.err().is_some()));
    row(told, "CheckCanceled, Done", || assert!(ended.is_done()));
    row(told, "ContextCancelDone", || assert!(!live.is_done()));
    row(told, "ErrOK", || assert!(live.err().is_none()));
    row(told, "ErrCanceled", || assert!(ended.err().is_some()));
}

fn deep_values(told: &mut impl FnMut(&str, f64)) {
    let runtime = crate::peers::tokio_runtime();
    // A key that was never used has no number yet, and would be missed without looking.
    assert_eq!(Context::background().with_value(&ABSENT, 1).value(&ABSENT), Some(&1));
    for depth in [10, 20, 30, 50, 100] {
        let mut ctx = Context::background();
        for (value, key) in (0..).zip(&MANY[..depth]) {
            ctx = ctx.with_value(key, value);
        }
        assert!(ctx.value(&MANY[depth / 2]).is_some());
        row(told, &format!("DeepValueSameGoRoutine, depth {depth}"), || {
            assert!(black_box(&ctx).value(&ABSENT).is_none());
        });
        row(told, &format!("DeepValueNewGoRoutine, depth {depth}"), || {
            let ctx = ctx.clone();
            let absent =
                runtime.block_on(async { tokio::spawn(async move { ctx.value(&ABSENT).is_none() }).await });
            assert!(absent.is_ok_and(|absent| absent));
        });
    }
}

/// A timeout and two values, three children that are canceled, thirty checks and six lookups.
fn request(told: &mut impl FnMut(&str, f64)) {
    let (server, _canceler) = Context::background().with_cancel();
    row(told, "a request", || {
        let (ctx, canceler) = server.derive().timeout(HOUR).value(&FOUND, 1).value(&OTHER, 2).cancelable();
        let mut sum = 0;
        for _ in 0..3 {
            let (child, canceler) = ctx.with_cancel();
            for _ in 0..10 {
                sum += if child.err().is_some() { 100 } else { 0 };
            }
            sum += child.value(&FOUND).copied().unwrap_or(100) + child.value(&OTHER).copied().unwrap_or(100);
            canceler.cancel();
        }
        canceler.cancel();
        assert!(sum == 9 && ctx.is_done());
    });
}

#[cfg(test)]
mod tests {
    use super::{limit, line, parse};
    use crate::row::Limit;

    #[test]
    fn a_row_is_read_as_it_is_written() {
        assert_eq!(parse(&line("ErrOK", 1.5)), Ok(("ErrOK".to_owned(), 1.5)));
        assert!(parse("x").unwrap_err().starts_with("cannot read the row \"x\": "));
    }

    #[test]
    fn rows_that_start_a_goroutine_are_not_judged() {
        assert_eq!(limit("DeepValueNewGoRoutine, depth 10"), Limit::None);
        assert_eq!(limit("a request"), Limit::Ratio(0.20));
        assert_eq!(limit("ErrOK"), Limit::Ratio(0.25));
    }
}
