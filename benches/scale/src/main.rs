//! How the cost of an operation grows: with children, depth, deadlines, waiters, values and threads.
//!
//! `cargo run --release -p purview-scale` measures everything beside tokio and tokio-util, in one process and in turns, and
//! writes `docs/scale.md` with a plot for each table. `cargo run --release -p purview-scale -- FOLDER` writes there instead.

#![forbid(unsafe_code)]

mod measure;
mod page;
mod svg;
mod trees;
mod values;
mod waits;

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let folder = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("docs"), PathBuf::from);
    let clock = purview::Clock::system();
    let start = clock.now();
    let charts = [
        trees::children(),
        trees::depth(),
        waits::deadlines(),
        waits::waiters(),
        values::values(),
        trees::threads(),
    ];
    match page::write(&folder, &charts) {
        Ok(()) => {
            let seconds = (clock.now() - start).as_secs();
            eprintln!("wrote {} in {seconds} s", folder.join("scale.md").display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("cannot write to {}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}
