//! Runs the program `request` alone: its code is in `src/request.rs`.
#![forbid(unsafe_code)]

fn main() -> std::io::Result<()> {
    purview_examples::request::run(&mut std::io::stdout().lock())
}
