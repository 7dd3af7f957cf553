//! Runs all programs, one after the other: `cargo run --release --example tour`.
#![forbid(unsafe_code)]

fn main() -> std::io::Result<()> {
    purview_examples::tour(&mut std::io::stdout().lock())
}
