//! The main job: the same load with the context and without it, and what came of it.

use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use purview::{Clock, Context};

use crate::args::{ANY, Role, Run, Serve};
use crate::children::Children;
use crate::load::{Load, Visit};
use crate::output::say;
use crate::plan::{Caller, callers};
use crate::summary::{Outcomes, Summary, table};

/// Between two lines of progress, on a terminal and elsewhere.
const OFTEN: Duration = Duration::from_millis(100);
const SELDOM: Duration = Duration::from_secs(1);

/// How long the processes may take to come to rest after the last caller has left.
const REST: Duration = Duration::from_secs(10);

/// From so many requests on it is not chance how a run with the context and one without compare.
const ENOUGH: usize = 100;

pub(crate) async fn run(options: &Run) -> io::Result<()> {
    let callers = callers(options.requests);
    // Made first: nobody should wait for a run whose report has no place.
    let report = options.report.as_deref().map(Report::create).transpose()?;
    say(&format!(
        "Three processes (gateway: HTTP, catalog: gRPC, store: gRPC and SQLite), {} requests.",
        callers.len()
    ))?;
    let modes = options.propagation.map_or(vec![true, false], |only| vec![only]);
    let mut runs = Vec::new();
    for propagation in modes {
        runs.push(one(propagation, &callers).await?);
    }
    let summaries: Vec<Summary> = runs.iter().map(Summary::of).collect();
    let columns: Vec<_> = runs.iter().map(Outcomes::name).zip(&summaries).collect();
    if let Some(report) = report {
        report.write(&crate::report::page(&runs))?;
    }
    say(&format!("\n{}", table(&columns)))?;
    if let Some(file) = &options.report {
        say(&format!("The report is in {}.", file.display()))?;
    }
    judge(&runs, &summaries)
}

/// The file of the report.
struct Report<'a>(&'a Path, File);

impl<'a> Report<'a> {
    fn create(path: &'a Path) -> io::Result<Self> {
        // What is there stays until there is something better.
        let file = File::options().create(true).truncate(false).write(true).open(path);
        Ok(Self(path, file.map_err(|error| unwritten(path, &error))?))
    }

    fn write(mut self, page: &str) -> io::Result<()> {
        let written = self.1.set_len(0).and_then(|()| self.1.write_all(page.as_bytes()));
        written.map_err(|error| unwritten(self.0, &error))
    }
}

fn unwritten(path: &Path, error: &io::Error) -> io::Error {
    io::Error::other(format!("cannot write {}: {error}", path.display()))
}

async fn one(propagation: bool, callers: &[Caller]) -> io::Result<Outcomes> {
    let mut children = Children::start(&Serve { http: ANY, catalog: ANY, store: ANY, propagation }).await?;
    let load = Load::new(children.addr(Role::Gateway), children.addr(Role::Catalog))?;
    let visits = tokio::select! {
        visits = load.run(callers) => visits,
        lost = children.lost() => return Err(lost),
        never = show(&load, callers.len(), propagation) => match never {},
    };
    show_line(&load, callers.len(), propagation, true);
    if propagation {
        come_to_rest(&load, &children).await?;
    }
    let works = children.stop().await?;
    Ok(Outcomes { propagation, visits, works })
}

/// Shows how far the load is, again and again.
async fn show(load: &Load, all: usize, propagation: bool) -> std::convert::Infallible {
    let ticks = Context::root(Clock::system());
    let pause = if io::stdout().is_terminal() { OFTEN } else { SELDOM };
    loop {
        let _ = ticks.sleep(pause).await;
        show_line(load, all, propagation, false);
    }
}

fn show_line(load: &Load, all: usize, propagation: bool, last: bool) {
    let progress = load.progress();
    let mode = if propagation { "with the context" } else { "without" };
    let [begun, answered, gone] =
        [&progress.begun, &progress.answered, &progress.gone].map(|count| count.load(Ordering::Relaxed));
    let line = format!("{mode:>16}: {begun} of {all} requests, {answered} answered, {gone} gone without");
    let mut out = io::stdout().lock();
    // One line that is written over, where there is a terminal to do that.
    let (before, after) = match (out.is_terminal(), last) {
        (true, false) => ("\r", ""),
        (true, true) => ("\r", "\n"),
        (false, _) => ("", "\n"),
    };
    let _ = write!(out, "{before}{line}{after}").and_then(|()| out.flush());
}

/// Waits until no process holds a context any more: everybody has let go of what the callers wanted.
async fn come_to_rest(load: &Load, children: &Children) -> io::Result<()> {
    let limit = Context::root(Clock::system()).derive().timeout(REST).build();
    for role in Role::ALL {
        loop {
            let held = limit.run(load.contexts_held(children.addr(role))).await.map_err(|_| {
                io::Error::other(format!("{} does not say how many contexts it holds", role.name()))
            })??;
            if held == 0 {
                break;
            }
            if limit.sleep(Duration::from_millis(10)).await.is_err() {
                return Err(io::Error::other(format!("{} still holds {held} contexts", role.name())));
            }
        }
    }
    Ok(())
}

/// Whether all is as it should be.
fn judge(runs: &[Outcomes], summaries: &[Summary]) -> io::Result<()> {
    for (run, summary) in runs.iter().zip(summaries) {
        if let Some(complaint) = summary.complaint(&run.visits) {
            return Err(io::Error::other(format!("{}: {complaint}", run.name())));
        }
    }
    let [with, without] = summaries else { return Ok(()) };
    let enough = runs.iter().flat_map(|run| &run.visits).filter_map(Visit::gone).count() >= ENOUGH;
    let [with, without] = [with, without].map(|summary| summary.after[Role::Store as usize].micros);
    if enough && with >= without / 4 {
        return Err(io::Error::other(
            "the context saved the store less than three quarters of the work for nobody",
        ));
    }
    Ok(())
}
