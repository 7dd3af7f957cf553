//! A waker that blocks in the thread that fires deadlines on the system clock.
//!
//! In a process of its own, so that nobody else waits for deadlines meanwhile.

use std::time::Duration;

use purview::Context;
use purview_test::{BlockingWaker, HANG_LIMIT, task, within};

const HOUR: Duration = Duration::from_secs(3600);
const SOON: Duration = Duration::from_millis(3);

#[test]
fn a_waker_that_blocks_does_not_hold_up_the_deadlines_of_others() {
    within(HANG_LIMIT, || {
        let (ctx, _cancel) = Context::background().with_timeout(SOON);
        let blocking = BlockingWaker::new();
        let mut done = task(ctx.done());
        if done.poll_with(&blocking.waker()).is_pending() {
            blocking.wait_until_blocked();
        }
        assert!(ctx.is_done());
        let (next, _cancel) = Context::background().with_timeout(SOON);
        assert!(next.done().wait().is_deadline_exceeded());

        // Those who only poll need another thread, which whoever arms a deadline starts.
        let (polled, _cancel) = Context::background().with_timeout(SOON);
        while !polled.is_done() {
            let (far, _cancel) = Context::background().with_timeout(HOUR);
            assert!(!far.is_done(), "a look, which arms it");
        }
        blocking.release();
        wait_until_one_thread_is_left();

        // It sleeps for a far deadline now, and is woken for a near one, and for the next.
        let (far, _cancel) = Context::background().with_timeout(HOUR);
        assert!(!far.is_done());
        let wakeups = far.clock().timer_wakeups();
        for _ in 0..3 {
            let (near, _cancel) = Context::background().with_timeout(SOON);
            while !near.is_done() {
                std::thread::yield_now();
            }
        }
        assert!(far.clock().timer_wakeups() > wakeups);
    });
}

/// The thread that was stuck ends when it comes back.
fn wait_until_one_thread_is_left() {
    let names = || {
        let threads = std::fs::read_dir("/proc/self/task").expect("a list of threads");
        threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("comm")).ok())
    };
    while cfg!(target_os = "linux") && names().filter(|name| name.trim_end() == "purview-timer").count() != 1
    {
        std::thread::yield_now();
    }
}
