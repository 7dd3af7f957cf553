//! Operations, four bytes each, on contexts and on a reference that is obviously right: the same answers after each.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (operations, _) = bytes.as_chunks();
    // As long as shrinks well; what a step costs grows with those before it.
    purview_model::alone(&operations[..operations.len().min(60)]);
});
