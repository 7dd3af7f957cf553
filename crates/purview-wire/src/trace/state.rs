//! `tracestate`.

use super::{TraceError, TraceProblem};
use crate::list::{Encoded, List};
use crate::text::{split_once, trim};
use std::borrow::Cow;
use std::fmt;

/// The name of the header.
///
/// ```
/// assert_eq!(purview_wire::TRACESTATE_HEADER, "tracestate");
/// ```
pub const TRACESTATE_HEADER: &str = "tracestate";

/// Members at most, as the specification has it.
const MEMBERS: usize = 32;

/// Members longer than this go first when there is no room.
const LONG: usize = 128;

/// What each tracing system on the path wants to know again, the last one first
/// ([W3C Trace Context, level 2](https://www.w3.org/TR/trace-context-2/)).
///
/// What was read is kept byte for byte, as one text of at most 16,447 bytes.
///
/// ```
/// use purview_wire::TraceState;
///
/// let mut state = TraceState::parse([b"congo=t61rcWkgMzE, ,rojo=00f0".as_slice()])?;
/// state.set("rojo", "1")?;
/// assert_eq!(state.encode(512).text, "rojo=1,congo=t61rcWkgMzE");
/// # Ok::<(), purview_wire::TraceError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct TraceState {
    members: List,
}

impl TraceState {
    /// No state. Allocates nothing.
    ///
    /// ```
    /// assert!(purview_wire::TraceState::new().is_empty());
    /// ```
    pub const fn new() -> Self {
        Self { members: List::new() }
    }

