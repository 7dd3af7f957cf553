//! Why a trace header was not read.

use super::{TRACEPARENT_HEADER, TRACESTATE_HEADER};
use crate::excerpt::Excerpt;
use std::fmt;

/// Why a trace header was refused: what was wrong, with which input, what is accepted.
///
/// It keeps the first 32 bytes of the header or member, and prints them escaped.
///
/// ```
/// use purview_wire::{TraceError, TraceParent, TraceProblem};
///
/// let error: TraceError = TraceParent::parse(b"00-abc").unwrap_err();
/// assert_eq!(error.problem(), TraceProblem::Length);
/// assert_eq!(
///     error.to_string(),
///     "traceparent \"00-abc\" has not the right length: accepted are 55 characters, \
///      as 00-<32 hex digits>-<16 hex digits>-<2 hex digits>"
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceError {
    problem: TraceProblem,
    input: Excerpt,
}

/// What was wrong with a trace header.
///
/// ```
/// use purview_wire::{TraceProblem, TraceState};
///
/// assert_eq!(TraceState::parse([b"Key=1".as_slice()]).unwrap_err().problem(), TraceProblem::BadKey);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TraceProblem {
    /// `traceparent`: shorter than 55 characters, or longer in a version that must not be.
    Length,
    /// `traceparent`: the version is not two lowercase hexadecimal digits, or is `ff`.
    Version,
    /// `traceparent`: an id or the flags are not lowercase hexadecimal digits with a `-` before them.
    NotHex,
    /// `traceparent`: the trace id or the parent id is all zero.
    ZeroId,
    /// `tracestate`: a member has no `=`, or its key has other characters than it may or is too long.
    BadKey,
    /// `tracestate`: a value is empty, too long, ends in a space or has other characters than it may.
    BadValue,
    /// `tracestate`: there are more than 32 members.
    TooManyMembers,
}

impl TraceError {
    pub(super) fn new(problem: TraceProblem, input: &[u8]) -> Self {
        Self { problem, input: Excerpt::of(input) }
    }

    /// What was wrong.
    ///
    /// ```
    /// use purview_wire::{TraceParent, TraceProblem};
    ///
    /// assert_eq!(TraceParent::parse(b"").unwrap_err().problem(), TraceProblem::Length);
    /// ```
    pub const fn problem(&self) -> TraceProblem {
        self.problem
    }
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const PARENT: &str = "55 characters, as 00-<32 hex digits>-<16 hex digits>-<2 hex digits>";
        let (header, wrong, accepted) = match self.problem {
            TraceProblem::Length => (TRACEPARENT_HEADER, "has not the right length", PARENT),
            TraceProblem::Version => (TRACEPARENT_HEADER, "has no version from 00 to fe", PARENT),
            TraceProblem::NotHex => (TRACEPARENT_HEADER, "has not lowercase hex digits", PARENT),
            TraceProblem::ZeroId => (TRACEPARENT_HEADER, "has an id of zeros", "ids other than zero"),
            TraceProblem::BadKey => (
                TRACESTATE_HEADER,
                "has a bad key",
                "key=value with a key of 1 to 256 of a-z 0-9 _ - * / @, a letter or digit first",
            ),
            TraceProblem::BadValue => (
                TRACESTATE_HEADER,
                "has a bad value",
                "1 to 256 of printable ASCII without , and =, no space at the end",
            ),
            TraceProblem::TooManyMembers => {
                (TRACESTATE_HEADER, "is one member too many", "at most 32 members")
            }
        };
        write!(f, "{header} {} {wrong}: accepted are {accepted}", self.input)
    }
}

impl std::error::Error for TraceError {}
