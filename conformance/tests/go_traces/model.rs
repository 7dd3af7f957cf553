//! A trace as it stands in the file: random operations, and what Go answered after each.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One line of the file.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Trace {
    pub(crate) seed: u64,
    pub(crate) steps: Vec<Step>,
}

/// An operation and what changed with it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Step {
    #[serde(flatten)]
    pub(crate) op: Op,
    /// The reports that are new or that changed; all others are what they were.
    #[serde(default)]
    pub(crate) seen: BTreeMap<usize, Report>,
    /// The callbacks that ran during this step.
    #[serde(default)]
    pub(crate) ran: Vec<usize>,
}

/// Contexts, callbacks and keys go by number; times are milliseconds from the start of the trace.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum Op {
    Start,
    WithCancel { parent: usize, ctx: usize },
    WithCancelCause { parent: usize, ctx: usize },
    WithDeadline { parent: usize, ctx: usize, ms: i64 },
    WithDeadlineCause { parent: usize, ctx: usize, ms: i64, cause: Option<String> },
    WithTimeout { parent: usize, ctx: usize, ms: i64 },
    WithTimeoutCause { parent: usize, ctx: usize, ms: i64, cause: Option<String> },
    WithValue { parent: usize, ctx: usize, key: usize, value: String },
    WithoutCancel { parent: usize, ctx: usize },
    Cancel { ctx: usize, cause: Option<String> },
    AfterFunc { ctx: usize, func: usize },
    Stop { func: usize, returned: bool },
    Advance { ms: u64 },
}

/// Everything that can be read from a context.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Report {
    pub(crate) err: Option<String>,
    pub(crate) cause: Option<String>,
    pub(crate) done: bool,
    pub(crate) deadline_ms: Option<i64>,
    pub(crate) values: BTreeMap<usize, String>,
}

/// Reads a file of traces, one a line.
pub(crate) fn parse(text: &str) -> Result<Vec<Trace>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(at, line)| serde_json::from_str(line).map_err(|e| format!("line {}: {e}", at + 1))).collect()
}
