//! The trace context: taken in, carried along, passed on.

use crate::carrier::{Extract, Inject};
use crate::event::{Dropped, Event};
use crate::policy::Rules;
use purview::{Context, Key};
use purview_wire::{TRACEPARENT_HEADER, TRACESTATE_HEADER, TraceParent, TraceState};

/// What of `tracestate` everybody has to pass on, in bytes.
const MAX_STATE: usize = 512;

/// The trace context of a request, as it came from a peer whose traces are continued
/// ([W3C Trace Context](https://www.w3.org/TR/trace-context-2/)), and as it is sent.
///
/// This crate passes it on as it is. Whoever makes spans puts the trace context of the span into the context, below what came;
/// or has its own library read and write the headers, and turns [`Policy::traces`](crate::Policy::traces) off.
///
/// # Examples
///
/// ```
/// use purview::Context;
/// use purview_propagate::{Policy, TRACE, Trace, extract, inject};
/// use std::collections::HashMap;
///
/// let came = HashMap::from([("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]);
/// let ctx = extract(&came, &Context::background(), &Policy::trusted()).unwrap();
/// let trace = ctx.value(&TRACE).unwrap();
/// assert!(trace.parent.sampled());
///
/// let span = Trace { parent: trace.parent.with_parent_id([7; 8]).unwrap(), ..trace.clone() };
/// let mut goes = HashMap::<String, String>::new();
/// inject(&ctx.with_value(&TRACE, span), &mut goes, &Policy::trusted()).unwrap();
/// assert_eq!(goes["traceparent"], "00-0af7651916cd43dd8448eb211c80319c-0707070707070707-01");
///
/// // Whoever is not trusted starts no trace of ours, and is told of none.
/// let ctx = extract(&came, &Context::background(), &Policy::untrusted()).unwrap();
/// assert!(ctx.value(&TRACE).is_none());
/// ```
pub static TRACE: Key<Trace> = Key::new("trace");

/// Which trace a request belongs to, and what the tracing systems on its way added.
///
/// # Examples
///
/// See [`TRACE`].
#[derive(Clone, Debug)]
pub struct Trace {
    /// The trace, and the span that asked.
    pub parent: TraceParent,
    /// What tracing systems added; empty where it could not be read.
    pub state: TraceState,
}

impl Rules {
    /// The trace that came; none where there is none, more than one, or one that cannot be read.
    pub(crate) fn read_trace(&self, carrier: &impl Extract) -> Option<Trace> {
        let mut parents = carrier.values_of(TRACEPARENT_HEADER);
        let first = parents.next()?;
        let (Ok(parent), None) = (TraceParent::parse(first), parents.next()) else {
            self.tell(&Event::MalformedTrace);
            return None;
        };
        let state = TraceState::parse(carrier.values_of(TRACESTATE_HEADER)).unwrap_or_else(|_| {
            self.tell(&Event::MalformedTrace);
            TraceState::new()
        });
        Some(Trace { parent, state })
    }

    pub(crate) fn write_trace<C: Inject + ?Sized>(&self, ctx: &Context, carrier: &mut C) {
        let Some(trace) = ctx.value(&TRACE) else { return };
        self.set(carrier, TRACEPARENT_HEADER, &trace.parent.encode());
        let state = trace.state.encode(MAX_STATE);
        if state.dropped > 0 {
            self.tell(&Event::Dropped(Dropped::TooLarge, state.dropped));
        }
        if !state.text.is_empty() {
            self.set(carrier, TRACESTATE_HEADER, &state.text);
        }
    }

    pub(crate) fn has_trace(&self, ctx: &Context) -> bool {
        self.traces && ctx.value(&TRACE).is_some()
    }
}
