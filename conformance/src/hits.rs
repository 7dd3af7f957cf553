//! Counting the runs of a callback.

use std::sync::{Arc, Mutex, PoisonError};

/// Counts how often its callbacks ran, and knows how many of them still could.
#[derive(Clone, Debug, Default)]
pub struct Hits {
    count: Arc<Mutex<u32>>,
}

impl Hits {
    /// Starts at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives a callback that adds one.
    pub fn callback(&self) -> impl FnOnce() + Send + use<> {
        let count = Arc::clone(&self.count);
        move || *count.lock().unwrap_or_else(PoisonError::into_inner) += 1
    }

    /// How many callbacks have run.
    pub fn count(&self) -> u32 {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many callbacks exist that have not run. One that was dropped can never run, so zero is a proof that no
    /// run is to come, and no test has to wait for one that does not happen.
    pub fn pending(&self) -> usize {
        Arc::strong_count(&self.count) - 1
    }
}
