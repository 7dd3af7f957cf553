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

#![forbid(unsafe_code)]

mod client;
mod error;
mod redirect;

pub use self::client::Client;
pub use self::error::Error;
