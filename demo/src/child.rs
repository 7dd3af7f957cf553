//! One of the three processes, as a child of the job: where it listens, until when, and what it tells its parent.

use std::io::{self, BufRead as _};
use std::net::SocketAddr;

use axum::Router;
use purview::{Clock, Context};
use tokio::net::TcpListener;

use crate::args::{Child, Role};
use crate::output::say;
use crate::process::Process;
use crate::signals::Interrupts;
use crate::{catalog, gateway, serve, store};

/// Is one of the three, until the standard input ends. Tells its parent first where it listens, and last what it did. A parent that
/// has gone misses nothing.
pub(crate) async fn run(child: Child) -> io::Result<()> {
    match live(child).await {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(io::Error::other(format!("{}: {error}", child.role.name()))),
        Ok(()) => Ok(()),
    }
}

async fn live(child: Child) -> io::Result<()> {
    let process = Process::new(child.role, Clock::system(), child.propagation);
    let listener = TcpListener::bind(child.listen)
        .await
        .map_err(|error| io::Error::other(format!("cannot listen on {}: {error}", child.listen)))?;
    let router = router(&process, child.next)?;
    // Ctrl-C goes to every process of the terminal, and a process manager tells all of a group; the parent decides what comes of it.
    let _unheeded = Interrupts::new()?;
    say(&format!("listening {}", listener.local_addr()?))?;

    let (stopping, stop) = Context::root(Clock::system()).with_cancel();
    // A thread of its own: reading the standard input cannot be canceled.
    std::thread::spawn(move || {
        end_of_input();
        stop.cancel();
    });

    let drained = serve::serve(listener, router, &process, &stopping).await;
    say(&serde_json::to_string(&process.ledger.works())?)?;
    if drained { Ok(()) } else { Err(io::Error::other("did not drain")) }
}

/// The services of a process. `next` is the one that it calls.
fn router(process: &Process, next: Option<SocketAddr>) -> io::Result<Router> {
    let next = || next.ok_or_else(|| io::Error::other("needs --next ADDR"));
    Ok(match process.role {
        Role::Gateway => gateway::router(process, next()?)?,
        Role::Catalog => catalog::router(process, next()?)?,
        Role::Store => store::router(process)?,
    })
}

fn end_of_input() {
    let mut line = String::new();
    let mut input = io::stdin().lock();
    while input.read_line(&mut line).is_ok_and(|read| read > 0) {
        line.clear();
    }
}
