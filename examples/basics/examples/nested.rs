//! Runs the program `nested` alone: its code is in `src/nested.rs`.
#![forbid(unsafe_code)]

fn main() -> std::io::Result<()> {
    purview_examples::nested::run(&mut std::io::stdout().lock())
}
