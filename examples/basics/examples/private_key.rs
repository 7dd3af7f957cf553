//! Runs the program `private_key` alone: its code is in `src/private_key.rs`.
#![forbid(unsafe_code)]

fn main() -> std::io::Result<()> {
    purview_examples::private_key::run(&mut std::io::stdout().lock())
}
