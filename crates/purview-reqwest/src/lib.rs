//! Calls over reqwest that stop with their context and say how much time is left.
//!
//! ```no_run
//! use purview::Context;
//! use purview_reqwest::{Client, Error};
//!
//! async fn stock(ctx: &Context, client: &Client) -> Result<String, Error> {
//!     let request = client.inner().get("http://stock.example.com/7");
//!     let response = client.send(ctx, request).await?; // Err as soon as ctx is done
//!     Ok(response.text().await?) // and here too
//! }
//! ```
//!
//! A call that stops is dropped: over HTTP/1 its connection is closed, over HTTP/2 its stream is reset, and the other side knows.
//!
//! | what happens | what the caller gets | what the other side sees |
//! |---|---|---|
//! | the context is done before anything is sent | [`Error::Done`], with its reason and cause | nothing |
//! | the context is done during the call, or in its body | the same | that its client is gone |
//! | the future or the response is dropped before its end | nothing | that its client is gone |
//! | the call fails by itself, a timeout of reqwest's among that | [`Error::Call`] | that its client is gone, if it had the request |
//! | more redirects than the client follows | [`Error::TooManyRedirects`] | requests that it answered |
//! | a status, whichever: a 504 or 503 of the other side too | the response: it says nothing about this side's time, and may be an intermediary's | a request that it answered |

#![forbid(unsafe_code)]

mod client;
mod error;
mod redirect;

pub use self::client::Client;
pub use self::error::Error;
