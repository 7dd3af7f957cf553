//! The engine, and the only place with `unsafe`.
#![doc = include_str!("README.md")]
#![allow(unsafe_code, reason = "this is the one folder that has it")]

mod alloc;
mod branch;
mod cause;
mod closing;
mod deferred;
mod derive;
mod extra;
mod guarded;
mod handle;
mod hold;
mod hook;
mod locked;
mod merge;
mod node;
mod roots;
mod slot;
#[cfg(test)]
mod sound;
mod spare;
mod state;
mod tail;
#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;
mod timing;
mod tree;
mod trie;
mod values;
mod waiter;
mod waiting;
mod walk;
mod weak;
mod wheel;

pub(crate) use derive::{Form, Spec};
pub(crate) use guarded::{Guarded, GuardedRef};
#[cfg(test)]
pub(crate) use handle::grow_branches;
pub(crate) use handle::{Handle, Layer, LayerKind};
pub(crate) use hold::{CancelingHold, Hold};
pub(crate) use hook::{Callback, Registered};
pub(crate) use merge::merge;
pub(crate) use node::NO_DEADLINE;
#[cfg(test)]
pub(crate) use sound::assert_sound;
pub(crate) use tail::Parts;
pub use values::AndValue;
pub(crate) use values::Values;
pub(crate) use waiter::Event;
pub(crate) use waiting::{Target, Waiting};
pub(crate) use weak::Weak;
pub(crate) use wheel::Wheel;
