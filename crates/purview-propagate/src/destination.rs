//! Where values may go: hosts, and the list of those that a policy allows.

use crate::policy::PolicyError;
use std::fmt;
use std::net::IpAddr;

/// The longest host name that DNS has, in bytes, and the dot that may end it.
const LONGEST: usize = 254;

/// Which hosts may be sent values.
#[derive(Clone, Debug)]
pub(crate) enum Allowed {
    /// Any, also one that is not named.
    Any,
    /// Those of the list. Without any entry: none.
    Listed(Vec<Pattern>),
}

impl Allowed {
    pub(crate) fn allows(&self, authority: Option<&str>) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(patterns) if patterns.is_empty() => false,
            Self::Listed(patterns) => authority
                .and_then(Authority::parse)
                .is_some_and(|authority| patterns.iter().any(|pattern| pattern.matches(&authority))),
        }
    }
}

/// One entry of the list.
#[derive(Clone)]
pub(crate) struct Pattern {
    host: PatternHost,
    port: Option<u16>,
}

#[derive(Clone)]
enum PatternHost {
    /// In lower case, without a dot at its end.
    Name(Box<str>),
    Address(IpAddr),
}

impl Pattern {
    /// Reads `example.com`, `example.com:8443`, `10.0.0.7`, `[::1]` or `[::1]:8080`.
    pub(crate) fn parse(text: &str) -> Result<Self, PolicyError> {
        let authority = Authority::parse(text).ok_or_else(|| PolicyError::destination(text))?;
        let host = match authority.host {
            Host::Name(name) => PatternHost::Name(name.to_ascii_lowercase().into_boxed_str()),
            Host::Address(address) => PatternHost::Address(address),
        };
        Ok(Self { host, port: authority.port })
    }

    fn matches(&self, authority: &Authority<'_>) -> bool {
        let host = match (&self.host, &authority.host) {
            (PatternHost::Address(ours), Host::Address(theirs)) => ours == theirs,
            (PatternHost::Name(ours), Host::Name(theirs)) => is_at_or_below(theirs, ours),
            _ => false,
        };
        host && self.port.is_none_or(|port| authority.port == Some(port))
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            PatternHost::Name(name) => f.write_str(name)?,
            PatternHost::Address(address) => write!(f, "{address}")?,
        }
        self.port.map_or(Ok(()), |port| write!(f, " port {port}"))
    }
}

/// Whether `name` is `domain` or ends with it where a label begins.
fn is_at_or_below(name: &str, domain: &str) -> bool {
    let Some(cut) = name.len().checked_sub(domain.len()) else { return false };
    let (above, tail) = name.as_bytes().split_at(cut);
    tail.eq_ignore_ascii_case(domain.as_bytes()) && (above.is_empty() || above.ends_with(b"."))
}

/// A host and, if it is said, a port.
struct Authority<'a> {
    host: Host<'a>,
    port: Option<u16>,
}

enum Host<'a> {
    Name(&'a str),
    Address(IpAddr),
}

impl<'a> Authority<'a> {
    /// Strict, and closed where in doubt: what is not plainly a host (user information, an address in one of the old
    /// spellings, an empty label) is none, and gets no values.
    fn parse(text: &'a str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix('[') {
            let (address, port) = rest.split_once(']')?;
            let port = if port.is_empty() { None } else { Some(parse_port(port.strip_prefix(':')?)?) };
            return Some(Self { host: Host::Address(IpAddr::V6(address.parse().ok()?)), port });
        }
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, Some(parse_port(port)?)),
            None => (text, None),
        };
        if let Ok(address) = host.parse() {
            return Some(Self { host: Host::Address(IpAddr::V4(address)), port });
        }
        let name = host.strip_suffix('.').unwrap_or(host);
        is_name(name).then_some(Self { host: Host::Name(name), port })
    }
}

fn parse_port(text: &str) -> Option<u16> {
    // `parse` alone would take a plus sign.
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Whether this is a name as DNS has them, whose last label is not a number: that would be an address to some.
fn is_name(name: &str) -> bool {
    let of_label = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_label = |label: &str| !label.is_empty() && label.len() <= 63 && label.bytes().all(of_label);
    let last = name.rsplit('.').next().unwrap_or("");
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit())
        || last.get(..2).is_some_and(|prefix| prefix.eq_ignore_ascii_case("0x"));
    name.len() < LONGEST && name.split('.').all(is_label) && !is_number
}
