//! What the protocol in `proto/` compiles to.
#![expect(
    clippy::allow_attributes_without_reason,
    clippy::pedantic,
    unreachable_pub,
    reason = "generated code"
)]

tonic::include_proto!("purview.demo.v1");
