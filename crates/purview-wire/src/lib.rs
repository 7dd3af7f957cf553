//! What crosses a process, as text: deadlines, baggage and trace context.

#![forbid(unsafe_code)]
