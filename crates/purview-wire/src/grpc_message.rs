//! The text of a gRPC status.

use crate::percent;
use std::borrow::Cow;

/// The value of the header `grpc-message` for `text`: UTF-8, percent-encoded outside of printable ASCII, and `%`
/// ([gRPC over HTTP/2](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md)). At most three times as long.
///
/// ```
/// assert_eq!(purview_wire::encode_grpc_message("time is up"), "time is up");
/// assert_eq!(purview_wire::encode_grpc_message("100% späť\n"), "100%25 sp%C3%A4%C5%A5%0A");
/// ```
pub fn encode_grpc_message(text: &str) -> Cow<'_, str> {
    let plain = |byte| matches!(byte, b' '..=b'~') && byte != b'%';
    if text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(percent::encoded_len(text, plain));
    percent::encode_into(&mut out, text, plain);
    Cow::Owned(out)
}

/// The text of a `grpc-message`; never fails: a `%` that begins no code stays as it is, and what is not UTF-8 becomes
/// U+FFFD, of which there is at most one for each byte.
///
/// ```
/// assert_eq!(purview_wire::decode_grpc_message(b"100%25 sp%C3%A4%C5%A5"), "100% späť");
/// assert_eq!(purview_wire::decode_grpc_message(b"%zz %"), "%zz %");
/// assert_eq!(purview_wire::decode_grpc_message(b"%ff"), "\u{fffd}");
/// ```
pub fn decode_grpc_message(value: &[u8]) -> Cow<'_, str> {
    percent::decode(value)
}
