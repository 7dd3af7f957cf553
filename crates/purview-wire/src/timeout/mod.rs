//! The time that is left, as one of the headers that carry it.

mod decode;
mod error;
mod prefer;

pub use self::error::{TimeoutError, TimeoutProblem};

use crate::text::Text;
use std::time::Duration;

/// What [`Format::encode`] writes: `wait=` and ten digits, at most.
///
/// ```
/// use purview_wire::{Format, TimeoutText};
/// use std::time::Duration;
///
/// let text: Option<TimeoutText> = Format::PreferWait.encode(Duration::from_millis(1));
/// assert_eq!(text.as_deref(), Some("wait=1"));
/// ```
pub type TimeoutText = Text<16>;

/// The longest time that is ever sent: 2^31 - 1 milliseconds, a little under 25 days.
///
/// Some servers (those on Node.js) take anything longer for "at once", since their timers count in 32 bits.
///
/// ```
/// use purview_wire::{Format, MAX_TIMEOUT};
/// use std::time::Duration;
///
/// let year = Duration::from_secs(365 * 24 * 60 * 60);
/// assert_eq!(&*Format::Millis.encode(year).unwrap(), MAX_TIMEOUT.as_millis().to_string());
/// ```
pub const MAX_TIMEOUT: Duration = Duration::from_millis((1 << 31) - 1);

/// The name under which plain HTTP carries [`Format::Millis`] unless another one was configured: `x-request-timeout-ms`.
///
/// ```
/// assert_eq!(purview_wire::TIMEOUT_HEADER, "x-request-timeout-ms");
/// ```
pub const TIMEOUT_HEADER: &str = "x-request-timeout-ms";

/// A header that carries the time that is left.
///
/// All of them are relative, so they do not suffer from clocks that disagree, and are blind to the time in transit.
///
/// Of several headers, or several values of one, take the least: no format names a winner, and whoever wrote the least one
/// waits no longer.
///
/// ```
/// use purview_wire::Format;
/// use std::time::Duration;
///
/// assert_eq!(Format::RequestTimeout.header(), Some("request-timeout"));
/// assert_eq!(Format::RequestTimeout.decode(b"2"), Ok(Some(Duration::from_secs(2))));
/// assert_eq!(&*Format::RequestTimeout.encode(Duration::from_millis(1_001)).unwrap(), "2");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// `grpc-timeout: 200m`. One to eight digits and one of `H`, `M`, `S`, `m`, `u`, `n`
    /// ([gRPC over HTTP/2](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md)).
    GrpcTimeout,
    /// `connect-timeout-ms: 200`. One to ten digits ([the Connect protocol](https://connectrpc.com/docs/protocol)).
    ConnectTimeoutMs,
    /// `x-envoy-expected-rq-timeout-ms: 200`. What an Envoy in front will wait; `0` means without a limit
    /// ([Envoy's router](https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter)).
    EnvoyExpectedMs,
    /// `request-timeout: 2`. Whole seconds (`draft-thomson-hybi-http-timeout-00`, expired, but in use).
    RequestTimeout,
    /// `prefer: wait=2`. Whole seconds among other preferences, of which the first `wait` counts
    /// ([RFC 7240](https://www.rfc-editor.org/rfc/rfc7240#section-4.3)). A hint to a server: good as an upper bound.
    PreferWait,
    /// Whole milliseconds, as digits, under a name that is configured; [`TIMEOUT_HEADER`] by default.
    Millis,
}

impl Format {
    /// Every format, ours last.
    ///
    /// ```
    /// use purview_wire::Format;
    ///
    /// assert_eq!(Format::ALL.iter().filter(|format| format.header().is_none()).count(), 1);
    /// ```
    pub const ALL: [Self; 6] = [
        Self::GrpcTimeout,
        Self::ConnectTimeoutMs,
        Self::EnvoyExpectedMs,
        Self::RequestTimeout,
        Self::PreferWait,
        Self::Millis,
    ];

