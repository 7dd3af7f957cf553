//! Many threads derive, cancel, wait, time out, merge and drop under shared roots for as long as asked. Round by round it checks
//! that no wake-up is lost and none comes early, that each callback runs once or is stopped, that every context is gone in the end,
//! and over all rounds that the memory returns to where it began. The counts are printed.
//!
//! `cargo run --release -p purview-stress -- [--seconds N] [--threads N] [--seed N]`

#![forbid(unsafe_code)]

mod books;
mod round;
mod watch;
mod worker;

use books::Books;
use purview::Clock;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// So many bytes more than after the first rounds may be in use at the end: threads of the callback pool come and go, and the
/// allocator's own books move.
const SLACK: usize = 256 * 1024;
/// Rounds before the first look at the memory: threads are started, lazy statics made.
const WARM_UP: u64 = 3;

struct Options {
    seconds: u64,
    threads: usize,
    seed: u64,
}

fn main() -> ExitCode {
    let options = match parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("purview-stress: {error}");
            return ExitCode::from(2);
        }
    };
    println!("seed {}, {} threads, {} s", options.seed, options.threads, options.seconds);
    let (books, rounds, before, after) = run(&options);
    println!("{books}");
    println!("rounds                     {rounds:>12}");
    println!("bytes in use, early on     {before:>12}");
    println!("bytes in use, at the end   {after:>12}");
    let mut faults = books.faults();
    if after > before + SLACK {
        faults.push(format!("{} bytes more are in use than early on", after - before));
    }
    if faults.is_empty() {
        println!("nothing lost, nothing early, nothing left");
        return ExitCode::SUCCESS;
    }
    for fault in faults {
        println!("FAULT: {fault}");
    }
    ExitCode::FAILURE
}

/// Rounds until the time is over; the books, how many rounds, and the bytes in use after the warm-up and at the end.
fn run(options: &Options) -> (Arc<Books>, u64, usize, usize) {
    let clock = Clock::system();
    let start = clock.now();
    let limit = Duration::from_secs(options.seconds);
    let books = Arc::new(Books::new());
    let mut rounds = 0;
    let mut before = 0;
    let mut told = Duration::ZERO;
    loop {
        round::run(&books, options.seed.wrapping_add(rounds), options.threads);
        rounds += 1;
        if rounds <= WARM_UP {
            before = in_use();
        }
        let elapsed = clock.now() - start;
        if elapsed >= told + Duration::from_secs(5) {
            told = elapsed;
            eprintln!(
                "{:>5} s: {rounds} rounds, {} contexts, {} faults",
                elapsed.as_secs(),
                books.derived(),
                books.faults().len()
            );
        }
        if elapsed >= limit && rounds > WARM_UP || !books.faults().is_empty() {
            return (books, rounds, before, in_use());
        }
    }
}

fn in_use() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let mut options = Options { seconds: 10, threads: cores * 3, seed: fastrand::u64(..) };
    while let Some(name) = args.next() {
        if !["--seconds", "--threads", "--seed"].contains(&name.as_str()) {
            return Err(format!("{name}: --seconds N, --threads N and --seed N are accepted"));
        }
        let value = args.next().ok_or_else(|| format!("{name} wants a number"))?;
        let number: u64 =
            value.parse().map_err(|_| format!("{name} {value:?}: a whole number is accepted"))?;
        match name.as_str() {
            "--seconds" => options.seconds = number,
            "--threads" => options.threads = usize::try_from(number).unwrap_or(usize::MAX).clamp(1, 1024),
            _ => options.seed = number,
        }
    }
    Ok(options)
}
