//! The three processes, as their parent sees them.

use std::io;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use purview::{Clock, Context};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout, Command};

use crate::account::Work;
use crate::args::{Role, Serve};

/// How long a process may take to say where it listens.
const START: Duration = Duration::from_secs(20);

/// How long it may take to end. It has limits of its own, which are tighter.
const STOP: Duration = Duration::from_secs(60);

/// The three, each in the service of the one before.
#[derive(Debug)]
pub(crate) struct Children {
    /// In the order in which they end.
    all: Vec<Child>,
}

/// What each process did.
pub(crate) type Works = Vec<(Role, Vec<Work>)>;

impl Children {
    /// Starts them from the last to the first, so that each knows whom to call.
    pub(crate) async fn start(serve: &Serve) -> io::Result<Self> {
        let mut all: Vec<Child> = Vec::new();
        let listen =
            [(Role::Store, serve.store), (Role::Catalog, serve.catalog), (Role::Gateway, serve.http)];
        for (role, listen) in listen {
            let next = all.first().map(|child| child.addr);
            all.insert(0, Child::start(role, listen, next, serve.propagation).await?);
        }
        Ok(Self { all })
    }

    pub(crate) fn addr(&self, role: Role) -> SocketAddr {
        self.all.iter().find(|child| child.role == role).expect("all three were started").addr
    }

    /// Waits until one of them ends, which none should.
    pub(crate) async fn lost(&mut self) -> io::Error {
        let ends = self.all.iter_mut().map(|child| {
            Box::pin(async {
                let end = child.process.wait().await;
                let how = end.map_or_else(|error| error.to_string(), |status| status.to_string());
                io::Error::other(format!("{} has gone: {how}", child.role.name()))
            })
        });
        futures::future::select_all(ends).await.0
    }

    /// Ends them, the first first, and gives what each did.
    pub(crate) async fn stop(self) -> io::Result<Works> {
        let mut works = Vec::new();
        for child in self.all {
            works.push((child.role, child.stop().await?));
        }
        Ok(works)
    }
}

/// A process of ours. It ends with its standard input, so also with this process, however that ends; dropped, it ends at once.
#[derive(Debug)]
struct Child {
    role: Role,
    addr: SocketAddr,
    process: tokio::process::Child,
    /// Kept apart: to wait for a process closes the input that it holds.
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Child {
    async fn start(
        role: Role,
        listen: SocketAddr,
        next: Option<SocketAddr>,
        propagation: bool,
    ) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["process", role.name(), "--listen", &listen.to_string()]);
        command.args(["--propagation", if propagation { "on" } else { "off" }]);
        if let Some(next) = next {
            command.args(["--next", &next.to_string()]);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn()?;
        let input = process.stdin.take().expect("piped");
        let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let line = within(START, lines.next_line()).await?;
        let addr = line.as_deref().and_then(|line| line.strip_prefix("listening ")?.parse().ok());
        let addr = addr.ok_or_else(|| io::Error::other(format!("{} did not start", role.name())))?;
        Ok(Self { role, addr, process, input, lines })
    }

    async fn stop(self) -> io::Result<Vec<Work>> {
        let Self { role, mut process, input, mut lines, .. } = self;
        drop(input);
        let name = role.name();
        let line = within(STOP, lines.next_line()).await?;
        let line =
            line.ok_or_else(|| io::Error::other(format!("{name} ended without saying what it did")))?;
        let status = within(STOP, process.wait()).await?;
        if !status.success() {
            return Err(io::Error::other(format!("{name} failed: {status}")));
        }
        Ok(serde_json::from_str(&line)?)
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let limit = Context::root(Clock::system()).derive().timeout(limit).build();
    limit.run(work).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}
