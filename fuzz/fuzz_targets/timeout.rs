//! Each header of a deadline: what is strictly right is leniently the same, and what is sent on is not less.
#![no_main]

use libfuzzer_sys::fuzz_target;
use purview_wire::{Format, MAX_TIMEOUT};
use std::time::Duration;

fuzz_target!(|value: &[u8]| {
    for format in Format::ALL {
        let lenient = format.decode_lenient(value);
        match format.decode(value) {
            Ok(read) => assert_eq!(lenient, Ok(read)),
            Err(error) => assert!(error.to_string().len() < 300),
        }
        let Ok(Some(left)) = lenient else { continue };
        let Some(text) = format.encode(left) else { continue };
        let again = format.decode(text.as_bytes()).unwrap().unwrap();
        // Formats of whole seconds clamp to whole seconds.
        assert!(again <= MAX_TIMEOUT && again + Duration::from_secs(1) > left.min(MAX_TIMEOUT));
        assert!(again >= left || left > Duration::from_secs(MAX_TIMEOUT.as_secs()));
    }
});
