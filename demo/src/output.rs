//! Lines of the standard output. Whoever reads them may leave at any time.

use std::io::{self, Write as _};

/// Prints a line, at once.
///
/// # Errors
///
/// When nobody reads it any more, among others.
pub(crate) fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
