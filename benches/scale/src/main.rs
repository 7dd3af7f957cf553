//! How the cost of an operation grows.

#![forbid(unsafe_code)]

fn main() {}
