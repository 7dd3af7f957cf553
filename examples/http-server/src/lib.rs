//! A real HTTP server in which each request has a context.
//!
//! * The context has a deadline, from the query string: `GET /work?ms=1000&deadline_ms=200`. Too late is a 504.
//! * The client's disconnect cancels it, with the cause [`ClientGone`].
//! * Shutdown cancels all of them, with the cause [`ShuttingDown`]: they answer 503, and the server waits until all work
//!   has let go.
//!
//! `request.rs` gives each request its context, `work.rs` is a handler whose work runs in a task of its own, and `serve.rs`
//! puts them together and shuts them down.
#![forbid(unsafe_code)]

mod request;
mod serve;
mod work;

pub use request::ClientGone;
pub use serve::{ShuttingDown, serve};

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use purview::{CancelHandle, Context};

/// Where a line of the log goes.
type Log = Arc<dyn Fn(String) + Send + Sync>;

/// What all requests share: the context above all of theirs, and the log.
#[derive(Clone)]
pub struct App {
    /// What is above the requests, and goes on when they are canceled.
    root: Context,
    /// Every request's context is derived from this one, so it is drained when no request and no work is left.
    requests: Context,
    cancel: CancelHandle,
    log: Log,
}

impl App {
    /// An app whose requests live under `root`, and on its clock.
    pub fn new(root: &Context, log: impl Fn(String) + Send + Sync + 'static) -> Self {
        let (requests, canceler) = root.derive().named("requests").cancelable();
        let cancel = canceler.handle();
        // The app is cloned for every connection: it is shutdown that cancels, not the drop of some clone.
        canceler.detach();
        Self { root: root.clone(), requests, cancel, log: Arc::new(log) }
    }

    /// How many requests are live: answered ones are not, unless their work holds on.
    pub fn live(&self) -> usize {
        self.requests.derived_count()
    }

    fn log(&self, line: impl Into<String>) {
        (self.log)(line.into());
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("requests", &self.requests).finish_non_exhaustive()
    }
}

/// How long the server waits for its requests to let go when it shuts down.
pub const DRAIN: Duration = Duration::from_secs(5);
