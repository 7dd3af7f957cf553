//! A blocking read that a context can stop: `after_func` shuts the socket down when the context is done.
//!
//! This is how anything that knows nothing of contexts is made to obey one: register what wakes it up, do it, and take
//! the registration back.

use std::io::{self, Read as _, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use purview::Context;

use crate::told;

/// Reads what comes until the peer closes, or until `ctx` is done.
pub fn read(ctx: &Context, mut socket: TcpStream) -> io::Result<String> {
    let handle = socket.try_clone()?;
    let stop = ctx.after_func(move || {
        // The read below then returns. Fails only if the peer has closed already, which ends the read too.
        let _ = handle.shutdown(Shutdown::Both);
    });
    let mut text = String::new();
    let read = socket.read_to_string(&mut text);
    // True if this call prevented the callback: then the read came to its own end.
    if stop.stop() {
        read?;
    } else {
        ctx.check()?;
    }
    Ok(text)
}

/// Reads from a peer that says hello and closes.
pub fn polite_peer(root: &Context) -> io::Result<String> {
    let (ctx, _cancel) = root.with_cancel();
    let (ours, mut theirs) = pair()?;
    theirs.write_all(b"hello")?;
    drop(theirs);
    read(&ctx, ours)
}

/// Reads from a peer that never says anything, until another thread has had enough after `limit`.
pub fn silent_peer(root: &Context, limit: Duration) -> io::Result<String> {
    let (ctx, cancel) = root.with_cancel();
    let (ours, _theirs) = pair()?;
    thread::scope(|scope| {
        scope.spawn(|| {
            if root.sleep(limit).wait().is_ok() {
                cancel.cancel_with("the peer says nothing");
            }
        });
        read(&ctx, ours)
    })
}

/// Two ends of one connection.
fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let ours = TcpStream::connect(listener.local_addr()?)?;
    Ok((ours, listener.accept()?.0))
}

/// Runs the program. A future needs no such help: `ctx.run(future)` stops it by dropping it.
pub fn run(out: &mut dyn Write) -> io::Result<()> {
    let root = Context::background();
    tell(out, "a polite peer", &polite_peer(&root))?;
    tell(out, "a silent peer", &silent_peer(&root, Duration::from_millis(50)))
}

fn tell(out: &mut dyn Write, case: &str, read: &io::Result<String>) -> io::Result<()> {
    match read {
        Ok(text) => writeln!(out, "{case}: read {text:?}"),
        Err(error) => writeln!(out, "{case}: {}", why(error)),
    }
}

/// The context's error comes back out of the `io::Error` that `?` made of it.
fn why(error: &io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(error) => told(error),
        None => error.to_string(),
    }
}
