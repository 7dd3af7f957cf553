//! W3C Trace Context: who asked for this work, and on which path.

mod error;
mod parent;
mod state;

pub use self::error::{TraceError, TraceProblem};
pub use self::parent::{TRACEPARENT_HEADER, TraceParent, TraceParentText};
pub use self::state::{TRACESTATE_HEADER, TraceState};
