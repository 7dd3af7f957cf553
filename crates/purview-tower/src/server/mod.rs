//! The side that is called: a context for each request, from its head to the end of its response.

mod body;
mod ending;
mod future;
mod layer;
mod request;
mod service;

pub use self::body::ServerBody;
pub use self::future::ServerFuture;
pub use self::layer::ServerLayer;
pub use self::service::ServerService;
