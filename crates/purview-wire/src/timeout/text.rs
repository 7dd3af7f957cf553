//! An encoded timeout, inline.

use std::fmt;
use std::ops::Deref;

/// `wait=` and ten digits, at most.
const ROOM: usize = 16;

/// What [`Format::encode`](crate::Format::encode) wrote: short ASCII text, without an allocation.
///
/// ```
/// use purview_wire::{Format, TimeoutText};
/// use std::time::Duration;
///
/// let text: TimeoutText = Format::PreferWait.encode(Duration::from_millis(1)).unwrap();
/// assert_eq!(&*text, "wait=1");
/// assert_eq!(text.to_string(), "wait=1");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeoutText {
    bytes: [u8; ROOM],
    len: usize,
}

impl TimeoutText {
    /// `before`, `count` in decimal, `unit`: at most five, ten and one characters.
    pub(super) fn new(before: &str, count: u64, unit: &str) -> Self {
        let mut text = Self { bytes: [0; ROOM], len: 0 };
        text.push(before.as_bytes());
        let mut digits = [0; 20];
        let mut first = digits.len();
        let mut rest = count;
        loop {
            first -= 1;
            digits[first] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        text.push(&digits[first..]);
        text.push(unit.as_bytes());
        text
    }

    fn push(&mut self, part: &[u8]) {
        self.bytes[self.len..][..part.len()].copy_from_slice(part);
        self.len += part.len();
    }
}

impl Deref for TimeoutText {
    type Target = str;

    fn deref(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl AsRef<str> for TimeoutText {
    fn as_ref(&self) -> &str {
        self
    }
}

impl fmt::Display for TimeoutText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for TimeoutText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
