//! A waker that blocks in the thread that fires deadlines on the system clock.
//!
//! In a process of its own, so that nobody else waits for deadlines meanwhile.

use std::time::Duration;

use purview::Context;
use purview_test::{BlockingWaker, HANG_LIMIT, task, within};

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
        blocking.release();
    });
}
