//! The chain of a context as text.

use crate::context::Context;
use crate::raw::{Layer, LayerKind};
use std::fmt::{self, Write as _};
use std::time::Duration;

/// Prints the chain from the root to this context, as Go's `String` does in spirit:
/// `background.with_timeout(1.98s left).with_value(user)`.
///
/// A value is printed only if its key says so ([`Key::shown`](crate::Key::shown)). The text is for people and may change. It is one
/// line, whatever is in it: a value may come from a peer, so what would break a line of a log, or turn its letters around, is escaped.
impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut layers: Vec<Layer<'_>> = Vec::new();
        for layer in self.0.chain() {
            layers.push(layer);
            if layer.kind() == LayerKind::Label("root") || layer.kind() == LayerKind::Label("foreign") {
                // What hangs below the static root only for our own purposes is a root to people.
                break;
            }
        }
        for (depth, layer) in layers.into_iter().rev().enumerate() {
            write_layer(layer, depth == 0, f)?;
        }
        Ok(())
    }
}

fn write_layer(layer: Layer<'_>, first: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let dot = if first { "" } else { "." };
    match layer.kind() {
        LayerKind::Label(label) => write!(f, "{dot}{label}")?,
        LayerKind::Cancelable => write!(f, "{dot}with_cancel")?,
        LayerKind::WithoutCancel => write!(f, "{dot}without_cancel")?,
        LayerKind::Timed => {
            let (deadline, now) = layer.deadline_and_now();
            let distance = rounded(deadline.abs_diff(now));
            let side = if deadline >= now { "left" } else { "past" };
            write!(f, "{dot}with_timeout({distance:?} {side})")?;
        }
        LayerKind::View => {}
    }
    // The values that were set first come first.
    for (index, entry) in layer.values().iter().enumerate().rev() {
        write!(f, ".with_value({}", entry.name())?;
        if entry.is_shown() {
            f.write_str("=")?;
            write!(Escaping(f), "{}", Value(layer, index))?;
        }
        f.write_str(")")?;
    }
    match layer.name() {
        Some(name) => {
            f.write_str(".named(")?;
            Escaping(f).write_str(name)?;
            f.write_str(")")
        }
        None => Ok(()),
    }
}

/// A value of a layer, as its key has it shown.
struct Value<'a>(Layer<'a>, usize);

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show(self.1, f).unwrap_or(Ok(()))
    }
}

/// Writes text that may be from anywhere.
struct Escaping<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl fmt::Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut plain = 0;
        for (at, special) in text.match_indices(is_special) {
            self.0.write_str(&text[plain..at])?;
            write!(self.0, "{}", special.escape_default())?;
            plain = at + special.len();
        }
        self.0.write_str(&text[plain..])
    }
}

/// Control characters, separators of lines and of paragraphs, what turns the direction of text around, and what escapes.
fn is_special(c: char) -> bool {
    c.is_control() || matches!(c, '\\' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// To what people read: hundredths of a second, or milliseconds, or microseconds below that.
fn rounded(nanos: u64) -> Duration {
    let grain = match nanos {
        1_000_000_000.. => 10_000_000,
        1_000_000.. => 1_000_000,
        _ => 1_000,
    };
    Duration::from_nanos(nanos / grain * grain)
}
