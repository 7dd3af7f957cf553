//! `wait` among the preferences of RFC 7240.

use crate::text::{split_once, trim};

/// The value of the first `wait`; of several, RFC 7240 has only the first count. An absent value is empty.
pub(super) fn wait(header: &[u8]) -> Option<&[u8]> {
    let mut rest = header;
    while !rest.is_empty() {
        let end = end_of(rest, b',');
        let preference = &rest[..end];
        // Parameters of a preference stand after a semicolon and are not its value.
        let preference = &preference[..end_of(preference, b';')];
        let (name, value) = split_once(preference, b'=');
        if trim(name).eq_ignore_ascii_case(b"wait") {
            return Some(trim(value.unwrap_or_default()));
        }
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    None
}

/// Where the first `separator` outside of a quoted string stands, or the end.
fn end_of(text: &[u8], separator: u8) -> usize {
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            byte if *byte == separator && !quoted => return at,
            _ => {}
        }
    }
    text.len()
}