    /// The header's name in lower case; none for [`Format::Millis`], whose name is configured.
    ///
    /// ```
    /// assert_eq!(purview_wire::Format::GrpcTimeout.header(), Some("grpc-timeout"));
    /// ```
    pub const fn header(self) -> Option<&'static str> {
        match self {
            Self::GrpcTimeout => Some("grpc-timeout"),
            Self::ConnectTimeoutMs => Some("connect-timeout-ms"),
            Self::EnvoyExpectedMs => Some("x-envoy-expected-rq-timeout-ms"),
            Self::RequestTimeout => Some("request-timeout"),
            Self::PreferWait => Some("prefer"),
            Self::Millis => None,
        }
    }

    /// What to send when `left` is left; none when nothing is: then fail here instead of sending.
    ///
    /// Rounds up by less than one unit of what is written, so that a server never gives up before its caller does;
    /// therefore it never writes zero, which peers read as "expired" or as "without a limit". Gives at most
    /// [`MAX_TIMEOUT`] (in formats of whole seconds, and in a `grpc-timeout` that needs them: its whole seconds).
    /// `grpc-timeout` gets the finest unit that fits its eight digits.
    ///
    /// ```
    /// use purview_wire::Format;
    /// use std::time::Duration;
    ///
    /// let format = Format::GrpcTimeout;
    /// assert_eq!(&*format.encode(Duration::from_nanos(1)).unwrap(), "1n");
    /// assert_eq!(&*format.encode(Duration::from_nanos(100_000_001)).unwrap(), "100001u");
    /// assert_eq!(&*format.encode(Duration::MAX).unwrap(), "2147483S");
    /// assert!(format.encode(Duration::ZERO).is_none());
    /// ```
    pub fn encode(self, left: Duration) -> Option<TimeoutText> {
        if left.is_zero() {
            return None;
        }
        let text = TimeoutText::new();
        Some(match self {
            Self::GrpcTimeout => {
                let (count, unit) = finest(left);
                text.with_decimal(count).with(unit)
            }
            Self::ConnectTimeoutMs | Self::EnvoyExpectedMs | Self::Millis => {
                text.with_decimal(round_up(left, MILLI))
            }
            Self::RequestTimeout => text.with_decimal(round_up(left, SECOND)),
            Self::PreferWait => text.with(b"wait=").with_decimal(round_up(left, SECOND)),
        })
    }

    /// The time that is left, read to the letter of the format; bytes as they stand in the header, without white space
    /// around them.
    ///
    /// None where the header was right and sets no limit: a `prefer` without `wait`, and Envoy's zero. A zero in any other
    /// format is a time that has passed: `Some(Duration::ZERO)`.
    ///
    /// Allocates nothing and looks at 1,024 bytes at most. Formats that state no number of digits get 16 at most.
    ///
    /// # Errors
    ///
    /// All else, with what was wrong, the begin of the input, and what is accepted.
    ///
    /// ```
    /// use purview_wire::{Format, TimeoutProblem};
    /// use std::time::Duration;
    ///
    /// assert_eq!(Format::PreferWait.decode(b"respond-async, wait=10"), Ok(Some(Duration::from_secs(10))));
    /// assert_eq!(Format::PreferWait.decode(b"respond-async"), Ok(None));
    /// assert_eq!(Format::Millis.decode(b"-5").unwrap_err().problem(), TimeoutProblem::NotANumber);
    /// ```
    pub fn decode(self, value: &[u8]) -> Result<Option<Duration>, TimeoutError> {
        decode::strict(self, value).map_err(|problem| TimeoutError::new(self, problem, value))
    }

    /// As [`decode`](Self::decode), for peers that are known to write carelessly: any number of digits, which saturates, a
    /// fraction, which is rounded up to a nanosecond, and spaces or tabs around the number.
    ///
    /// Signs, exponents, missing and unknown units are refused here as well.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    ///
    /// ```
    /// use purview_wire::Format;
    /// use std::time::Duration;
    ///
    /// let left = Format::GrpcTimeout.decode_lenient(b"200.7m");
    /// assert_eq!(left, Ok(Some(Duration::from_micros(200_700))));
    /// ```
    pub fn decode_lenient(self, value: &[u8]) -> Result<Option<Duration>, TimeoutError> {
        decode::lenient(self, value).map_err(|problem| TimeoutError::new(self, problem, value))
    }
}

/// Nanoseconds in a millisecond.
const MILLI: u64 = 1_000_000;
/// Nanoseconds in a second.
const SECOND: u64 = 1_000_000_000;
/// Nanoseconds in the longest time that is sent: five months fit 64 bits many times.
const MAX_NANOS: u64 = ((1 << 31) - 1) * MILLI;

/// How many units `left` is, rounded up; of [`MAX_TIMEOUT`], rounded down.
fn round_up(left: Duration, unit: u64) -> u64 {
    let nanos = u64::try_from(left.as_nanos()).map_or(MAX_NANOS, |nanos| nanos.min(MAX_NANOS));
    nanos.div_ceil(unit).min(MAX_NANOS / unit)
}

/// The count in the finest unit of gRPC that needs at most eight digits. Minutes and hours are never needed.
fn finest(left: Duration) -> (u64, &'static [u8]) {
    [(1, b"n"), (1_000, b"u"), (MILLI, b"m")]
        .into_iter()
        .map(|(unit, name)| (round_up(left, unit), &name[..]))
        .find(|(count, _)| *count <= 99_999_999)
        .unwrap_or_else(|| (round_up(left, SECOND), b"S"))
}
