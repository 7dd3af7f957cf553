//! Runs the program `deadline` alone: its code is in `src/deadline.rs`.
#![forbid(unsafe_code)]

fn main() -> std::io::Result<()> {
    purview_examples::deadline::run(&mut std::io::stdout().lock())
}
