//! Slices of work on the clock, and the rounds in which two sides take turns.

use crate::stats::Rounds;
use purview::Clock;
use std::hint::black_box;

/// How long one side works before the other one has its turn, in nanoseconds. Much shorter than the turn that a busy
/// system gives a thread, so that most slices run undisturbed and the medians are made of those.
const SLICE: f64 = 500_000.0;

/// How many rounds the rows of small operations take.
pub const ROUNDS: usize = 301;

/// How many nanoseconds `work` takes.
pub fn clocked<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let clock = Clock::system();
    let start = clock.now();
    let made = work();
    ((clock.now() - start).as_secs_f64() * 1e9, made)
}

/// The same for work that takes a millisecond or more: the thread gives its turn away first, so that it begins with a whole
/// one.
pub fn clocked_afresh<T>(work: impl FnOnce() -> T) -> (f64, T) {
    std::thread::yield_now();
    clocked(work)
}

/// One side of a row of reads: `work` says what it saw, and each slice is checked to have seen `expected` every time.
///
/// # Panics
///
/// If a slice saw something else.
pub fn seeing(expected: u64, mut work: impl FnMut() -> u64) -> impl FnMut() -> f64 {
    let mut slice = move |times: u32| {
        let (nanos, seen) = clocked(|| (0..times).fold(0, |seen, _| seen + work()));
        assert_eq!(seen, u64::from(times) * expected, "the work came to something else");
        nanos
    };
    let times = pace(&mut slice);
    move || slice(times) / f64::from(times)
}

/// One side of a row of things that are done: `check` looks after each slice, off the clock, at what the work does.
pub fn doing<T>(mut work: impl FnMut() -> T, mut check: impl FnMut()) -> impl FnMut() -> f64 {
    let mut slice = move |times: u32| {
        let (nanos, ()) = clocked(|| {
            for _ in 0..times {
                black_box(work());
            }
        });
        check();
        nanos
    };
    let times = pace(&mut slice);
    move || slice(times) / f64::from(times)
}

/// How many times fill a slice. The least of three looks, since a disturbed one is too long.
fn pace(slice: &mut impl FnMut(u32) -> f64) -> u32 {
    let mut times = 1;
    loop {
        let nanos = (0..3).map(|_| slice(times)).fold(f64::INFINITY, f64::min);
        if nanos >= SLICE / 2.0 || times >= 1 << 24 {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a small count above zero"
            )]
            return (f64::from(times) * SLICE / nanos).ceil() as u32;
        }
        times *= 2;
    }
}

/// Both sides in turn, each a figure a round; every other round the peer begins.
pub fn alternate(rounds: usize, mut ours: impl FnMut() -> f64, mut peer: impl FnMut() -> f64) -> Rounds {
    let mut seen = Rounds::default();
    for round in 0..rounds {
        if round % 2 == 0 {
            seen.ours.push(ours());
            seen.peer.push(peer());
        } else {
            seen.peer.push(peer());
            seen.ours.push(ours());
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::{alternate, doing, pace, seeing};
    use std::cell::{Cell, RefCell};

    #[test]
    fn the_sides_take_turns_and_take_turns_in_beginning() {
        let order = RefCell::new(String::new());
        let side = |name: char, figure: f64| {
            let order = &order;
            move || {
                order.borrow_mut().push(name);
                figure
            }
        };
        let rounds = alternate(3, side('o', 1.0), side('p', 2.0));
        assert_eq!(*order.borrow(), "oppoop");
        assert_eq!((rounds.ours, rounds.peer), (vec![1.0; 3], vec![2.0; 3]));
    }

    #[test]
    fn a_slice_is_filled_whatever_the_work_costs() {
        for nanos in [0.5, 40.0, 7_000.0, 2_000_000.0] {
            let times = pace(&mut |times| nanos * f64::from(times));
            let filled = f64::from(times) * nanos;
            assert!(times == 1 || (400_000.0..600_000.0).contains(&filled), "{times} times {nanos} ns");
        }
    }

    #[test]
    fn a_work_that_takes_no_time_ends_all_the_same() {
        assert!(pace(&mut |_| 0.001) > 0);
    }

    #[test]
    fn what_is_done_is_checked_after_each_slice() {
        let (done, checked) = (Cell::new(0_u64), Cell::new(0));
        let mut side = doing(|| done.set(done.get() + 1), || checked.set(checked.get() + 1));
        let before = (done.get(), checked.get());
        assert!(side() > 0.0);
        assert!(done.get() > before.0);
        assert_eq!(checked.get(), before.1 + 1);
    }

    #[test]
    #[should_panic(expected = "the work came to something else")]
    fn work_that_did_not_happen_is_told() {
        seeing(1, || 0)();
    }
}
