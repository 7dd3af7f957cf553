//! Runs the program `after_func` alone: its code is in `src/after_func.rs`.
#![forbid(unsafe_code)]

fn main() -> std::io::Result<()> {
    purview_examples::after_func::run(&mut std::io::stdout().lock())
}
