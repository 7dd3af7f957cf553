//! Percent-coding, as baggage and `grpc-message` use it.

use std::borrow::Cow;

/// Appends `value`, with every byte for which `plain` does not hold as `%XX`.
pub(crate) fn encode_into(out: &mut String, value: &str, plain: impl Fn(u8) -> bool) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in value.bytes() {
        if byte.is_ascii() && plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

/// How many bytes [`encode_into`] appends.
pub(crate) fn encoded_len(value: &str, plain: impl Fn(u8) -> bool) -> usize {
    value.bytes().map(|byte| if byte.is_ascii() && plain(byte) { 1 } else { 3 }).sum()
}

/// Never fails: a `%` without two hexadecimal digits stays, and what is not UTF-8 becomes U+FFFD.
pub(crate) fn decode(value: &[u8]) -> Cow<'_, str> {
    if !value.contains(&b'%') {
        return String::from_utf8_lossy(value);
    }
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((first, after)) = rest.split_first() {
        let (byte, after) = match (first, after) {
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, after),
                _ => (b'%', &rest[1..]),
            },
            _ => (*first, after),
        };
        bytes.push(byte);
        rest = after;
    }
    Cow::Owned(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

/// The value of a hexadecimal digit of either case.
fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
