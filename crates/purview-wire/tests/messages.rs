//! What the text of a gRPC status is on the wire, row by row.

use purview_wire::{decode_grpc_message, encode_grpc_message};

#[test]
fn a_message_is_encoded_but_for_printable_ascii_and_comes_back() {
    let rows = [
        ("", ""),
        ("time is up", "time is up"),
        (" !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~", " !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~"),
        ("100%", "100%25"),
        ("%41", "%2541"),
        ("\t\r\n\0\x7f", "%09%0D%0A%00%7F"),
        ("\u{e9}\u{1f600}", "%C3%A9%F0%9F%98%80"),
    ];
    for (text, wire) in rows {
        assert_eq!(encode_grpc_message(text), wire);
        assert_eq!(decode_grpc_message(wire.as_bytes()), text);
    }
}

#[test]
fn a_message_of_a_careless_peer_is_read_as_far_as_it_goes() {
    let rows: [(&[u8], &str); 7] = [
        (b"caf%c3%a9", "caf\u{e9}"),
        (b"caf\xc3\xa9", "caf\u{e9}"),
        (b"%", "%"),
        (b"%4", "%4"),
        (b"%zz%41", "%zzA"),
        (b"a%ff", "a\u{fffd}"),
        (b"a+b", "a+b"),
    ];
    for (wire, text) in rows {
        assert_eq!(decode_grpc_message(wire), text, "{wire:?}");
    }
}
