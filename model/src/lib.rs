//! Random operations on a context that is obviously right and on ours, side by side.
//!
//! The first is in `reference.rs`: plain structs, and each answer is found anew by walking up the parents (`apply.rs`
//! has what each step does to them). `player.rs` does the same
//! steps with purview. Four bytes are a step ([`meaning`] tells which), so that proptest and a fuzzer share one grammar, and so
//! that whatever is left out of a case leaves a case.
//!
//! | how | what is compared |
//! |---|---|
//! | [`alone`] | one thread: every read of every context, every wake-up in its order, what is armed and what is still there, after each step |
//! | [`apart`] | threads below one parent, each in a tree of its own: the same, but for the order across trees |
//! | [`racing`] | threads with the same contexts: what holds in whatever order they came |
#![forbid(unsafe_code)]

mod apart;
mod apply;
mod cause;
mod choose;
mod compare;
mod player;
mod race;
mod reconcile;
mod reference;
mod step;

pub use apart::apart;
pub use compare::{alone, meaning};
pub use race::racing;
