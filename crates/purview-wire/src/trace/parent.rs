//! `traceparent`.

use super::{TraceError, TraceProblem};
use crate::text::Text;
use std::fmt;

/// The name of the header.
///
/// ```
/// assert_eq!(purview_wire::TRACEPARENT_HEADER, "traceparent");
/// ```
pub const TRACEPARENT_HEADER: &str = "traceparent";

/// What [`TraceParent::encode`] writes: 55 characters.
///
/// ```
/// use purview_wire::{TraceParent, TraceParentText};
///
/// let text: TraceParentText = TraceParent::new([1; 16], [2; 8], false).unwrap().encode();
/// assert_eq!(text.len(), 55);
/// ```
pub type TraceParentText = Text<LEN>;

/// The length of version `00`, and of what is known of any later one.
const LEN: usize = 55;

const SAMPLED: u8 = 1;
const RANDOM: u8 = 2;

/// Which trace this is a part of, and which span asked for it
/// ([W3C Trace Context, level 2](https://www.w3.org/TR/trace-context-2/)).
///
/// Two headers of this name are none: the specification has no winner. Whoever refuses this header must not look at
/// `tracestate` either; the converse does not hold.
///
/// ```
/// use purview_wire::TraceParent;
///
/// let parent = TraceParent::parse(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")?;
/// assert!(parent.sampled() && !parent.random());
/// let child = parent.with_parent_id([7; 8]).unwrap();
/// assert_eq!(child.to_string(), "00-0af7651916cd43dd8448eb211c80319c-0707070707070707-01");
/// # Ok::<(), purview_wire::TraceError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceParent {
    trace_id: [u8; 16],
    parent_id: [u8; 8],
    flags: u8,
}

impl TraceParent {
    /// From ids; none when either is all zero. The trace id does not count as random; see [`with_random`](Self::with_random).
    ///
    /// ```
    /// use purview_wire::TraceParent;
    ///
    /// assert!(TraceParent::new([1; 16], [2; 8], true).unwrap().sampled());
    /// assert!(TraceParent::new([0; 16], [2; 8], true).is_none());
    /// ```
    pub fn new(trace_id: [u8; 16], parent_id: [u8; 8], sampled: bool) -> Option<Self> {
        let zero = trace_id == [0; 16] || parent_id == [0; 8];
        (!zero).then_some(Self { trace_id, parent_id, flags: u8::from(sampled) })
    }

    /// Reads the header to the letter. Of versions above `00` what is known is read, when it ends there or goes on with `-`.
    ///
    /// Allocates nothing and looks at 56 bytes at most.
    ///
    /// # Errors
    ///
    /// When it is not to the letter: uppercase, a wrong length, version `ff`, an id of zeros.
    ///
    /// ```
    /// use purview_wire::TraceParent;
    ///
    /// assert!(TraceParent::parse(b"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01").is_err());
    /// assert!(TraceParent::parse(b"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more").is_ok());
    /// ```
    pub fn parse(value: &[u8]) -> Result<Self, TraceError> {
        Self::read(value).map_err(|problem| TraceError::new(problem, value))
    }

    fn read(value: &[u8]) -> Result<Self, TraceProblem> {
        let known = value.get(..LEN).ok_or(TraceProblem::Length)?;
        let [version] = hex(&known[..2]).ok_or(TraceProblem::Version)?;
        if version == 0xff {
            return Err(TraceProblem::Version);
        }
        match value.get(LEN) {
            None => {}
            Some(b'-') if version > 0 => {}
            Some(_) => return Err(TraceProblem::Length),
        }
        if [2, 35, 52].iter().any(|at| known[*at] != b'-') {
            return Err(TraceProblem::NotHex);
        }
        let trace_id = hex(&known[3..35]).ok_or(TraceProblem::NotHex)?;
        let parent_id = hex(&known[36..52]).ok_or(TraceProblem::NotHex)?;
        let [flags] = hex(&known[53..]).ok_or(TraceProblem::NotHex)?;
        let parent = Self::new(trace_id, parent_id, false).ok_or(TraceProblem::ZeroId)?;
        Ok(Self { flags: flags & (SAMPLED | RANDOM), ..parent })
    }

