//! Why a request was refused.

use purview::BoxError;
use purview_wire::{BaggageError, ExpiresAtError, TimeoutError};
use std::fmt;
use std::time::Duration;

/// Why a request was refused before any work: what [`Policy::read`](crate::Policy::read) gives by the rules of its policy.
///
/// It is the caller's mistake, and answered as such, but for the last one: to that the answer is that the time is up.
///
/// | refused | HTTP | gRPC |
/// |---|---|---|
/// | [`Timeout`](Self::Timeout), [`Expiry`](Self::Expiry): a time that cannot be read | 400 | 13 `INTERNAL` |
/// | [`Baggage`](Self::Baggage), [`Value`](Self::Value): values that cannot be read | 400 | 13 `INTERNAL` |
/// | [`TooLittleTime`](Self::TooLittleTime) | 504 | 4 `DEADLINE_EXCEEDED` |
///
/// # Examples
///
/// ```
/// use purview_propagate::{Policy, Refused};
/// use std::collections::HashMap;
///
/// let refused = Policy::untrusted().read(&HashMap::from([("grpc-timeout", "-5m")])).unwrap_err();
/// assert!(matches!(refused, Refused::Timeout(_)));
/// assert_eq!(
///     refused.to_string(),
///     "grpc-timeout \"-5m\" is not a number: accepted are 1 to 8 digits and one of H, M, S, m, u, n",
/// );
/// ```
#[non_exhaustive]
pub enum Refused {
    /// A header with the time that is left could not be read.
    Timeout(TimeoutError),
    /// The moment at which the time is up could not be read.
    Expiry(ExpiresAtError),
    /// The baggage could not be read.
    Baggage(BaggageError),
    /// A value was not what the codec of its key reads.
    Value {
        /// The name of the key.
        key: &'static str,
        /// What the codec said. It may show the value, so neither `Display`, `Debug` nor `source` of this error give it to
        /// those who log errors.
        error: BoxError,
    },
    /// Less time is left than the policy's [`min_budget`](crate::Policy::min_budget).
    TooLittleTime {
        /// What the caller allows.
        asked: Duration,
        /// What it has to allow.
        least: Duration,
    },
}

impl Refused {
    /// Whether the answer is that the time is up, and not that the caller made a mistake: the last row of the table.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview_propagate::Policy;
    /// use std::collections::HashMap;
    /// use std::time::Duration;
    ///
    /// let policy = Policy::untrusted().min_budget(Duration::from_millis(5));
    /// assert!(policy.read(&HashMap::from([("grpc-timeout", "1m")])).unwrap_err().is_late());
    /// assert!(!policy.read(&HashMap::from([("grpc-timeout", "soon")])).unwrap_err().is_late());
    /// ```
    pub fn is_late(&self) -> bool {
        match self {
            Self::Timeout(_) | Self::Expiry(_) | Self::Baggage(_) | Self::Value { .. } => false,
            Self::TooLittleTime { .. } => true,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(error) => fmt::Display::fmt(error, f),
            Self::Expiry(error) => fmt::Display::fmt(error, f),
            Self::Baggage(error) => fmt::Display::fmt(error, f),
            Self::Value { key, .. } => {
                write!(f, "the value of {key:?} in the baggage is not one of that key")
            }
            Self::TooLittleTime { asked, least } => {
                write!(f, "the request allows {asked:?}, and at least {least:?} are needed")
            }
        }
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(error) => f.debug_tuple("Timeout").field(error).finish(),
            Self::Expiry(error) => f.debug_tuple("Expiry").field(error).finish(),
            Self::Baggage(error) => f.debug_tuple("Baggage").field(error).finish(),
            Self::Value { key, .. } => f.debug_struct("Value").field("key", key).finish_non_exhaustive(),
            Self::TooLittleTime { asked, least } => {
                f.debug_struct("TooLittleTime").field("asked", asked).field("least", least).finish()
            }
        }
    }
}

/// It has no source: the text says all that may be said.
impl std::error::Error for Refused {}
