//! Small programs with purview, each one idea, in a threaded and an async form where both make sense.
//!
//! Each module is one program: its parts can be called from a test with a root of its own clock, and its `run` writes
//! what came out. `cargo run --example tour` runs all of them, `cargo run --example adding_slowly` only that one.
#![forbid(unsafe_code)]

pub mod adding_slowly;
pub mod after_func;
pub mod deadline;
pub mod generator;
pub mod merge;
pub mod nested;
pub mod private_key;
pub mod request;

use std::error::Error as _;
use std::io::{self, Write};

/// A program's `run`.
pub type Run = fn(&mut dyn Write) -> io::Result<()>;

/// All programs, in the order of the tour: the name, what it shows, and its `run`.
pub const TOUR: &[(&str, &str, Run)] = &[
    ("adding_slowly", "slow work that is late, canceled half-way, or in time", adding_slowly::run),
    ("generator", "1, 2, 3, ... stops and leaks nothing when its consumer has seen 5", generator::run),
    ("deadline", "a deadline of 50 ms against a wait of 1 s", deadline::run),
    ("private_key", "a value is found under its own key only", private_key::run),
    ("nested", "random work under a timeout under a parent that is canceled at a random moment", nested::run),
    ("request", "a handler that answers when all that it started has let go", request::run),
    ("merge", "one context that ends with the first of two", merge::run),
    ("after_func", "a blocking read that a context can stop", after_func::run),
];

/// Runs all programs one after the other.
pub fn tour(out: &mut dyn Write) -> io::Result<()> {
    for (name, idea, run) in TOUR {
        writeln!(out, "== {name}: {idea}")?;
        run(out)?;
        writeln!(out)?;
    }
    Ok(())
}

/// The error as a person wants it told: what happened, and why if somebody said so.
pub fn told(error: &purview::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
