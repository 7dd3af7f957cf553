//! A limit on hanging.

use std::panic::resume_unwind;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// No test waits this long unless something hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs `work` in a thread and gives its result.
///
/// # Panics
///
/// If it hangs, so that a deadlock is a failure with a name; and as `work` does.
#[track_caller]
pub fn settles<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    let worker = thread::spawn(move || {
        // The receiver is gone only after the limit, and then the test has failed.
        let _ = sender.send(work());
    });
    match receiver.recv_timeout(LIMIT) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => panic!("{what} did not settle within {LIMIT:?}"),
        Err(RecvTimeoutError::Disconnected) => match worker.join() {
            Err(panic) => resume_unwind(panic),
            Ok(()) => unreachable!("the worker sends before it ends"),
        },
    }
}
