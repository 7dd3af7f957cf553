//! The end of a context as a channel, for `crossbeam_channel::select!`.

use crate::context::Context;
use crate::raw::{Callback, Handle, Registered};
use crate::sync::Mutex;
use crossbeam_channel::{Receiver, Sender, bounded};
use std::convert::Infallible;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A channel that nothing is ever sent on, and that disconnects when a context is done. Made by
/// [`Context::done_channel`]; it dereferences to the receiver.
///
/// # Examples
///
/// ```
/// use crossbeam_channel::{select, unbounded};
/// use purview::Context;
///
/// let (_work_sender, work) = unbounded::<u32>();
/// let (ctx, canceler) = Context::background().with_cancel();
/// let done = ctx.done_channel();
/// canceler.cancel();
/// select! {
///     recv(work) -> job => panic!("there is no work: {job:?}"),
///     recv(done) -> _ => assert!(ctx.is_done()),
/// }
/// ```
///
/// A clone is the same channel. A bare receiver that is cloned from it disconnects when the last of these is dropped.
#[derive(Clone)]
pub struct DoneChannel(Arc<Inner>);

struct Inner {
    receiver: Receiver<Infallible>,
    registered: Arc<Registered<Disconnect>>,
    handle: Handle,
}

/// The sending end, dropped when the context is done.
struct Disconnect(Mutex<Option<Sender<Infallible>>>);

impl Callback for Disconnect {
    fn call(&self) {
        let sender = self.0.lock().take();
        drop(sender);
    }
}

impl fmt::Debug for Disconnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disconnect")
    }
}

impl Context {
    /// The end of this context as a channel that disconnects; see [`DoneChannel`]. Dropping the last clone
    /// takes it off the context.
    ///
    /// # Examples
    ///
    /// See [`DoneChannel`].
    pub fn done_channel(&self) -> DoneChannel {
        let (sender, receiver) = bounded(0);
        let registered = Registered::new(&self.0, Disconnect(Mutex::new(Some(sender))));
        DoneChannel(Arc::new(Inner { receiver, registered, handle: self.0.clone() }))
    }
}

impl Deref for DoneChannel {
    type Target = Receiver<Infallible>;

    fn deref(&self) -> &Self::Target {
        &self.0.receiver
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.registered.unregister(&self.handle);
    }
}

impl fmt::Debug for DoneChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DoneChannel")
    }
}