    /// Reads all headers of the name together, to the letter. Empty members are skipped, duplicates stay as they are.
    ///
    /// # Errors
    ///
    /// The first member that is not to the letter, or the 33rd: then drop all of it, and keep `traceparent`.
    ///
    /// ```
    /// use purview_wire::TraceState;
    ///
    /// let error = TraceState::parse([b"a=1,b=".as_slice()]).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "tracestate \"b=\" has a bad value: accepted are 1 to 256 of printable ASCII without , and =, \
    ///      no space at the end"
    /// );
    /// ```
    pub fn parse<'a>(headers: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, TraceError> {
        let mut state = Self::new();
        for text in headers.into_iter().flat_map(|header| header.split(|byte| *byte == b',')).map(trim) {
            if !text.is_empty() {
                let refused = |problem| TraceError::new(problem, text);
                let member = member(text).map_err(refused)?;
                if state.len() == MEMBERS {
                    return Err(refused(TraceProblem::TooManyMembers));
                }
                state.members.push(member);
            }
        }
        Ok(state)
    }

    /// The value of the first member with that key.
    ///
    /// ```
    /// use purview_wire::TraceState;
    ///
    /// let state = TraceState::parse([b"a=1,t@v=2".as_slice()])?;
    /// assert_eq!((state.get("t@v"), state.get("b")), (Some("2"), None));
    /// # Ok::<(), purview_wire::TraceError>(())
    /// ```
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// Sets a member and moves it to the front; removes what had its key. Of 32 others the last one is pushed out.
    ///
    /// # Errors
    ///
    /// When key or value have characters that they may not have, or are too long: nothing changes.
    ///
    /// ```
    /// use purview_wire::TraceState;
    ///
    /// let mut state = TraceState::parse([b"a=1,b=2".as_slice()])?;
    /// state.set("b", "3")?;
    /// assert_eq!(state.encode(512).text, "b=3,a=1");
    /// assert!(state.set("c", "1,d=2").is_err());
    /// # Ok::<(), purview_wire::TraceError>(())
    /// ```
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), TraceError> {
        let refused = |problem| TraceError::new(problem, key.as_bytes());
        check(key.as_bytes(), value.as_bytes()).map_err(refused)?;
        let mut others = 0;
        self.members = self.members.filtered(|member| {
            let other = split(member).0 != key;
            others += usize::from(other);
            other && others < MEMBERS
        });
        self.members.insert_first(&format!("{key}={value}"));
        Ok(())
    }

    /// Removes every member with that key.
    ///
    /// ```
    /// use purview_wire::TraceState;
    ///
    /// let mut state = TraceState::parse([b"a=1,b=2".as_slice()])?;
    /// state.remove("a");
    /// assert_eq!(state.encode(512).text, "b=2");
    /// # Ok::<(), purview_wire::TraceError>(())
    /// ```
    pub fn remove(&mut self, key: &str) {
        self.members = self.members.filtered(|member| split(member).0 != key);
    }

    /// Keys and values in order.
    ///
    /// ```
    /// use purview_wire::TraceState;
    ///
    /// let state = TraceState::parse([b"a=1".as_slice(), b"b=2"])?;
    /// assert!(state.iter().eq([("a", "1"), ("b", "2")]));
    /// # Ok::<(), purview_wire::TraceError>(())
    /// ```
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &str)> + Clone {
        self.members.iter().map(split)
    }

    /// How many members there are: at most 32.
    ///
    /// ```
    /// assert_eq!(purview_wire::TraceState::new().len(), 0);
    /// ```
    pub const fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is no member.
    ///
    /// ```
    /// assert!(purview_wire::TraceState::new().is_empty());
    /// ```
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of one header of at most `bytes` bytes; the specification asks for room for 512 at least.
    ///
    /// When there is no room, whole members go: those longer than 128 bytes first, from the end, then the others from
    /// the end. Allocates only then.
    ///
    /// ```
    /// use purview_wire::TraceState;
    ///
    /// let state = TraceState::parse([b"a=1,b=2,c=3".as_slice()])?;
    /// let encoded = state.encode(8);
    /// assert_eq!((&*encoded.text, encoded.dropped), ("a=1,b=2", 1));
    /// # Ok::<(), purview_wire::TraceError>(())
    /// ```
    pub fn encode(&self, bytes: usize) -> Encoded<'_> {
        let text = self.members.text();
        // Taking a member away takes its comma too, but for the last one of all.
        let mut excess = text.len().saturating_sub(bytes);
        if excess == 0 {
            return Encoded { text: Cow::Borrowed(text), dropped: 0 };
        }
        // Counted from the end.
        let mut kept = [true; MEMBERS];
        for long in [true, false] {
            for (kept, member) in kept.iter_mut().zip(self.members.iter().rev()) {
                if excess > 0 && *kept && (member.len() > LONG || !long) {
                    *kept = false;
                    excess = excess.saturating_sub(member.len() + 1);
                }
            }
        }
        let mut keep = kept[..self.len()].iter().rev();
        let rest = self.members.filtered(|_| keep.next() == Some(&true));
        Encoded { dropped: self.len() - rest.len(), text: Cow::Owned(rest.into_text()) }
    }
}

impl fmt::Debug for TraceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Key and value of a member that was checked.
fn split(member: &str) -> (&str, &str) {
    member.split_once('=').unwrap_or((member, ""))
}

/// `key=value`, as text when it is right: then it is all ASCII.
fn member(text: &[u8]) -> Result<&str, TraceProblem> {
    let (key, value) = split_once(text, b'=');
    check(key, value.ok_or(TraceProblem::BadKey)?)?;
    std::str::from_utf8(text).map_err(|_| TraceProblem::BadValue)
}

fn check(key: &[u8], value: &[u8]) -> Result<(), TraceProblem> {
    let small = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9');
    let in_key = |byte: &u8| small(byte) || b"_-*/@".contains(byte);
    let in_value = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b',' | b'=');
    if key.len() > 256 || !key.first().is_some_and(small) || !key.iter().all(in_key) {
        return Err(TraceProblem::BadKey);
    }
    if value.len() > 256 || value.last().is_none_or(|last| *last == b' ') || !value.iter().all(in_value) {
        return Err(TraceProblem::BadValue);
    }
    Ok(())
}
