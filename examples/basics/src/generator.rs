//! A generator of 1, 2, 3, ... that stops, and leaks nothing, when its consumer has seen 5.
//!
//! The consumer cancels, and then *knows* that the generator has let go: the context from which the generator's was
//! derived is drained.

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use purview::{Context, Error, FutureExt as _};

use crate::told;

/// How long a consumer waits for its generator to let go: far longer than it takes, and not for ever.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came out of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What the consumer saw.
    pub seen: Vec<u64>,
    /// Why the generator says that it stopped.
    pub stopped: String,
    /// Whether all derived contexts were gone after the cancellation.
    pub drained: bool,
    /// How many derived contexts were left.
    pub left: usize,
}

/// Sends 1, 2, 3, ... until the context is done; for a thread of its own.
fn generate(ctx: &Context, numbers: &crossbeam_channel::Sender<u64>) -> Error {
    let done = ctx.done_channel();
    let mut n = 1;
    loop {
        // Blocked on a send that nobody will receive, a thread would be leaked. So it waits for both.
        crossbeam_channel::select! {
            send(numbers, n) -> _ => n += 1,
            recv(done) -> _ => return ctx.done().wait(),
        }
    }
}

/// A thread generates, the caller consumes five.
pub fn first_five(root: &Context) -> thread::Result<Report> {
    let (ctx, cancel) = root.with_cancel();
    let (sender, numbers) = crossbeam_channel::bounded(0);
    // The thread owns a derived context: as long as it has not let go, `ctx` is not drained.
    let theirs = ctx.named("generator");
    let generator = thread::spawn(move || generate(&theirs, &sender));

    let seen = numbers.iter().take(5).collect();
    cancel.cancel_with("five are enough");
    let drained = ctx.drained().wait_timeout(PATIENCE);
    let stopped = told(&generator.join()?);
    Ok(Report { seen, stopped, drained, left: ctx.derived_count() })
}

/// Sends 1, 2, 3, ... until the context is done; for a task of its own.
async fn generate_async(ctx: Context, numbers: tokio::sync::mpsc::Sender<u64>) -> Error {
    let mut n = 1;
    loop {
        // `run` gives up on the send as soon as the context is done, so no `select!` is needed.
        match ctx.run(numbers.send(n)).await {
            Ok(_) => n += 1,
            Err(error) => return error,
        }
    }
}

/// A task generates, the caller consumes five. Needs a tokio runtime around it, for the task.
pub async fn first_five_async(root: &Context) -> Result<Report, tokio::task::JoinError> {
    let (ctx, cancel) = root.with_cancel();
    let (sender, mut numbers) = tokio::sync::mpsc::channel(1);
    let generator = tokio::spawn(generate_async(ctx.named("generator"), sender));

    let mut seen = Vec::new();
    while seen.len() < 5 {
        seen.extend(numbers.recv().await);
    }
    cancel.cancel_with("five are enough");
    let drained = ctx.drained().with_timeout(root, PATIENCE).await.is_ok();
    let stopped = told(&generator.await?);
    Ok(Report { seen, stopped, drained, left: ctx.derived_count() })
}

/// Runs the program.
pub fn run(out: &mut dyn Write) -> io::Result<()> {
    let root = Context::background();
    let report = first_five(&root).map_err(|_| io::Error::other("the generator panicked"))?;
    tell(out, "threads", &report)?;

    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let report = runtime.block_on(first_five_async(&root)).map_err(io::Error::other)?;
    tell(out, "async", &report)
}

fn tell(out: &mut dyn Write, form: &str, report: &Report) -> io::Result<()> {
    writeln!(out, "{form}: the consumer saw {:?}", report.seen)?;
    writeln!(out, "{form}: the generator stopped: {}", report.stopped)?;
    let drained = if report.drained { "drained" } else { "not drained" };
    writeln!(out, "{form}: {drained}, {} derived contexts left", report.left)
}
