//! What crosses a process, as text: deadlines, baggage and trace context.
//!
//! Pure codecs: bytes in, typed values out, and back. Nothing here reads a clock, does I/O or knows a carrier; each
//! decoder looks at a bounded part of its input, allocates within stated limits, and never panics.
//!
//! A deadline crosses as the time that is left, in one of several headers ([`Format`]):
//!
//! ```
//! use purview_wire::Format;
//! use std::time::Duration;
//!
//! let text = Format::GrpcTimeout.encode(Duration::from_millis(200)).unwrap();
//! assert_eq!(&*text, "200000u");
//! assert_eq!(Format::GrpcTimeout.decode(b"200000u"), Ok(Some(Duration::from_millis(200))));
//! let error = Format::GrpcTimeout.decode(b"5 minutes").unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     r#"grpc-timeout "5 minutes" has no unit that is known: accepted are 1 to 8 digits and one of H, M, S, m, u, n"#
//! );
//! ```

//!
//! | what | type | headers |
//! |---|---|---|
//! | the time that is left | [`Format`] | `grpc-timeout`, `connect-timeout-ms`, `x-envoy-expected-rq-timeout-ms`, `request-timeout`, `prefer`, and one of a configured name |
//! | when the time is up, for queues | [`ExpiresAt`] | `x-request-expires-at-ms` |
//! | values | [`Baggage`] | `baggage` |
//! | the trace | [`TraceParent`], [`TraceState`] | `traceparent`, `tracestate` |
//! | the text of a gRPC status | [`encode_grpc_message`], [`decode_grpc_message`] | `grpc-message` |
//! | all of it for a child process | [`mod@env`] | |

#![forbid(unsafe_code)]

mod baggage;
pub mod env;
mod excerpt;
mod expires_at;
mod grpc_message;
mod list;
mod percent;
mod text;
mod timeout;
mod trace;

pub use baggage::{
    BAGGAGE_HEADER, Baggage, BaggageDropped, BaggageError, BaggageLimits, BaggageProblem, Member,
};
pub use expires_at::{EXPIRES_AT_HEADER, ExpiresAt, ExpiresAtError, ExpiresAtText};
pub use grpc_message::{decode_grpc_message, encode_grpc_message};
pub use list::Encoded;
pub use text::{Text, is_token};
pub use timeout::{Format, MAX_TIMEOUT, TIMEOUT_HEADER, TimeoutError, TimeoutProblem, TimeoutText};
pub use trace::{
    TRACEPARENT_HEADER, TRACESTATE_HEADER, TraceError, TraceParent, TraceParentText, TraceProblem, TraceState,
};
