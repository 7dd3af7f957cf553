//! Go's examples of ending a call that blocks and knows nothing of contexts.

use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use purview::{Context, Error, ManualClock};
use purview_conformance::{DEADLINE_EXCEEDED, settles};

const MILLI: Duration = Duration::from_millis(1);

/// What the waiters wait for: never true here.
type Shared = Arc<(Mutex<bool>, Condvar)>;

/// Waits until the condition holds or the context is done.
fn wait_on_condition(ctx: &Context, shared: &Shared) -> Result<(), Error> {
    let waker = Arc::clone(shared);
    let registration = ctx.after_func(move || {
        // With the lock, so that no waiter is between its look at the context and its wait.
        let _guard = waker.0.lock().expect("no waiter panics");
        waker.1.notify_all();
    });
    let mut ready = shared.0.lock().expect("no waiter panics");
    let result = loop {
        if *ready {
            break Ok(());
        }
        if let Err(error) = ctx.check() {
            break Err(error);
        }
        ready = shared.1.wait(ready).expect("no waiter panics");
    };
    drop(ready);
    registration.stop();
    result
}

#[test]
fn a_callback_ends_a_wait_on_a_condition_variable() {
    let printed = settles("waiting on a condition", || {
        let clock = ManualClock::new();
        let root = Context::root(&clock);
        let shared = Shared::default();
        thread::scope(|scope| {
            let waiters: Vec<_> = (0..4)
                .map(|_| {
                    let (ctx, cancel) = root.with_timeout(MILLI);
                    let shared = &shared;
                    scope.spawn(move || {
                        let _cancel = cancel;
                        wait_on_condition(&ctx, shared).expect_err("the condition never holds").to_string()
                    })
                })
                .collect();
            clock.advance(MILLI);
            waiters.into_iter().map(|waiter| waiter.join().expect("no waiter panics")).collect::<Vec<_>>()
        })
    });
    assert_eq!(printed, [DEADLINE_EXCEEDED; 4]);
}

/// Shutting down a socket wakes its blocked reader on Unix; what does so elsewhere is not the subject here.
#[cfg(unix)]
mod connection {
    use std::io::{self, Read};
    use std::net::{Shutdown, TcpListener, TcpStream};

    use super::{Context, DEADLINE_EXCEEDED, MILLI, ManualClock, settles, thread};

    /// Reads from the connection until something comes or the context is done.
    fn read(ctx: &Context, mut connection: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
        let other = connection.try_clone()?;
        let registration = ctx.after_func(move || {
            // It fails if the peer has gone, and then the read has ended by itself.
            let _ = other.shutdown(Shutdown::Read);
        });
        let result = connection.read(buffer);
        match (registration.stop_and_wait(), ctx.check()) {
            // The callback has run, so what was read may be its doing.
            (Ok(false), Err(error)) => Err(error.into()),
            _ => result,
        }
    }

    #[test]
    fn a_callback_ends_a_read_from_a_silent_connection() {
        let printed = settles("reading from a silent peer", || {
            let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
            let address = listener.local_addr().expect("it is bound");
            let connection = TcpStream::connect(address).expect("it listens");
            let (_silent, _) = listener.accept().expect("someone connects");

            let clock = ManualClock::new();
            let (ctx, _cancel) = Context::root(&clock).with_timeout(MILLI);
            thread::scope(|scope| {
                let reader = scope.spawn(|| read(&ctx, &connection, &mut [0; 16]));
                clock.advance(MILLI);
                let result = reader.join().expect("the reader does not panic");
                result.expect_err("nothing was sent").to_string()
            })
        });
        assert_eq!(printed, DEADLINE_EXCEEDED);
    }
}
