//! The absolute form of a deadline, for what waits on the way.

use crate::TimeoutProblem;
use crate::excerpt::Excerpt;
use crate::text::Text;
use std::fmt;
use std::time::Duration;

/// The name of the header or message property: `x-request-expires-at-ms`.
///
/// ```
/// assert_eq!(purview_wire::EXPIRES_AT_HEADER, "x-request-expires-at-ms");
/// ```
pub const EXPIRES_AT_HEADER: &str = "x-request-expires-at-ms";

/// What [`ExpiresAt::encode`] writes: 16 digits at most.
///
/// ```
/// use purview_wire::{ExpiresAt, ExpiresAtText};
///
/// let text: ExpiresAtText = ExpiresAt::from_unix_ms(1_700_000_000_000).encode();
/// assert_eq!(&*text, "1700000000000");
/// ```
pub type ExpiresAtText = Text<16>;

/// When the time is up, in milliseconds since the Unix epoch: for queues, files and child processes, where a request may
/// wait for longer than it takes to send it.
///
/// It is only as good as the clocks of both sides agree: over HTTP and gRPC send what is left, as a
/// [`Format`](crate::Format). The time now is handed in, in milliseconds since the Unix epoch.
///
/// ```
/// use purview_wire::ExpiresAt;
/// use std::time::Duration;
///
/// let sent = ExpiresAt::after(1_700_000_000_000, Duration::from_secs(30));
/// assert_eq!(&*sent.encode(), "1700000030000");
/// let read = ExpiresAt::parse(b"1700000030000")?;
/// // Ten seconds later, by a clock that may be half a second ahead.
/// let left = read.left(1_700_000_010_000, Duration::from_millis(500));
/// assert_eq!(left, Duration::from_millis(20_500));
/// # Ok::<(), purview_wire::ExpiresAtError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExpiresAt {
    unix_ms: u64,
}

impl ExpiresAt {
    /// The last one: 2^53 - 1 ms, in the year 287396, the last whole number that readers with doubles hold.
    ///
    /// ```
    /// use purview_wire::ExpiresAt;
    ///
    /// assert_eq!(ExpiresAt::from_unix_ms(u64::MAX), ExpiresAt::MAX);
    /// ```
    pub const MAX: Self = Self { unix_ms: (1 << 53) - 1 };

    /// So many milliseconds after the Unix epoch; [`MAX`](Self::MAX) when that is later.
    ///
    /// ```
    /// assert_eq!(purview_wire::ExpiresAt::from_unix_ms(5).unix_ms(), 5);
    /// ```
    pub const fn from_unix_ms(unix_ms: u64) -> Self {
        if unix_ms > Self::MAX.unix_ms { Self::MAX } else { Self { unix_ms } }
    }

    /// When `left` is over, at the time `now_unix_ms`: rounded up to a millisecond, [`MAX`](Self::MAX) when that is later.
    ///
    /// ```
    /// use purview_wire::ExpiresAt;
    /// use std::time::Duration;
    ///
    /// assert_eq!(ExpiresAt::after(5, Duration::from_nanos(1)).unix_ms(), 6);
    /// assert_eq!(ExpiresAt::after(5, Duration::MAX), ExpiresAt::MAX);
    /// ```
    pub fn after(now_unix_ms: u64, left: Duration) -> Self {
        let millis = u64::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        Self::from_unix_ms(now_unix_ms.saturating_add(millis))
    }

    /// What is left of it at the time `now_unix_ms`, plus `skew`, by which the writer's clock may be behind; zero when it is
    /// over.
    ///
    /// ```
    /// use purview_wire::ExpiresAt;
    /// use std::time::Duration;
    ///
    /// let at = ExpiresAt::from_unix_ms(1_000);
    /// assert_eq!(at.left(900, Duration::ZERO), Duration::from_millis(100));
    /// assert_eq!(at.left(1_100, Duration::from_millis(250)), Duration::from_millis(150));
    /// assert_eq!(at.left(2_000, Duration::from_millis(250)), Duration::ZERO);
    /// ```
    pub fn left(self, now_unix_ms: u64, skew: Duration) -> Duration {
        let ahead = Duration::from_millis(self.unix_ms).saturating_add(skew);
        ahead.saturating_sub(Duration::from_millis(now_unix_ms))
    }

    /// Milliseconds since the Unix epoch.
    ///
    /// ```
    /// assert_eq!(purview_wire::ExpiresAt::from_unix_ms(5).unix_ms(), 5);
    /// ```
    pub const fn unix_ms(self) -> u64 {
        self.unix_ms
    }

    /// Decimal digits.
    ///
    /// ```
    /// assert_eq!(&*purview_wire::ExpiresAt::MAX.encode(), "9007199254740991");
    /// ```
    pub fn encode(self) -> ExpiresAtText {
        ExpiresAtText::new().with_decimal(self.unix_ms)
    }

    /// Reads one to 16 decimal digits and nothing else; [`MAX`](Self::MAX) when that is later.
    ///
    /// Allocates nothing. Of several values take the least.
    ///
    /// # Errors
    ///
    /// All else, with what was wrong and the begin of the input.
    ///
    /// ```
    /// use purview_wire::ExpiresAt;
    ///
    /// assert_eq!(ExpiresAt::parse(b"1000"), Ok(ExpiresAt::from_unix_ms(1_000)));
    /// assert_eq!(
    ///     ExpiresAt::parse(b"-1").unwrap_err().to_string(),
    ///     r#"expiry "-1" is not a number: accepted are 1 to 16 digits, in milliseconds since 1970"#
    /// );
    /// ```
    pub fn parse(value: &[u8]) -> Result<Self, ExpiresAtError> {
        let refused = |problem| Err(ExpiresAtError { problem, input: Excerpt::of(value) });
        if value.is_empty() {
            return refused(TimeoutProblem::Empty);
        }
        if !value.iter().take(17).all(u8::is_ascii_digit) {
            return refused(TimeoutProblem::NotANumber);
        }
        if value.len() > 16 {
            return refused(TimeoutProblem::TooManyDigits);
        }
        let unix_ms = value.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
        Ok(Self::from_unix_ms(unix_ms))
    }
}

impl fmt::Display for ExpiresAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.encode().fmt(f)
    }
}

/// Why an absolute deadline was refused: what was wrong, with which input, what is accepted.
///
/// ```
/// use purview_wire::{ExpiresAt, ExpiresAtError, TimeoutProblem};
///
/// let error: ExpiresAtError = ExpiresAt::parse(b"tomorrow").unwrap_err();
/// assert_eq!(error.problem(), TimeoutProblem::NotANumber);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiresAtError {
    problem: TimeoutProblem,
    input: Excerpt,
}

impl ExpiresAtError {
    /// What was wrong.
    ///
    /// ```
    /// use purview_wire::{ExpiresAt, TimeoutProblem};
    ///
    /// assert_eq!(ExpiresAt::parse(b"").unwrap_err().problem(), TimeoutProblem::Empty);
    /// ```
    pub const fn problem(&self) -> TimeoutProblem {
        self.problem
    }
}

impl fmt::Display for ExpiresAtError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { problem, input } = self;
        write!(f, "expiry {input} {problem}: accepted are 1 to 16 digits, in milliseconds since 1970")
    }
}

impl std::error::Error for ExpiresAtError {}
