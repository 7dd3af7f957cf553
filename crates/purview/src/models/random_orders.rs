//! Runs models in random orders, from a seed.

pub(super) use shuttle::{sync, thread};

use crate::sync::{forget_nodes, nodes};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many schedules ran, told to whoever counts.
static SCHEDULES: AtomicUsize = AtomicUsize::new(0);

/// The seed when `SHUTTLE_RANDOM_SEED` gives none.
const SEED: u64 = 0;

/// Runs `f` in random orders: half of them choose the next thread at random each time, which mixes threads finely; the other
/// half change from the thread that is first in a random ranking at `bound` moments, which finds what takes few but unlikely
/// switches. `PURVIEW_SCHEDULES` says how many of both.
pub(super) fn model(bound: usize, f: impl Fn() + Send + Sync + 'static) {
    let schedules = std::env::var("PURVIEW_SCHEDULES")
        .map_or(200, |number| number.parse().expect("a number of schedules"));
    let f = Arc::new(f);
    run(RandomScheduler::new_from_seed(SEED, schedules / 2), f.clone());
    run(PctScheduler::new_from_seed(SEED, bound, schedules.div_ceil(2)), f);
    println!("schedules so far: {}", SCHEDULES.load(Ordering::Relaxed));
}

fn run(scheduler: impl Scheduler + 'static, f: Arc<impl Fn() + Send + Sync + 'static>) {
    let mut config = Config::new();
    // Unoptimised and unwinding stacks are larger than shuttle's own bound of 60 KiB.
    config.stack_size = 256 << 10;
    // Its warnings are known: `sync/shuttle.rs` tells of them.
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(move || {
        SCHEDULES.fetch_add(1, Ordering::Relaxed);
        forget_nodes();
        f();
        assert_eq!(nodes(), 0, "contexts were left behind");
    });
}
