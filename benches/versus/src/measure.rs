//! Slices of work on the clock, and the rounds in which two sides take turns.

use crate::stats::{Rounds, median};
use purview::Clock;
use std::cell::Cell;
use std::hint::black_box;
use std::time::Duration;

/// How long one side works before the other one has its turn, in nanoseconds. Much shorter than the turn that a busy
/// system gives a thread, so that most slices run undisturbed and the medians are made of those.
const SLICE: f64 = 500_000.0;

/// How many rounds the rows of small operations take.
pub const ROUNDS: usize = 301;

/// How long a row looks for rounds that nothing disturbs.
const PATIENCE: Duration = Duration::from_secs(8);

/// How many times the rounds that it needs a row takes at most.
const TRIES: usize = 8;

thread_local! {
    static DISTURBED: Cell<u64> = const { Cell::new(0) };
}

/// How many nanoseconds `work` takes. If the system took the processor away meanwhile, the round will be set aside.
pub fn clocked<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let clock = Clock::system();
    let before = waited();
    let start = clock.now();
    let made = work();
    let nanos = (clock.now() - start).as_secs_f64() * 1e9;
    if waited() != before {
        set_aside();
    }
    (nanos, made)
}

/// How long this thread has waited for a processor in its life, in nanoseconds; zero where the system does not tell.
pub fn waited() -> u64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    told.split(' ').nth(1).and_then(|waited| waited.parse().ok()).unwrap_or(0)
}

/// Sets this round aside.
pub fn set_aside() {
    DISTURBED.set(DISTURBED.get() + 1);
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
///
/// A round in which either side had to wait for a processor is set aside whole, and taken again. Where a busy machine leaves fewer
/// than a third of the rounds, those that were set aside count too.
pub fn alternate(rounds: usize, mut ours: impl FnMut() -> f64, mut peer: impl FnMut() -> f64) -> Rounds {
    let (mut quiet, mut disturbed) = (Rounds::default(), Rounds::default());
    let start = Clock::system().now();
    for round in 0..rounds * TRIES {
        let enough = quiet.ours.len() == rounds;
        let spent = round >= rounds && Clock::system().now() - start > PATIENCE;
        if enough || spent {
            break;
        }
        let before = DISTURBED.get();
        let (mine, theirs) = if round % 2 == 0 {
            let mine = ours();
            (mine, peer())
        } else {
            let theirs = peer();
            (ours(), theirs)
        };
        let seen = if DISTURBED.get() == before { &mut quiet } else { &mut disturbed };
        seen.ours.push(mine);
        seen.peer.push(theirs);
    }
    if quiet.ours.len() < rounds.div_ceil(3) {
        quiet.ours.append(&mut disturbed.ours);
        quiet.peer.append(&mut disturbed.peer);
    }
    quiet
}

/// One figure of a round that is made of many turns of one side: their median, whatever disturbed some of them.
pub fn settled(turns: usize, mut side: impl FnMut() -> f64) -> f64 {
    let before = DISTURBED.get();
    let figures: Vec<f64> = (0..turns).map(|_| side()).collect();
    DISTURBED.set(before);
    median(&figures)
}

#[cfg(test)]
mod tests {
    use super::{alternate, doing, pace, seeing, set_aside, settled};
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
    fn a_round_that_was_disturbed_is_taken_again() {
        let round = Cell::new(0);
        let ours = || {
            round.set(round.get() + 1);
            if round.get() == 2 {
                set_aside();
                return 1e9;
            }
            1.0
        };
        let rounds = alternate(3, ours, || 2.0);
        assert_eq!((round.get(), rounds.ours, rounds.peer), (4, vec![1.0; 3], vec![2.0; 3]));
    }

    #[test]
    fn rounds_that_are_all_disturbed_count_all_the_same() {
        let ours = || {
            set_aside();
            1.0
        };
        let rounds = alternate(3, ours, || 2.0);
        assert!(rounds.ours.len() > 3 && rounds.ours.len() == rounds.peer.len());
    }

    #[test]
    fn a_turn_among_many_does_not_disturb_the_round() {
        let turn = Cell::new(0.0);
        let side = || {
            set_aside();
            turn.set(turn.get() + 1.0);
            turn.get()
        };
        let rounds = alternate(1, || settled(3, side), || 1.0);
        assert_eq!(rounds.ours, [2.0]);
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
