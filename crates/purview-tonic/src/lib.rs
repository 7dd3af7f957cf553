//! What gRPC needs on top: statuses, metadata and streams that stop with their context.

#![forbid(unsafe_code)]
