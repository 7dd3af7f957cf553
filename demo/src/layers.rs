//! All that makes contexts cross: the layers around the services and clients of the demo, and the key that crosses.

use std::io;

use axum::{Extension, Router};
use purview::{Codec, Context, Key};
use purview_propagate::Policy;
use purview_tonic::{ClientLayer, ClientService};
use tonic::transport::{Channel, Endpoint};
use tower::Layer as _;

use crate::process::Process;

/// Who asks. It comes with the request as baggage and goes all the way to the store, which gives that tenant's rows.
pub(crate) static TENANT: Key<String> = Key::new("tenant")
    .shown()
    .crossing(Codec { encode: |t| Some(t.clone()), decode: |text| Ok(text.to_owned()) });

/// A channel whose calls carry their context.
pub(crate) type Client = ClientService<Channel>;

/// Gives every HTTP request a context, which has its deadline and its tenant.
pub(crate) fn http_server(router: Router, process: &Process) -> io::Result<Router> {
    if !process.propagation {
        return Ok(nothing_crosses(router, process));
    }
    let layer = purview_tower::ServerLayer::new(process.requests()).policy(from_anybody()?);
    process.counts_are(layer.counts());
    Ok(router.layer(layer))
}

/// Gives every gRPC call a context, which has its deadline and its tenant.
pub(crate) fn grpc_server(router: Router, process: &Process) -> io::Result<Router> {
    if !process.propagation {
        return Ok(nothing_crosses(router, process));
    }
    let layer = purview_tonic::ServerLayer::new(process.requests()).policy(from_anybody()?);
    process.counts_are(layer.counts());
    Ok(router.layer(layer))
}

/// Sends what is left of the time, and the tenant, with every call.
pub(crate) fn grpc_client(endpoint: &Endpoint) -> io::Result<Client> {
    let policy = Policy::trusted().allow(&TENANT).map_err(io::Error::other)?;
    Ok(ClientLayer::new().policy(policy).layer(endpoint.connect_lazy()))
}

/// Anybody may shorten their time and say who they are; a real edge would believe the second to few.
fn from_anybody() -> io::Result<Policy> {
    Policy::untrusted().allow_inbound(&TENANT).map_err(io::Error::other)
}

/// For contrast: every request has the context of the whole process, which knows nothing of it and never ends.
fn nothing_crosses(router: Router, process: &Process) -> Router {
    router.layer(Extension::<Context>(process.requests().clone()))
}
