//! What a context allocates, beside a token of tokio-util's. Run it with
//! `cargo run --release -p purview-bench --bin allocations`.

#![forbid(unsafe_code)]

use purview::Context;
use std::hint::black_box;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

fn main() {
    let (ctx, _canceler) = Context::background().with_cancel();
    let token = CancellationToken::new();
    println!("{:<28} {:>7} {:>7}", "one context", "allocs", "bytes");
    show("cancelable child", || drop(black_box(ctx.with_cancel())));
    show("child with a timeout", || drop(black_box(ctx.with_timeout(Duration::from_secs(3600)))));
    show("tokio-util's child token", || drop(black_box(token.child_token())));
}

fn show(what: &str, work: impl Fn()) {
    // Once before it counts, for what is made at the first use.
    work();
    let seen = allocation_counter::measure(work);
    println!("{what:<28} {:>7} {:>7}", seen.count_total, seen.bytes_total);
}
