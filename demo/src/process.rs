//! What the three processes have in common: a root for all that goes on, a book, an end.

use std::io::{self, BufRead as _, Write as _};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use purview::{Clock, Context};
use purview_tower::{Counts, Stages};
use tokio::net::TcpListener;

use crate::account::{Ledger, Stamps};
use crate::args::{Child, Role};
use crate::{catalog, gateway, serve, store};

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

/// Is one of the three, until the standard input ends. Tells its parent first where it listens, and last what it did.
pub(crate) async fn run(child: Child) -> io::Result<()> {
    let process = Process::new(child.role, Clock::system(), child.propagation);
    let listener = TcpListener::bind(child.listen).await.map_err(|error| {
        io::Error::other(format!("{} cannot listen on {}: {error}", child.role.name(), child.listen))
    })?;
    let router = router(&process, child.next)?;
    say(&format!("listening {}", listener.local_addr()?))?;

    let (stopping, stop) = Context::root(Clock::system()).with_cancel();
    // A thread of its own: reading the standard input cannot be canceled.
    std::thread::spawn(move || {
        end_of_input();
        stop.cancel();
    });
    // Ctrl-C goes to every process of the terminal; the parent decides what comes of it.
    tokio::spawn(async { while tokio::signal::ctrl_c().await.is_ok() {} });

    let drained = serve::serve(listener, router, &process, &stopping).await;
    say(&serde_json::to_string(&process.ledger.works())?)?;
    if drained { Ok(()) } else { Err(io::Error::other(format!("{} did not drain", process.role.name()))) }
}

/// The services of a process. `next` is the one that it calls.
fn router(process: &Process, next: Option<SocketAddr>) -> io::Result<Router> {
    let next = || next.ok_or_else(|| io::Error::other(format!("{} needs --next ADDR", process.role.name())));
    Ok(match process.role {
        Role::Gateway => gateway::router(process, next()?)?,
        Role::Catalog => catalog::router(process, next()?)?,
        Role::Store => store::router(process)?,
    })
}

/// One line for the parent.
fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

fn end_of_input() {
    let mut line = String::new();
    let mut input = io::stdin().lock();
    while input.read_line(&mut line).is_ok_and(|read| read > 0) {
        line.clear();
    }
}
