//! Why a call failed.

use purview_tower::ClientError;
use std::error::Error as StdError;
use std::fmt;

/// Why a call failed: its context, the call itself, or too many redirects.
///
/// Reading a response gives a [`reqwest::Error`]; `?` makes it one of these, and finds the end of the context in it.
///
/// # Examples
///
/// ```
/// use purview::Context;
/// use purview_reqwest::{Client, Error};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let client = Client::new(reqwest::Client::builder()).unwrap();
/// let (ctx, canceler) = Context::background().with_cancel();
/// canceler.cancel();
/// let error = client.send(&ctx, client.inner().get("http://127.0.0.1:9/")).await.unwrap_err();
/// assert!(matches!(error, Error::Done(error) if error.is_canceled()));
/// # });
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The context was done. Whether the request arrived is not known, unless the context was done before the call.
    Done(purview::Error),
    /// What reqwest says.
    Call(reqwest::Error),
    /// More redirects than the client follows.
    TooManyRedirects(usize),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(error) => error.fmt(f),
            Self::Call(error) => error.fmt(f),
            Self::TooManyRedirects(most) => write!(f, "redirected more than {most} times"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Done(error) => error.source(),
            Self::Call(error) => error.source(),
            Self::TooManyRedirects(_) => None,
        }
    }
}

impl From<reqwest::Error> for Error {
    fn from(error: reqwest::Error) -> Self {
        let mut source = error.source();
        while let Some(inner) = source {
            if let Some(ClientError::Done(done)) = inner.downcast_ref::<ClientError<reqwest::Error>>() {
                return Self::Done(done.clone());
            }
            source = inner.source();
        }
        Self::Call(error)
    }
}

impl From<purview::Error> for Error {
    fn from(error: purview::Error) -> Self {
        Self::Done(error)
    }
}
