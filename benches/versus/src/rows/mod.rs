//! The rows, a file for each group.

use crate::bench::Bench;

mod deriving;
mod memory;
mod reading;
mod serving;
mod threads;
mod timers;
mod values;
mod waiting;
mod waking;

/// All rows, in the order of the table.
pub fn all() -> Vec<Bench> {
    [
        reading::rows(),
        deriving::rows(),
        threads::rows(),
        waiting::rows(),
        waking::rows(),
        timers::rows(),
        values::rows(),
        memory::rows(),
        serving::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn no_two_rows_have_one_name() {
        let mut names = HashSet::new();
        for bench in super::all() {
            let name = (bench.title.work, bench.title.peer);
            assert!(names.insert(name.clone()), "twice: {name:?}");
        }
    }
}