    /// The header's value, always in version `00`, with no flag that has no meaning.
    ///
    /// ```
    /// let parent = purview_wire::TraceParent::new([1; 16], [2; 8], true).unwrap();
    /// assert_eq!(&*parent.encode(), "00-01010101010101010101010101010101-0202020202020202-01");
    /// ```
    pub fn encode(self) -> TraceParentText {
        TraceParentText::new()
            .with(b"00-")
            .with_hex(&self.trace_id)
            .with(b"-")
            .with_hex(&self.parent_id)
            .with(b"-")
            .with_hex(&[self.flags])
    }

    /// The trace, the same in all that one request causes.
    ///
    /// ```
    /// assert_eq!(purview_wire::TraceParent::new([1; 16], [2; 8], true).unwrap().trace_id(), [1; 16]);
    /// ```
    pub const fn trace_id(self) -> [u8; 16] {
        self.trace_id
    }

    /// The span of the caller.
    ///
    /// ```
    /// assert_eq!(purview_wire::TraceParent::new([1; 16], [2; 8], true).unwrap().parent_id(), [2; 8]);
    /// ```
    pub const fn parent_id(self) -> [u8; 8] {
        self.parent_id
    }

    /// Whether the caller may have recorded this trace. Obey it from trusted callers only: recording costs.
    ///
    /// ```
    /// assert!(!purview_wire::TraceParent::new([1; 16], [2; 8], false).unwrap().sampled());
    /// ```
    pub const fn sampled(self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// Whether the last seven bytes of the trace id are random. It is kept when the trace goes on.
    ///
    /// ```
    /// use purview_wire::TraceParent;
    ///
    /// assert!(TraceParent::new([1; 16], [2; 8], false).unwrap().with_random(true).random());
    /// ```
    pub const fn random(self) -> bool {
        self.flags & RANDOM != 0
    }

    /// The same trace, asked for by another span; none when its id is all zero.
    ///
    /// ```
    /// use purview_wire::TraceParent;
    ///
    /// let parent = TraceParent::new([1; 16], [2; 8], true).unwrap();
    /// assert_eq!(parent.with_parent_id([3; 8]).unwrap().parent_id(), [3; 8]);
    /// assert!(parent.with_parent_id([0; 8]).is_none());
    /// ```
    pub fn with_parent_id(self, parent_id: [u8; 8]) -> Option<Self> {
        (parent_id != [0; 8]).then_some(Self { parent_id, ..self })
    }

    /// The same, with `sampled` set or not.
    ///
    /// ```
    /// use purview_wire::TraceParent;
    ///
    /// assert!(!TraceParent::new([1; 16], [2; 8], true).unwrap().with_sampled(false).sampled());
    /// ```
    pub const fn with_sampled(self, sampled: bool) -> Self {
        self.with_flag(SAMPLED, sampled)
    }

    /// The same, with `random` set or not: for who made the trace id.
    ///
    /// ```
    /// use purview_wire::TraceParent;
    ///
    /// let parent = TraceParent::new([1; 16], [2; 8], true).unwrap().with_random(true);
    /// assert!(parent.to_string().ends_with("-03"));
    /// ```
    pub const fn with_random(self, random: bool) -> Self {
        self.with_flag(RANDOM, random)
    }

    const fn with_flag(self, flag: u8, set: bool) -> Self {
        let flags = if set { self.flags | flag } else { self.flags & !flag };
        Self { flags, ..self }
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.encode().fmt(f)
    }
}

/// `BYTES` bytes of twice as many lowercase hexadecimal digits.
fn hex<const BYTES: usize>(digits: &[u8]) -> Option<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
