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
mod plan;
mod process;
mod proto;
mod report;
mod serve;
mod stats;
mod store;
mod summary;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use args::{Command, Role, Serve};
use children::Children;

/// What still blocks a thread at the end was waited for before; this is for putting things away.
const LET_GO: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let command = match args::parse(std::env::args().skip(1)) {
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
        Command::Help => {
            print!("{}", args::HELP);
            Ok(())
        }
        Command::Run(run) => job::run(&run).await,
        Command::Serve(serve) => only_serve(&serve).await,
        Command::Child(child) => child::run(child).await,
    }
}

/// Starts the three, says where they are, and ends them at Ctrl-C.
async fn only_serve(serve: &Serve) -> io::Result<()> {
    let mut children = Children::start(serve).await?;
    println!("http {}", children.addr(Role::Gateway));
    println!("catalog {}", children.addr(Role::Catalog));
    println!("store {}", children.addr(Role::Store));
    println!("ready");
    tokio::select! {
        lost = children.lost() => return Err(lost),
        signal = interrupted() => signal?,
    }
    println!("draining");
    tokio::select! {
        works = children.stop() => works.map(drop),
        // A second one ends the waiting: the processes go on to end by themselves.
        signal = interrupted() => signal,
    }
}

/// Ctrl-C, or the polite signal of a process manager.
async fn interrupted() -> io::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            signal = tokio::signal::ctrl_c() => signal,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
