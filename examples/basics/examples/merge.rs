//! Runs the program `merge` alone: its code is in `src/merge.rs`.
#![forbid(unsafe_code)]

fn main() -> std::io::Result<()> {
    purview_examples::merge::run(&mut std::io::stdout().lock())
}
