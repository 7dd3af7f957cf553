//! `traceparent`, and several `tracestate`, split at line feeds: the same when read again, and cut to size whole.
#![no_main]

use libfuzzer_sys::fuzz_target;
use purview_wire::{TraceParent, TraceState};

fuzz_target!(|value: &[u8]| {
    if let Ok(parent) = TraceParent::parse(value) {
        assert_eq!(TraceParent::parse(parent.encode().as_bytes()), Ok(parent));
    }
    if let Ok(mut state) = TraceState::parse(value.split(|byte| *byte == b'\n')) {
        let all = state.encode(usize::MAX).text.into_owned();
        assert_eq!(TraceState::parse([all.as_bytes()]).as_ref(), Ok(&state));
        for bytes in [0, 64, 512] {
            let cut = state.encode(bytes);
            assert!(cut.text.len() <= bytes);
            assert_eq!(TraceState::parse([cut.text.as_bytes()]).unwrap().len() + cut.dropped, state.len());
        }
        state.set("ours", "1").unwrap();
        assert!(state.len() <= 32 && state.iter().next() == Some(("ours", "1")));
    }
});
