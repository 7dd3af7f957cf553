//! Calls over reqwest that stop with their context and say how much time is left.

#![forbid(unsafe_code)]
