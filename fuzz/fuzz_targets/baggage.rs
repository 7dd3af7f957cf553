//! Several headers, split at line feeds: within the limits, and the same when read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use purview_wire::{Baggage, BaggageLimits};

fuzz_target!(|headers: &[u8]| {
    let limits = BaggageLimits { members: 20, bytes: 512 };
    let parts = || headers.split(|byte| *byte == b'\n');
    let (baggage, dropped) = Baggage::parse_lossy(parts(), limits);
    let encoded = baggage.encode(limits);
    assert!(encoded.dropped == 0 && baggage.len() <= limits.members && encoded.text.len() <= limits.bytes);
    assert_eq!(Baggage::parse([encoded.text.as_bytes()], limits).as_ref(), Ok(&baggage));
    match Baggage::parse(parts(), limits) {
        Ok(strict) => assert!(strict == baggage && dropped.malformed + dropped.over_limits == 0),
        Err(error) => assert!(dropped.malformed + dropped.over_limits > 0 && error.to_string().len() < 300),
    }
    for member in baggage.iter() {
        let mut again = Baggage::new();
        again.push(member.key(), &member.value()).unwrap();
        assert_eq!(again.get(member.key()).unwrap().value(), member.value());
        assert!(member.properties().all(|property| !property.is_empty()));
    }
});
