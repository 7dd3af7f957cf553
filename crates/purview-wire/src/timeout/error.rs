//! Why a timeout was not read.

use super::Format;
use crate::excerpt::Excerpt;
use std::fmt;

/// Why a header that carries the time that is left was refused: what was wrong, with which input, what is accepted.
///
/// It keeps the first 32 bytes of the input, and prints them escaped.
///
/// ```
/// use purview_wire::{Format, TimeoutError, TimeoutProblem};
///
/// let error: TimeoutError = Format::ConnectTimeoutMs.decode(b"200.7").unwrap_err();
/// assert_eq!(error.problem(), TimeoutProblem::NotANumber);
/// assert_eq!(error.format(), Format::ConnectTimeoutMs);
/// assert_eq!(error.to_string(), r#"connect-timeout-ms "200.7" is not a number: accepted are 1 to 10 digits"#);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeoutError {
    format: Format,
    problem: TimeoutProblem,
    input: Excerpt,
}

/// What was wrong with a timeout.
///
/// ```
/// use purview_wire::{Format, TimeoutProblem};
///
/// let problem = |value: &[u8]| Format::GrpcTimeout.decode(value).unwrap_err().problem();
/// assert_eq!(problem(b""), TimeoutProblem::Empty);
/// assert_eq!(problem(b"+5m"), TimeoutProblem::NotANumber);
/// assert_eq!(problem(b"123456789m"), TimeoutProblem::TooManyDigits);
/// assert_eq!(problem(b"5"), TimeoutProblem::BadUnit);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeoutProblem {
    /// There was nothing.
    Empty,
    /// It does not begin with a digit, or something stands where only digits may.
    NotANumber,
    /// It has more digits than the format allows.
    TooManyDigits,
    /// The unit is missing, unknown, or longer than one letter.
    BadUnit,
    /// It is longer than the 1,024 bytes that are looked at.
    TooLong,
}

impl fmt::Display for TimeoutProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "is empty",
            Self::NotANumber => "is not a number",
            Self::TooManyDigits => "has too many digits",
            Self::BadUnit => "has no unit that is known",
            Self::TooLong => "is longer than 1024 bytes",
        })
    }
}

impl TimeoutError {
    pub(super) fn new(format: Format, problem: TimeoutProblem, input: &[u8]) -> Self {
        Self { format, problem, input: Excerpt::of(input) }
    }

    /// What was wrong.
    ///
    /// ```
    /// use purview_wire::{Format, TimeoutProblem};
    ///
    /// assert_eq!(Format::Millis.decode(b"").unwrap_err().problem(), TimeoutProblem::Empty);
    /// ```
    pub const fn problem(&self) -> TimeoutProblem {
        self.problem
    }

    /// The format that it was read as.
    ///
    /// ```
    /// use purview_wire::Format;
    ///
    /// assert_eq!(Format::Millis.decode(b"soon").unwrap_err().format(), Format::Millis);
    /// ```
    pub const fn format(&self) -> Format {
        self.format
    }
}

impl fmt::Display for TimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The name of `Millis` is configured, and not known here.
        let name = self.format.header().unwrap_or("timeout");
        let accepted = match self.format {
            Format::GrpcTimeout => "1 to 8 digits and one of H, M, S, m, u, n",
            Format::ConnectTimeoutMs => "1 to 10 digits",
            Format::EnvoyExpectedMs | Format::Millis => "1 to 16 digits, in milliseconds",
            Format::RequestTimeout => "1 to 16 digits, in seconds",
            Format::PreferWait => "wait= and 1 to 16 digits, in seconds",
        };
        write!(f, "{name} {} {}: accepted are {accepted}", self.input, self.problem)
    }
}

impl std::error::Error for TimeoutError {}
