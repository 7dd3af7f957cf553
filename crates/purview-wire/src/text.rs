//! Short text inline, and what the grammars of HTTP share.

use std::fmt;
use std::ops::Deref;

/// ASCII text of at most `ROOM` bytes, kept inline: writing a header allocates nothing. It is read as a `str`.
///
/// ```
/// use purview_wire::Format;
/// use std::time::Duration;
///
/// let text = Format::PreferWait.encode(Duration::from_millis(1)).unwrap();
/// assert_eq!(&*text, "wait=1");
/// assert_eq!(text.to_string(), "wait=1");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Text<const ROOM: usize> {
    bytes: [u8; ROOM],
    len: usize,
}

impl<const ROOM: usize> Text<ROOM> {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; ROOM], len: 0 }
    }

    /// With `part`, for which there has to be room, at the end.
    pub(crate) fn with(mut self, part: &[u8]) -> Self {
        self.bytes[self.len..][..part.len()].copy_from_slice(part);
        self.len += part.len();
        self
    }

    /// With `count` in decimal at the end.
    pub(crate) fn with_decimal(self, count: u64) -> Self {
        let mut digits = [0; 20];
        let mut first = digits.len();
        let mut rest = count;
        loop {
            first -= 1;
            digits[first] = b"0123456789"[(rest % 10) as usize];
            rest /= 10;
            if rest == 0 {
                break self.with(&digits[first..]);
            }
        }
    }

    /// With each of `bytes` as two lowercase hexadecimal digits at the end.
    pub(crate) fn with_hex(self, bytes: &[u8]) -> Self {
        let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
        bytes.iter().fold(self, |text, byte| text.with(&[digit(byte >> 4), digit(byte & 15)]))
    }
}

impl<const ROOM: usize> Deref for Text<ROOM> {
    type Target = str;

    fn deref(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl<const ROOM: usize> AsRef<str> for Text<ROOM> {
    fn as_ref(&self) -> &str {
        self
    }
}

impl<const ROOM: usize> fmt::Display for Text<ROOM> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl<const ROOM: usize> fmt::Debug for Text<ROOM> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// Without the spaces and tabs around it, the optional white space of HTTP.
pub(crate) fn trim(value: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let first = value.iter().position(|byte| !blank(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !blank(byte)).map_or(first, |last| last + 1);
    &value[first..end]
}

/// Before and after the first `separator`; all of it and nothing when there is none.
pub(crate) fn split_once(text: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == separator) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

/// Whether it is a token ([RFC 9110, section 5.6.2](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2)): what names of
/// headers and keys of baggage are.
///
/// ```
/// use purview_wire::is_token;
///
/// assert!(is_token(b"x-request-timeout-ms") && is_token(b"K%20"));
/// assert!(!is_token(b"") && !is_token(b"two words") && !is_token(b"a=b"));
/// ```
pub fn is_token(text: &[u8]) -> bool {
    !text.is_empty()
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}
