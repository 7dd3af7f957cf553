//! What the three processes have in common: a root for all that goes on, a book, an end.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use purview::{Clock, Context};
use purview_tower::{Counts, Stages};

use crate::account::{Ledger, Stamps};
use crate::args::Role;

/// How long requests may go on after the end was announced, before they are canceled.
const DRAIN: Duration = Duration::from_secs(1);

/// How long they may take to let go after that. Work that nobody can cancel is waited for as long.
const LET_GO: Duration = Duration::from_secs(30);

/// What every part of a process needs.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) role: Role,
    pub(crate) ledger: Ledger,
    /// Whether contexts cross into and out of this process.
    pub(crate) propagation: bool,
    /// Above all requests, and their end.
    stages: Stages,
    counts: Arc<OnceLock<Counts>>,
}

impl Process {
    pub(crate) fn new(role: Role, clock: Clock, propagation: bool) -> Self {
        let ledger = Ledger::new(Stamps::new(clock.clone()));
        let stages = Stages::new(&Context::root(clock).named(role.name()));
        Self { role, ledger, propagation, stages, counts: Arc::default() }
    }

    /// The context above all requests.
    pub(crate) fn requests(&self) -> &Context {
        self.stages.context()
    }

    /// How many requests there are and were. All zero where contexts do not cross.
    pub(crate) fn counts(&self) -> Counts {
        self.counts.get().cloned().unwrap_or_default()
    }

    /// Says who counts them: the layer around the services.
    pub(crate) fn counts_are(&self, counts: Counts) {
        self.counts.set(counts).expect("one layer for a process");
    }

    /// Waits until all work has let go: first by itself, then canceled. Whether it did.
    pub(crate) async fn drain(&self) -> bool {
        self.stages.drain();
        let limits = Context::root(self.requests().clock());
        let by_itself = limits.derive().timeout(DRAIN).build().run(self.requests().drained()).await;
        if by_itself.is_ok() {
            return true;
        }
        if self.propagation {
            self.stages.shutdown();
        }
        limits.derive().timeout(LET_GO).build().run(self.requests().drained()).await.is_ok()
    }
}
