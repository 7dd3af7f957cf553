//! The grammar of a member.

use super::BaggageProblem;
use crate::text::{is_token, split_once, trim};

/// `key OWS "=" OWS value *( OWS ";" OWS property )`, as text when it is right: then it is all ASCII.
pub(super) fn member(text: &[u8]) -> Result<&str, BaggageProblem> {
    let mut parts = text.split(|byte| *byte == b';');
    let (key, value) = split_once(parts.next().unwrap_or_default(), b'=');
    let value = value.ok_or(BaggageProblem::NoValue)?;
    if !is_token(trim(key)) {
        return Err(BaggageProblem::BadKey);
    }
    if !is_value(value) {
        return Err(BaggageProblem::BadValue);
    }
    if !parts.all(is_property) {
        return Err(BaggageProblem::BadProperty);
    }
    std::str::from_utf8(text).map_err(|_| BaggageProblem::BadValue)
}

/// `key OWS [ "=" OWS value ]`.
fn is_property(text: &[u8]) -> bool {
    let (key, value) = split_once(text, b'=');
    is_token(trim(key)) && value.is_none_or(is_value)
}

fn is_value(text: &[u8]) -> bool {
    trim(text).iter().all(|byte| is_octet(*byte))
}

/// `baggage-octet`: visible ASCII without `"`, `,`, `;` and `\`.
pub(super) const fn is_octet(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\')
}
