//! Why a call failed: by its context, or by itself.

use purview::Error;
use std::error::Error as StdError;
use std::fmt;

/// Why a call, or the body of its response, failed.
///
/// # Examples
///
/// ```
/// use purview::Context;
/// use purview_tower::ClientError;
///
/// let (ctx, canceler) = Context::background().with_cancel();
/// canceler.cancel();
/// let error = ClientError::<std::io::Error>::Done(ctx.error().unwrap());
/// assert_eq!(error.to_string(), "context canceled");
/// ```
#[derive(Debug)]
pub enum ClientError<E> {
    /// The context was done before the call, or before its end. Whether it arrived is not known, unless the context was done
    /// before the call.
    Done(Error),
    /// What the inner service, or its body, failed with.
    Inner(E),
}

impl<E: fmt::Display> fmt::Display for ClientError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(error) => error.fmt(f),
            Self::Inner(error) => error.fmt(f),
        }
    }
}

/// Each variant shows the text of what is inside, whose source is the source.
impl<E: StdError + 'static> StdError for ClientError<E> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Done(error) => error.source(),
            Self::Inner(error) => error.source(),
        }
    }
}
