//! Runs the program `adding_slowly` alone: its code is in `src/adding_slowly.rs`.
#![forbid(unsafe_code)]

fn main() -> std::io::Result<()> {
    purview_examples::adding_slowly::run(&mut std::io::stdout().lock())
}
