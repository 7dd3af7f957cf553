//! Carries a context across processes: inject, extract, and the policy between them.

#![forbid(unsafe_code)]
