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
/// | the deadline passed, or less time is left than the policy's `min_budget` | `DEADLINE_EXCEEDED` (4) |
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
        Why::Refused(refused) if refused.is_late() => Status::deadline_exceeded(refused.to_string()),
        Why::Refused(refused) => Status::internal(refused.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::{GrpcAnswer, status_of};
    use purview::{BoxError, Codec, Context, Key};
    use purview_propagate::Policy;
    use purview_tower::{Answer, Cut, Shutdown, Why};
    use std::collections::HashMap;
    use std::time::Duration;
    use tonic::Code;

    #[test]
    fn late_is_deadline_exceeded() {
        let error = Context::background().derive().timeout(Duration::ZERO).build().error().unwrap();
        assert_eq!(status_of(&Why::Late(&error)).code(), Code::DeadlineExceeded);
    }

    #[test]
    fn a_shutdown_is_unavailable_and_any_other_end_from_above_cancelled() {
        let (ctx, canceler) = Context::background().with_cancel();
        canceler.cancel_with(Shutdown);
        assert_eq!(status_of(&Why::Shutdown(&ctx.error().unwrap())).code(), Code::Unavailable);
        let (ctx, canceler) = Context::background().with_cancel();
        canceler.cancel();
        assert_eq!(status_of(&Why::Shutdown(&ctx.error().unwrap())).code(), Code::Cancelled);
    }

    static COUNT: Key<u64> = Key::new("count").crossing(Codec {
        encode: |count| Some(count.to_string()),
        decode: |text| text.parse().map_err(BoxError::from),
    });

    fn refused(policy: &Policy, name: &str, value: &str) -> Code {
        let refused = policy.read(&HashMap::from([(name, value)])).unwrap_err();
        status_of(&Why::Refused(&refused)).code()
    }

    #[test]
    fn what_cannot_be_read_is_internal_and_too_little_time_deadline_exceeded() {
        assert_eq!(refused(&Policy::untrusted(), "grpc-timeout", "soon"), Code::Internal);
        assert_eq!(refused(&Policy::trusted(), "baggage", "a b"), Code::Internal);
        assert_eq!(
            refused(&Policy::trusted().allow(&COUNT).unwrap(), "baggage", "count=many"),
            Code::Internal
        );
        let policy = Policy::untrusted().min_budget(Duration::from_secs(1));
        assert_eq!(refused(&policy, "grpc-timeout", "1m"), Code::DeadlineExceeded);
    }

    #[test]
    fn a_stream_is_cut_by_trailers() {
        let error = Context::background().derive().timeout(Duration::ZERO).build().error().unwrap();
        let Cut::Trailers(trailers) = GrpcAnswer.cut(&Why::Late(&error)) else { panic!("no trailers") };
        assert_eq!(trailers["grpc-status"], "4");
    }
}
