//! What the sides allocate. It is counted by a program of its own, `allocations`: a counting allocator slows what is timed.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// What things of one kind allocate from their making to their end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Which things.
    pub what: String,
    /// How many of them.
    pub times: u32,
    /// Calls of the allocator.
    pub allocations: u64,
    /// Bytes that were asked for.
    pub bytes: u64,
}

impl Count {
    /// Calls of the allocator for one of them.
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    pub fn allocations_each(&self) -> f64 {
        self.allocations as f64 / f64::from(self.times)
    }

    /// Bytes that one of them asked for.
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    pub fn bytes_each(&self) -> f64 {
        self.bytes as f64 / f64::from(self.times)
    }
}

/// What was counted for `what`. All counts are made at the first call, by another process.
pub fn of(what: &str) -> Result<Count, String> {
    static COUNTS: OnceLock<Result<Vec<Count>, String>> = OnceLock::new();
    let counts = COUNTS.get_or_init(count).as_ref().map_err(Clone::clone)?;
    counts.iter().find(|count| count.what == what).cloned().ok_or(format!("nothing was counted for {what:?}"))
}

fn count() -> Result<Vec<Count>, String> {
    // What it complains of goes where people look for it, and not into the table.
    let output = counter().stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("cannot start the counting program: {error}"))?;
    if !output.status.success() {
        return Err(format!("the counting program failed with {}", output.status));
    }
    parse(&String::from_utf8_lossy(&output.stdout))
}

/// Under cargo, cargo builds and runs it, so that it is never an old one; else it lies beside this program.
fn counter() -> Command {
    if let Some(cargo) = std::env::var_os("CARGO") {
        let mut command = Command::new(cargo);
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        command
            .args(["run", "--quiet", "--release", "--bin", "allocations", "--manifest-path"])
            .arg(manifest);
        return command;
    }
    let beside = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("purview-versus"));
    Command::new(beside.with_file_name("allocations"))
}

fn parse(lines: &str) -> Result<Vec<Count>, String> {
    lines
        .lines()
        .map(|line| {
            serde_json::from_str(line).map_err(|error| format!("cannot read the count {line:?}: {error}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Count, parse};

    #[test]
    fn counts_are_read_as_they_are_written() {
        let count = Count { what: "child".to_owned(), times: 2, allocations: 3, bytes: 96 };
        assert_eq!((count.allocations_each(), count.bytes_each()), (1.5, 48.0));
        let line = serde_json::to_string(&count).unwrap();
        assert_eq!(parse(&format!("{line}\n{line}\n")), Ok(vec![count.clone(), count]));
    }

    #[test]
    fn what_is_no_count_is_told() {
        assert!(parse("hello").unwrap_err().starts_with("cannot read the count \"hello\": "));
    }
}
