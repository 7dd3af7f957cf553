#![doc = include_str!("docs/guide.md")]
#![forbid(unsafe_code)]

mod answer;
mod cause;
mod client;
mod counts;
#[cfg(feature = "tokio")]
mod detach;
mod server;
mod stages;
mod wait;

pub use self::answer::{Answer, Cut, HttpAnswer, Why};
pub use self::cause::{ClientGone, Finished, HandlerPanicked, Shutdown};
pub use self::client::{ClientBody, ClientError, ClientFuture, ClientLayer, ClientService};
pub use self::counts::{Counts, End};
#[cfg(feature = "tokio")]
pub use self::detach::{DetachFuture, DetachLayer, DetachService};
pub use self::server::{ServerBody, ServerFuture, ServerLayer, ServerService};
pub use self::stages::{Stages, draining, draining_context};
