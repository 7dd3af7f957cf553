//! What a peer's status means to a caller with a deadline.

use crate::map::find_source;
use http::{HeaderMap, HeaderValue};
use purview::Context;
use std::sync::Arc;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status, TimeoutExpired};

const STATUS: &str = "grpc-status";
const MESSAGE: &str = "grpc-message";
const DETAILS: &str = "grpc-status-details-bin";
const CANCELLED: &str = "1";
const DEADLINE_EXCEEDED: HeaderValue = HeaderValue::from_static("4");
/// The words of tonic's server when its timeout has expired; percent-encoded, as they are on the wire.
const TONIC_TIMED_OUT: &[u8] = b"Timeout%20expired";

/// A peer that is told to stop at the deadline says that it was canceled; the caller was late.
pub(super) fn of(status: Status, ctx: &Context) -> Status {
    let late = status.code() == Code::Cancelled
        && (find_source::<TimeoutExpired>(&status).is_some() || deadline_passed(ctx));
    if !late {
        return status;
    }
    let mut meant = Status::deadline_exceeded(status.message());
    meant.set_source(Arc::new(status));
    meant
}

/// The same for a status that is still in the headers; whether there is one, and the call is over with them.
pub(super) fn of_head(headers: &mut HeaderMap, ctx: Option<&Context>) -> bool {
    let Some(status) = headers.get(STATUS) else { return false };
    if status == CANCELLED && (timed_out_in_tonic(headers) || ctx.is_some_and(deadline_passed)) {
        headers.insert(STATUS, DEADLINE_EXCEEDED);
    }
    drop_broken_details(headers);
    true
}

fn deadline_passed(ctx: &Context) -> bool {
    ctx.check_exact().is_err_and(|error| error.is_deadline_exceeded())
}

fn timed_out_in_tonic(headers: &HeaderMap) -> bool {
    headers.get(MESSAGE).is_some_and(|message| message.as_bytes() == TONIC_TIMED_OUT)
}

/// tonic panics on details that are not base64.
fn drop_broken_details(headers: &mut HeaderMap) {
    if let Some(value) = headers.get(DETAILS) {
        let mut one = HeaderMap::with_capacity(1);
        one.insert(DETAILS, value.clone());
        let broken =
            MetadataMap::from_headers(one).get_bin(DETAILS).is_none_or(|value| value.to_bytes().is_err());
        if broken {
            headers.remove(DETAILS);
        }
    }
}
