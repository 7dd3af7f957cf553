//! One context that ends with the first of two: a job belongs to its client and to the server that runs it.

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use futures_lite::future::{block_on, pending, zip};
use purview::{Context, Error, Key};

use crate::told;

static CLIENT: Key<&str> = Key::new("client");

/// Who ends the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// The client, for which the job is done.
    Client,
    /// The server, on which it is done.
    Server,
}

/// What became of the job.
#[derive(Debug)]
pub struct Outcome {
    /// For whom it was done.
    pub client: Option<&'static str>,
    /// Why it stopped.
    pub error: Error,
}

/// A job that would go on for ever, until the client or the server ends it from another thread.
pub fn job(root: &Context, ends: Ends) -> Outcome {
    let (client, server) = (root.with_value(&CLIENT, "ada").with_cancel(), root.with_cancel());
    // Values and clock come from the first source, the deadline is the least of both.
    let job = Context::merge([&client.0, &server.0]);
    thread::scope(|scope| {
        let worker = scope.spawn(|| job.done().wait());
        end(ends, client.1, server.1);
        let error = worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Outcome { client: job.value(&CLIENT).copied(), error }
    })
}

/// The same with two futures beside each other.
pub async fn job_async(root: &Context, ends: Ends) -> Outcome {
    let (client, server) = (root.with_value(&CLIENT, "ada").with_cancel(), root.with_cancel());
    let job = Context::merge([&client.0, &server.0]);
    let worker = job.run(pending::<()>());
    let (stopped, ()) = zip(worker, async { end(ends, client.1, server.1) }).await;
    let error = stopped.err().unwrap_or_else(|| unreachable!("a pending future does not end by itself"));
    Outcome { client: job.value(&CLIENT).copied(), error }
}

/// Cancels one, and keeps the other alive: a canceler that is dropped would cancel too.
fn end(ends: Ends, client: purview::Canceler, server: purview::Canceler) {
    match ends {
        Ends::Client => {
            server.detach();
            client.cancel_with("the client went away");
        }
        Ends::Server => {
            client.detach();
            server.cancel_with("the server shuts down");
        }
    }
}

/// What is left for a job whose client gives a minute and whose server gives an hour.
pub fn least_deadline(root: &Context) -> Option<Duration> {
    let now = root.clock().now();
    let (client, _client) = root.with_deadline(now + Duration::from_secs(60));
    let (server, _server) = root.with_deadline(now + Duration::from_secs(3600));
    Some(Context::merge([&server, &client]).deadline()?.duration_since(now))
}

/// Runs the program.
pub fn run(out: &mut dyn Write) -> io::Result<()> {
    let root = Context::background();
    for ends in [Ends::Client, Ends::Server] {
        tell(out, "threads", &job(&root, ends))?;
        tell(out, "async", &block_on(job_async(&root, ends)))?;
    }
    let least = least_deadline(&root).unwrap_or_default().as_secs();
    writeln!(out, "the least deadline of 3600 s and 60 s: {least} s")
}

fn tell(out: &mut dyn Write, form: &str, outcome: &Outcome) -> io::Result<()> {
    let client = outcome.client.unwrap_or("nobody");
    writeln!(out, "{form}: the job for {client} stopped: {}", told(&outcome.error))
}
