//! Environment variables by which a child process gets what a request carries.
//!
//! The texts are those of the headers. Names of the first three are those that OpenTelemetry uses. Their values are
//! visible to whoever may look at the process: hand down no secrets.

use crate::{BAGGAGE_HEADER, EXPIRES_AT_HEADER, TRACEPARENT_HEADER, TRACESTATE_HEADER};

/// The trace and the span that started the process: a [`TraceParent`](crate::TraceParent).
///
/// ```
/// assert_eq!(purview_wire::env::TRACEPARENT, "TRACEPARENT");
/// ```
pub const TRACEPARENT: &str = "TRACEPARENT";

/// A [`TraceState`](crate::TraceState).
///
/// ```
/// assert_eq!(purview_wire::env::TRACESTATE, "TRACESTATE");
/// ```
pub const TRACESTATE: &str = "TRACESTATE";

/// [`Baggage`](crate::Baggage).
///
/// ```
/// assert_eq!(purview_wire::env::BAGGAGE, "BAGGAGE");
/// ```
pub const BAGGAGE: &str = "BAGGAGE";

/// When the process has to be done: an [`ExpiresAt`](crate::ExpiresAt), since starting a process takes its time, and parent
/// and child have the same clock.
///
/// ```
/// assert_eq!(purview_wire::env::EXPIRES_AT, "PURVIEW_EXPIRES_AT_MS");
/// ```
pub const EXPIRES_AT: &str = "PURVIEW_EXPIRES_AT_MS";

/// The variable for what a header of that name carries; none for any other name. What is left as a duration has none: it
/// would be too much by the time that the process reads it.
///
/// ```
/// use purview_wire::{BAGGAGE_HEADER, env};
///
/// assert_eq!(env::variable(BAGGAGE_HEADER), Some("BAGGAGE"));
/// assert_eq!(env::variable("grpc-timeout"), None);
/// ```
pub fn variable(header: &str) -> Option<&'static str> {
    match header {
        TRACEPARENT_HEADER => Some(TRACEPARENT),
        TRACESTATE_HEADER => Some(TRACESTATE),
        BAGGAGE_HEADER => Some(BAGGAGE),
        EXPIRES_AT_HEADER => Some(EXPIRES_AT),
        _ => None,
    }
}
