//! The part of a bad input that an error shows.

use std::fmt;

/// How many bytes of the input an error keeps.
const KEPT: usize = 32;

/// The begin of a bad input, kept inline; prints in quotes, escaped, and says when it was cut.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Excerpt {
    bytes: [u8; KEPT],
    len: u8,
    cut: bool,
}

impl Excerpt {
    pub(crate) fn of(input: &[u8]) -> Self {
        let len = input.len().min(KEPT);
        let mut bytes = [0; KEPT];
        bytes[..len].copy_from_slice(&input[..len]);
        Self { bytes, len: u8::try_from(len).unwrap_or(u8::MAX), cut: input.len() > KEPT }
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.bytes[..usize::from(self.len)].escape_ascii();
        write!(f, "\"{shown}{}\"", if self.cut { "..." } else { "" })
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
