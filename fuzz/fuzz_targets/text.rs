//! An absolute deadline, and the text of a gRPC status.
#![no_main]

use libfuzzer_sys::fuzz_target;
use purview_wire::{ExpiresAt, decode_grpc_message, encode_grpc_message};

fuzz_target!(|value: &[u8]| {
    match ExpiresAt::parse(value) {
        Ok(at) => assert_eq!(ExpiresAt::parse(at.encode().as_bytes()), Ok(at)),
        Err(error) => assert!(error.to_string().len() < 300),
    }
    let text = decode_grpc_message(value);
    assert!(text.len() <= 3 * value.len());
    let encoded = encode_grpc_message(&text);
    assert!(encoded.bytes().all(|byte| matches!(byte, b' '..=b'~')));
    assert_eq!(decode_grpc_message(encoded.as_bytes()), text);
});
