//! What a server says, in gRPC's words, when a call ended otherwise than by its handler.

use crate::map::to_status;
use bytes::Bytes;
use http::{HeaderMap, Response};
use purview_tower::{Answer, Cut, Why};
use tonic::Status;

/// The words of gRPC: a response of trailers only before the head, a frame of trailers in the middle of a stream.
///
/// | what happened | status |
/// |---|---|
/// | the deadline passed | `DEADLINE_EXCEEDED` (4) |
/// | the server shuts down | `UNAVAILABLE` (14): the call may be sent elsewhere, as it will not be finished here |
/// | the server's context was canceled for another reason | `CANCELLED` (1) with the cause as message |
/// | headers that the policy refuses, as a malformed `grpc-timeout` | `INTERNAL` (13), as gRPC's C core and grpc-go have it |
///
/// The first three rows are [`to_status`](crate::to_status). A client that left is told nothing.
///
/// # Examples
///
/// ```
/// use purview::Context;
/// use purview_tonic::GrpcAnswer;
/// use purview_tower::{Answer, Why};
/// use std::time::Duration;
///
/// let ctx = Context::background().derive().timeout(Duration::ZERO).build();
/// let response = GrpcAnswer.answer(&Why::Late(&ctx.error().unwrap()));
/// assert_eq!(response.headers()["grpc-status"], "4");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct GrpcAnswer;

impl Answer for GrpcAnswer {
    fn answer(&self, why: &Why<'_>) -> Response<Bytes> {
        status_of(why).into_http()
    }

    fn cut(&self, why: &Why<'_>) -> Cut {
        let mut trailers = HeaderMap::with_capacity(2);
        match status_of(why).add_header(&mut trailers) {
            Ok(()) => Cut::Trailers(trailers),
            Err(status) => Cut::Error(status.into()),
        }
    }
}

fn status_of(why: &Why<'_>) -> Status {
    match *why {
        Why::Late(error) | Why::Shutdown(error) => to_status(error.clone()),
        Why::Refused(refused) => Status::internal(refused.to_string()),
    }
}
