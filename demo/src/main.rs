//! Real services on one machine, HTTP to gRPC to SQLite, and callers who leave.

#![forbid(unsafe_code)]

mod account;
mod args;
mod catalog;
mod child;
mod children;
mod database;
mod gateway;
mod job;
mod layers;
mod load;
mod output;
mod plan;
mod process;
mod proto;
mod report;
mod serve;
mod signals;
mod stats;
mod store;
mod summary;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use args::{Command, Role, Serve};
use children::Children;
use output::say;
use signals::Interrupts;

/// What still blocks a thread at the end was waited for before; this is for putting things away.
const LET_GO: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let command = match args::parse(std::env::args_os().skip(1)) {
        Ok(command) => command,
        Err(error) => {
            eprintln!("purview-demo: {error}");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = runtime.and_then(|runtime| {
        let result = runtime.block_on(execute(command));
        runtime.shutdown_timeout(LET_GO);
        result
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("purview-demo: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn execute(command: Command) -> io::Result<()> {
    match command {
        Command::Help => say(args::HELP.trim_end()),
        Command::Run(run) => job::run(&run).await,
        Command::Serve(serve) => only_serve(&serve).await,
        Command::Child(child) => child::run(child).await,
    }
}

/// Starts the three, says where they are, and ends them at Ctrl-C.
async fn only_serve(serve: &Serve) -> io::Result<()> {
    let mut children = Children::start(serve).await?;
    let mut interrupts = Interrupts::new()?;
    say(&format!("http {}", children.addr(Role::Gateway)))?;
    say(&format!("catalog {}", children.addr(Role::Catalog)))?;
    say(&format!("store {}", children.addr(Role::Store)))?;
    say("ready")?;
    tokio::select! {
        lost = children.lost() => return Err(lost),
        () = interrupts.next() => {}
    }
    // Ended well also if nobody reads that.
    let _ = say("draining");
    tokio::select! {
        works = children.stop() => works.map(drop),
        () = interrupts.next() => Err(io::Error::other("told to end at once, with work under way")),
    }
}
