//! Why a policy was not made.

use std::fmt;

/// What was asked of a policy and cannot be: a mistake of the program, found when it starts.
///
/// # Examples
///
/// ```
/// use purview_propagate::Policy;
///
/// let error = Policy::untrusted().destinations(["https://example.com/"]).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "destination \"https://example.com/\" is no host: accepted are a name or an address, and a port after a colon",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    what: &'static str,
    name: String,
    wrong: &'static str,
}

impl PolicyError {
    fn new(what: &'static str, name: &str, wrong: &'static str) -> Self {
        Self { what, name: name.to_owned(), wrong }
    }

    pub(super) fn no_codec(key: &str) -> Self {
        Self::new("key", key, "has no codec: only keys made with `crossing` can cross")
    }

    pub(super) fn key_name(key: &str) -> Self {
        Self::new("key", key, "cannot be a key in baggage: accepted are HTTP tokens of up to 128 bytes")
    }

    pub(super) fn taken(key: &str) -> Self {
        Self::new("key", key, "is allowed already: one name is one key, and `allow` is both directions")
    }

    pub(super) fn header_name(header: &str) -> Self {
        Self::new("header", header, "is no name: accepted are HTTP tokens in lower case, up to 128 bytes")
    }

    pub(super) fn reserved(name: &str) -> Self {
        Self::new("name", name, "belongs to a protocol: accepted is any that is free")
    }

    pub(crate) fn destination(host: &str) -> Self {
        Self::new(
            "destination",
            host,
            "is no host: accepted are a name or an address, and a port after a colon",
        )
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {}", self.what, self.name, self.wrong)
    }
}

impl std::error::Error for PolicyError {}
