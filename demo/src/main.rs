//! Real services on one machine, HTTP to gRPC to SQLite, and callers who leave.

#![forbid(unsafe_code)]

fn main() {}
