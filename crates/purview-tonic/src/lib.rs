#![doc = include_str!("docs/guide.md")]
#![forbid(unsafe_code)]
#![doc(test(attr(deny(warnings))))]

mod client;
mod fallible;
mod map;
mod messages;
mod request;
mod server;

pub use self::client::{ClientBody, ClientFuture, ClientLayer, ClientService};
pub use self::fallible::Fallible;
pub use self::map::{StatusExt, to_status};
pub use self::messages::Messages;
pub use self::request::{ContextExt, RequestExt};
pub use self::server::{GrpcAnswer, Inbound, InboundFuture, ServerLayer};

/// The header with the time that is left.
const TIMEOUT: http::HeaderName = http::HeaderName::from_static("grpc-timeout");
