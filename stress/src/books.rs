//! What happened, counted over all rounds, and what must not have.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

macro_rules! counts {
    ($($name:ident: $text:literal,)*) => {
        /// Counts of what happened, and the faults that were found.
        #[derive(Debug, Default)]
        pub(crate) struct Books {
            $(pub(crate) $name: Count,)*
            faults: Mutex<Vec<String>>,
        }

        impl fmt::Display for Books {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let lines = [$(($text, self.$name.get()),)*];
                for (at, (text, count)) in lines.iter().enumerate() {
                    if at > 0 {
                        writeln!(f)?;
                    }
                    write!(f, "{text:<26} {count:>12}")?;
                }
                Ok(())
            }
        }
    };
}

counts! {
    children: "contexts, cancelable",
    timed: "contexts, with a deadline",
    views: "contexts, with a value",
    merged: "contexts, merged",
    canceled: "canceled by hand",
    dropped: "cancelers dropped",
    deadlines: "ended by a deadline",
    tasks: "waits of tasks",
    tasks_dropped: "of these dropped early",
    wakes: "of these woken",
    threads: "waits of threads",
    callbacks: "callbacks",
    ran: "of these run",
    stopped: "of these stopped",
    unrun: "of these dropped unrun",
    drains: "waits for the drained root",
}

impl Books {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn derived(&self) -> u64 {
        self.children.get() + self.timed.get() + self.views.get() + self.merged.get()
    }

    /// Notes what must not have happened; the first hundred are kept.
    pub(crate) fn fault(&self, what: impl Into<String>) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        if faults.len() < 100 {
            faults.push(what.into());
        }
    }

    pub(crate) fn faults(&self) -> Vec<String> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
