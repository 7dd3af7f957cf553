//! Carries a context across processes: inject, extract, and the policy between them.

#![forbid(unsafe_code)]

mod arrived;
mod baggage;
mod carrier;
mod crossing;
mod destination;
mod event;
mod inject;
mod names;
mod policy;
mod refused;
mod stored;
mod switch;
mod trace;

pub use self::arrived::{Arrived, extract};
pub use self::carrier::{Extract, Inject};
pub use self::event::{Counts, Dropped, Event};
pub use self::inject::{inject, inject_to};
pub use self::policy::{Malformed, Policy, PolicyError};
pub use self::refused::Refused;
pub use self::stored::{Environment, inject_command, inject_stored};
pub use self::switch::Switch;
pub use self::trace::{TRACE, Trace};
