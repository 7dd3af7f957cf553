//! A deadline of 50 ms against a wait of 1 s; and the same as a timeout.

use std::io::{self, Write};
use std::time::Duration;

use futures_lite::future::{block_on, pending};
use purview::{Context, Error};

use crate::told;

/// How much time the context gives.
pub const LIMIT: Duration = Duration::from_millis(50);
/// How long the wait would take.
pub const WAIT: Duration = Duration::from_secs(1);

/// Waits for `WAIT` or for `ctx`, whichever is first: the context's error if that was it.
pub fn wait(ctx: &Context) -> Result<(), Error> {
    match ctx.done().wait_timeout(WAIT) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// The same with a sleep, which any runtime can poll.
pub async fn wait_async(ctx: &Context) -> Result<(), Error> {
    ctx.sleep(WAIT).await
}

/// Under a deadline, an instant of the context's own clock.
pub fn with_deadline(root: &Context) -> Result<(), Error> {
    let (ctx, _cancel) = root.with_deadline(root.clock().now() + LIMIT);
    wait(&ctx)
}

/// Under a timeout, which is the same deadline counted from now; it may say why it is there.
pub fn with_timeout(root: &Context) -> Result<(), Error> {
    let (ctx, _cancel) = root.with_timeout_cause(LIMIT, "nobody waits longer than 50 ms");
    wait(&ctx)
}

/// The async form of [`with_deadline`].
pub async fn with_deadline_async(root: &Context) -> Result<(), Error> {
    let (ctx, _cancel) = root.with_deadline(root.clock().now() + LIMIT);
    wait_async(&ctx).await
}

/// The async form of [`with_timeout`], around a future that would never end and knows nothing of contexts.
pub async fn with_timeout_async(root: &Context) -> Result<(), Error> {
    let (ctx, _cancel) = root.with_timeout_cause(LIMIT, "nobody waits longer than 50 ms");
    ctx.run(pending()).await
}

/// Runs the program.
pub fn run(out: &mut dyn Write) -> io::Result<()> {
    let root = Context::background();
    for (case, outcome) in [
        ("threads, deadline", with_deadline(&root)),
        ("threads, timeout", with_timeout(&root)),
        ("async, deadline", block_on(with_deadline_async(&root))),
        ("async, timeout", block_on(with_timeout_async(&root))),
    ] {
        let outcome = outcome.map_or_else(|error| told(&error), |()| "overslept".to_owned());
        writeln!(out, "{case}: {outcome}")?;
    }
    Ok(())
}
