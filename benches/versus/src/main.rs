//! What purview costs, beside its peers, in one process and interleaved.

#![forbid(unsafe_code)]

fn main() {}
