//! Random stacks of values, cancels and timeouts.

use std::time::Duration;

use purview::{Canceler, Context, Key, ManualClock, Reason};
use purview_conformance::{CANCELED, DEADLINE_EXCEEDED, Dice, VERY_LONG, assert_done, assert_live};

/// A key for each layer; a stack is hardly ever half as high.
static KEYS: [Key<usize>; 256] = [const { Key::new("layer") }; 256];

const SEEDS: u64 = 50;

/// A stack of random layers over a root.
struct Layers {
    leaf: Context,
    cancels: Vec<Canceler>,
    /// Which of `KEYS` are set; the value is the index.
    values: Vec<usize>,
}

impl Layers {
    /// At least 30 layers, and more until there is one of each kind.
    fn stack(clock: &ManualClock, dice: &mut Dice, timeout: Duration) -> Self {
        let mut layers = Self { leaf: Context::root(clock), cancels: Vec::new(), values: Vec::new() };
        let mut kinds = [0; 3];
        for layer in 0.. {
            if layer >= 30 && kinds.iter().all(|count| *count > 0) {
                break;
            }
            let kind = dice.below(3);
            kinds[kind] += 1;
            layers.add(kind, layer, timeout);
        }
        layers
    }

    fn add(&mut self, kind: usize, layer: usize, timeout: Duration) {
        let (leaf, cancel) = match kind {
            0 => {
                self.values.push(layer);
                self.leaf = self.leaf.with_value(&KEYS[layer], layer);
                return;
            }
            1 => self.leaf.with_cancel(),
            _ => self.leaf.with_timeout(timeout),
        };
        self.leaf = leaf;
        self.cancels.push(cancel);
    }

    #[track_caller]
    fn assert_values(&self, seed: u64) {
        for &layer in &self.values {
            assert_eq!(self.leaf.value(&KEYS[layer]), Some(&layer), "seed {seed}");
        }
    }
}

#[test]
fn any_cancel_in_a_random_stack_ends_the_leaf_and_leaves_its_values() {
    for seed in 0..SEEDS {
        let clock = ManualClock::new();
        let mut dice = Dice::new(seed);
        let mut layers = Layers::stack(&clock, &mut dice, VERY_LONG);
        assert_live(&layers.leaf);
        assert!(layers.leaf.to_string().starts_with("root."), "seed {seed}");
        layers.assert_values(seed);

        let chosen = dice.below(layers.cancels.len());
        layers.cancels.swap_remove(chosen).cancel();
        assert_done(&layers.leaf, Reason::Canceled, CANCELED);
        layers.assert_values(seed);
    }
}

#[test]
fn a_timeout_in_a_random_stack_ends_the_leaf_and_leaves_its_values() {
    for seed in 0..SEEDS {
        let clock = ManualClock::new();
        let layers = Layers::stack(&clock, &mut Dice::new(seed), Duration::from_millis(1));
        assert_live(&layers.leaf);
        layers.assert_values(seed);

        clock.advance(Duration::from_millis(1));
        assert_done(&layers.leaf, Reason::DeadlineExceeded, DEADLINE_EXCEEDED);
        layers.assert_values(seed);
    }
}
