//! Names: which text may be one, and whose it is.

/// Prefixes of names that protocols and proxies keep for themselves.
const RESERVED: [&str; 4] = ["purview-", "grpc-", "connect-", "x-envoy-"];

/// The longest name of a header or a key, in bytes.
const LONGEST: usize = 128;

/// Whether `name` is an HTTP token, which is also what a key in W3C baggage is, and not too long.
pub(crate) fn is_token(name: &str) -> bool {
    name.len() <= LONGEST && purview_wire::is_token(name.as_bytes())
}

/// Whether `name` can be the name of a header, in the lower case that HTTP/2 asks for.
pub(crate) fn is_header(name: &str) -> bool {
    is_token(name) && !name.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// Whether `name` begins with what a protocol keeps for itself, in any case.
pub(crate) fn is_reserved(name: &str) -> bool {
    let begins = |prefix: &&str| name.get(..prefix.len()).is_some_and(|p| p.eq_ignore_ascii_case(prefix));
    RESERVED.iter().any(begins)
}

/// Whether `header` has a meaning of its own that a time under that name would break.
pub(crate) fn is_taken(header: &str) -> bool {
    const TAKEN: [&str; 18] = [
        "accept",
        "authorization",
        "baggage",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "host",
        "prefer",
        "request-timeout",
        "te",
        "traceparent",
        "tracestate",
        "transfer-encoding",
        "upgrade",
        "x-request-expires-at-ms",
    ];
    TAKEN.contains(&header)
}
