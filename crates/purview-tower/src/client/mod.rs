//! The side that calls: what is left goes along, and the call stops with its context.

mod body;
mod error;
mod future;
mod layer;
mod service;

pub use self::body::ClientBody;
pub use self::error::ClientError;
pub use self::future::ClientFuture;
pub use self::layer::ClientLayer;
pub use self::service::ClientService;
