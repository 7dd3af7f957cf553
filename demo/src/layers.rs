//! All that makes contexts cross: the layers around the services and clients of the demo, and the key that crosses.

use axum::{Extension, Router};
use purview::{Codec, Context, Error, Key};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::process::Process;

/// Who asks. It comes with the request as baggage and goes all the way to the store, which gives that tenant's rows.
pub(crate) static TENANT: Key<String> = Key::new("tenant")
    .shown()
    .crossing(Codec { encode: |t| Some(t.clone()), decode: |text| Ok(text.to_owned()) });

#[derive(Debug)]
pub(crate) struct Shutdown;

impl std::fmt::Display for Shutdown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("shutdown")
    }
}
impl std::error::Error for Shutdown {}

pub(crate) fn http_server(router: Router, process: &Process) -> Router {
    router.layer(Extension(process.requests.clone()))
}

pub(crate) fn grpc_server(router: Router, process: &Process) -> Router {
    router.layer(Extension(process.requests.clone()))
}

pub(crate) type Client = Channel;

pub(crate) fn grpc_client(endpoint: &Endpoint, _process: &Process) -> Client {
    endpoint.connect_lazy()
}

/// The context of a request that came in.
pub(crate) fn context<T>(request: &Request<T>) -> Context {
    request.extensions().get::<Context>().cloned().expect("a layer puts one into every request")
}

/// A request that goes out for `ctx`.
pub(crate) fn request<T>(ctx: &Context, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(ctx.clone());
    request
}

/// What to answer when the context is done.
pub(crate) fn status(error: &Error) -> Status {
    if error.is_deadline_exceeded() {
        Status::deadline_exceeded(format!("{error:#}"))
    } else {
        Status::cancelled(format!("{error:#}"))
    }
}
