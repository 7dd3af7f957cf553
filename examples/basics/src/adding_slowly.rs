//! 1 + 2 where each increment takes a while: the caller decides how long the sum may take, not the adder.

use std::io::{self, Write};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use futures_lite::future::block_on;
use purview::{Context, Error};

use crate::told;

/// How long one increment takes.
pub const STEP: Duration = Duration::from_millis(100);
/// Enough for one increment of the two, and no more.
pub const TOO_SHORT: Duration = Duration::from_millis(150);
/// Enough for everything.
pub const ENOUGH: Duration = Duration::from_secs(10);

/// Adds 1 to `a`, `b` times, and tells `seen` each sum on the way. Blocks its thread.
pub fn add(ctx: &Context, a: u32, b: u32, mut seen: impl FnMut(u32)) -> Result<u32, Error> {
    let mut sum = a;
    for _ in 0..b {
        ctx.sleep(STEP).wait()?;
        sum += 1;
        seen(sum);
    }
    Ok(sum)
}

/// The same, for any runtime: `wait()` has become `await`.
pub async fn add_async(ctx: &Context, a: u32, b: u32, mut seen: impl FnMut(u32)) -> Result<u32, Error> {
    let mut sum = a;
    for _ in 0..b {
        ctx.sleep(STEP).await?;
        sum += 1;
        seen(sum);
    }
    Ok(sum)
}

/// 1 + 2 in a thread, in at most `limit`.
pub fn within(root: &Context, limit: Duration) -> Result<u32, Error> {
    // The canceler is kept to the end of the block: dropping it cancels.
    let (ctx, _cancel) = root.with_timeout(limit);
    add(&ctx, 1, 2, |_| ())
}

/// The async form of [`within`].
pub async fn within_async(root: &Context, limit: Duration) -> Result<u32, Error> {
    let (ctx, _cancel) = root.with_timeout(limit);
    add_async(&ctx, 1, 2, |_| ()).await
}

/// 1 + 2, canceled from another thread as soon as that has seen the sum half-way.
pub fn canceled_half_way(root: &Context) -> Result<u32, Error> {
    watched(root, |ctx, seen| add(ctx, 1, 2, seen))
}

/// The async form of [`canceled_half_way`]: who cancels need not know that it cancels a future.
pub fn canceled_half_way_async(root: &Context) -> Result<u32, Error> {
    watched(root, |ctx, seen| block_on(add_async(ctx, 1, 2, seen)))
}

/// Runs `adder` while another thread watches its sums and cancels it when they come to 2.
fn watched(
    root: &Context,
    adder: impl FnOnce(&Context, &dyn Fn(u32)) -> Result<u32, Error>,
) -> Result<u32, Error> {
    let (ctx, cancel) = root.with_cancel();
    let (sender, sums) = mpsc::channel();
    thread::scope(move |scope| {
        scope.spawn(move || {
            if sums.iter().any(|sum| sum == 2) {
                cancel.cancel_with("2 is all that is wanted");
            }
        });
        adder(&ctx, &|sum| {
            // Fails when the other thread has seen enough.
            let _ = sender.send(sum);
        })
    })
}

/// Runs the program.
pub fn run(out: &mut dyn Write) -> io::Result<()> {
    let root = Context::background();
    tell(out, "threads", &within(&root, TOO_SHORT), &canceled_half_way(&root), &within(&root, ENOUGH))?;
    tell(
        out,
        "async",
        &block_on(within_async(&root, TOO_SHORT)),
        &canceled_half_way_async(&root),
        &block_on(within_async(&root, ENOUGH)),
    )
}

type Sum = Result<u32, Error>;

fn tell(out: &mut dyn Write, form: &str, late: &Sum, canceled: &Sum, in_time: &Sum) -> io::Result<()> {
    for (case, sum) in [("too little time", late), ("canceled half-way", canceled), ("enough time", in_time)]
    {
        let sum = sum.as_ref().map_or_else(told, u32::to_string);
        writeln!(out, "{form}, {case}: 1 + 2 = {sum}")?;
    }
    Ok(())
}
