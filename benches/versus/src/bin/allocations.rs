//! What each side allocates, one object a line. `purview-versus` runs it, since counting would slow what that times.

#![forbid(unsafe_code)]

use purview::Key;
use purview_versus::counts::Count;
use purview_versus::peers::{HOUR, Root, TokenRoot, TokioTime, polled};
use purview_versus::served::{
    ANSWER, layered, layered_over_http, lean_over_http, timed_out, timed_out_over_http,
};
use std::pin::pin;

static USER: Key<u64> = Key::new("user");
static TRACE: Key<u64> = Key::new("trace");

fn main() {
    let Root { ctx: root, .. } = &Root::new();
    let TokenRoot { token, .. } = &TokenRoot::new();
    let time = TokioTime::new();
    let _scope = time.enter();
    let child = || {
        let (child, canceler) = root.with_cancel();
        canceler.cancel();
        assert!(child.is_done());
    };
    show("child after a child", child);
    // The one before has the memory that is kept for the next.
    let before = root.with_cancel();
    count("child", 1, child);
    drop(before);
    show("token", || {
        let child = token.child_token();
        child.cancel();
        assert!(child.is_cancelled());
    });
    show("timeout", || {
        let (child, canceler) = root.with_timeout(HOUR);
        canceler.cancel();
        assert!(child.is_done());
    });
    show("token and sleep", || {
        let child = token.child_token();
        let mut sleep = Box::pin(tokio::time::sleep(HOUR));
        assert!(polled(sleep.as_mut()));
        child.cancel();
    });
    show("request", || {
        let (ctx, _canceler) =
            root.derive().timeout(HOUR).value(&USER, 1).value(&TRACE, 2).named("request").cancelable();
        assert_eq!(ctx.value(&USER), Some(&1));
    });
    show_requests("layers", layered());
    show_requests("tower-http's timeout", timed_out());
    show_requests("layers over HTTP", layered_over_http());
    show_requests("layers without extension over HTTP", lean_over_http());
    show_requests("tower-http's timeout over HTTP", timed_out_over_http());
    // The first deadline that is armed starts the timer thread.
    let (first, _first_canceler) = root.with_timeout(HOUR);
    assert!(!first.is_done());
    let (waited, canceler) = root.with_timeout(HOUR);
    count("waiting", 1, || {
        let mut done = pin!(waited.done());
        assert!(polled(done.as_mut()) && !waited.is_done() && waited.deadline().is_some());
        canceler.cancel();
        assert!(!polled(done.as_mut()) && waited.err().is_some());
    });
}

fn show(what: &str, work: impl Fn()) {
    // Once before it counts, for what is made at the first use.
    work();
    count(what, 1, work);
}

/// A thousand requests, since buffers are made anew now and then.
fn show_requests(what: &str, mut request: impl FnMut() -> u64) {
    const TIMES: u32 = 1_000;
    assert_eq!(request(), ANSWER);
    count(what, TIMES, || assert!((0..TIMES).all(|_| request() == ANSWER)));
}

fn count(what: &str, times: u32, work: impl FnOnce()) {
    let mut work = Some(work);
    let seen = allocation_counter::measure(|| {
        if let Some(work) = work.take() {
            work();
        }
    });
    let what = what.to_owned();
    let count = Count { what, times, allocations: seen.count_total, bytes: seen.bytes_total };
    println!("{}", serde_json::to_string(&count).expect("a plain object"));
}
