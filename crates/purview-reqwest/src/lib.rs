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
//! | what happens | what the caller gets |
//! |---|---|
//! | the context is done: before anything is sent, during the call, or in its body | [`Error::Done`], with its reason and cause |
//! | the call fails by itself, a timeout of reqwest's among that | [`Error::Call`] |
//! | more redirects than the client follows | [`Error::TooManyRedirects`] |
//! | a status, whichever: a 504 or 503 of the other side too | the response: it says nothing about this side's time, and may be an intermediary's |

#![forbid(unsafe_code)]

mod client;
mod error;
mod redirect;

pub use self::client::Client;
pub use self::error::Error;
