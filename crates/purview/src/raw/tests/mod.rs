//! White-box tests: what the links, counts and lists look like after each step.

mod branches;
mod spares;
mod waiting;
