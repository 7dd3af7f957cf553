//! Runs the program `generator` alone: its code is in `src/generator.rs`.
#![forbid(unsafe_code)]

fn main() -> std::io::Result<()> {
    purview_examples::generator::run(&mut std::io::stdout().lock())
}
