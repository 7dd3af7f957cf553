//! Random cases, each of which shrinks to the least that fails. `PURVIEW_CASES` says how many.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use purview_model::{alone, apart, meaning, racing};
use std::cell::Cell;
use std::env;
use std::fmt;

/// Operations, four bytes each.
#[derive(Clone)]
struct Ops(Vec<[u8; 4]>);

/// The bytes, and what they mean if nobody else is there.
impl fmt::Debug for Ops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} = {:#?}", self.0, meaning(&self.0))
    }
}

fn ops(most: usize) -> impl Strategy<Value = Ops> {
    vec(any::<[u8; 4]>(), 0..most).prop_map(Ops)
}

/// Runs a part of all cases, and says how many those were.
fn check<T: fmt::Debug>(
    kind: &str,
    of_ten: u32,
    cases: &impl Strategy<Value = T>,
    case: impl Fn(T) -> usize,
) {
    let all: u32 =
        env::var("PURVIEW_CASES").map_or(2_000, |number| number.parse().expect("a number of cases"));
    let config = Config {
        cases: all.div_ceil(10) * of_ten,
        failure_persistence: None,
        max_shrink_iters: 20_000,
        // Milliseconds: where something hangs, each try takes long.
        max_shrink_time: 60_000,
        ..Config::default()
    };
    let (ran, steps) = (Cell::new(0_u32), Cell::new(0));
    let result = TestRunner::new(config).run(cases, |value| {
        steps.set(steps.get() + case(value));
        ran.set(ran.get() + 1);
        Ok::<(), TestCaseError>(())
    });
    if let Err(error) = result {
        panic!("{kind}: {error}");
    }
    assert!(ran.get() > 0 && steps.get() > 0, "nothing ran");
    println!("{kind}: {} cases, {} steps", ran.get(), steps.get());
}

#[test]
fn one_thread_gets_the_answers_of_the_reference() {
    check("alone", 4, &ops(60), |Ops(ops)| alone(&ops));
}

#[test]
fn threads_in_trees_of_their_own_get_the_answers_of_the_reference() {
    let threads = vec(ops(30), 2..4);
    check("apart", 3, &(threads, any::<bool>()), |(threads, by_deadline)| {
        apart(&threads.into_iter().map(|Ops(ops)| ops).collect::<Vec<_>>(), by_deadline)
    });
}

#[test]
fn threads_that_race_get_answers_that_can_be() {
    let case = (ops(24), vec(ops(10), 2..4), ops(12));
    check("racing", 3, &case, |(before, threads, after)| {
        racing(&before.0, &threads.into_iter().map(|Ops(ops)| ops).collect::<Vec<_>>(), &after.0)
    });
}
