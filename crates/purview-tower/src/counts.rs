//! How many requests there are, and how those before ended.

use purview::{Error, Reason};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::cause::{ClientGone, Finished, HandlerPanicked};

/// How a request ended.
///
/// # Examples
///
/// ```
/// use purview_tower::End;
///
/// assert_eq!(End::ALL.len(), 7);
/// assert_eq!(End::ClientGone.to_string(), "client gone");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// The response was handed over to its end.
    Finished,
    /// The time was up, before the start, before the head, or in the body.
    Deadline,
    /// The server dropped handler or body before the end: the client is gone.
    ClientGone,
    /// Canceled from above, while the server shuts down.
    Shutdown,
    /// Handler or body panicked, or a codec or observer of the policy before there was a context.
    Panicked,
    /// The policy refused its headers; it never had a context.
    Refused,
    /// The connection was handed over to another protocol, and the context to whoever speaks that.
    Upgraded,
}

impl End {
    /// All of them, in the order in which they are declared.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(purview_tower::End::ALL[0], purview_tower::End::Finished);
    /// ```
    pub const ALL: [Self; 7] = [
        Self::Finished,
        Self::Deadline,
        Self::ClientGone,
        Self::Shutdown,
        Self::Panicked,
        Self::Refused,
        Self::Upgraded,
    ];

    /// What the end of a context says about its request. Whatever came first ended it, so each request has one end.
    pub(crate) fn of(error: &Error) -> Self {
        match error.reason() {
            Reason::DeadlineExceeded => Self::Deadline,
            Reason::Canceled if error.cause().is::<Finished>() => Self::Finished,
            Reason::Canceled if error.cause().is::<ClientGone>() => Self::ClientGone,
            Reason::Canceled if error.cause().is::<HandlerPanicked>() => Self::Panicked,
            // Only a context above ours can have ended it otherwise, whatever its cause.
            Reason::Canceled => Self::Shutdown,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Finished => "finished",
            Self::Deadline => "deadline",
            Self::ClientGone => "client gone",
            Self::Shutdown => "shutdown",
            Self::Panicked => "panicked",
            Self::Refused => "refused",
            Self::Upgraded => "upgraded",
        })
    }
}

/// How many requests of a server layer are live, and how those before ended. Clones show the same numbers.
///
/// Each number is exact; two that are read one after the other may be of different moments. Reading neither blocks nor allocates.
///
/// # Examples
///
/// ```
/// use purview::Context;
/// use purview_tower::{End, ServerLayer};
///
/// let layer = ServerLayer::new(&Context::background());
/// let counts = layer.counts();
/// assert_eq!((counts.live(), counts.ended(End::Finished)), (0, 0));
/// ```
#[derive(Clone, Default)]
pub struct Counts(Arc<Numbers>);

#[derive(Default)]
struct Numbers {
    live: AtomicU64,
    ended: [AtomicU64; End::ALL.len()],
}

impl Counts {
    /// The requests that have a context that the layer has yet to end: in the handler, or in the body of the response.
    ///
    /// # Examples
    ///
    /// See [`Counts`].
    pub fn live(&self) -> u64 {
        self.0.live.load(Ordering::Acquire)
    }

    /// The requests that came to this end, since the layer was made.
    ///
    /// # Examples
    ///
    /// See [`Counts`].
    pub fn ended(&self, end: End) -> u64 {
        self.0.ended[end as usize].load(Ordering::Acquire)
    }

    pub(crate) fn begin(&self) {
        self.0.live.fetch_add(1, Ordering::Relaxed);
    }

    /// Whoever reads that nothing is live any more sees how it ended.
    pub(crate) fn end(&self, end: End) {
        self.end_unbegun(end);
        self.0.live.fetch_sub(1, Ordering::Release);
    }

    pub(crate) fn end_unbegun(&self, end: End) {
        self.0.ended[end as usize].fetch_add(1, Ordering::Release);
    }
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("Counts");
        text.field("live", &self.live());
        for end in End::ALL {
            text.field(&end.to_string(), &self.ended(end));
        }
        text.finish()
    }
}
