//! Nested work: a random sleep in a worker, under a timeout of 150 ms, under a parent that is canceled at a random
//! moment. Who stopped whom, why, and when?
//!
//! Any error can be a cause. Here it is a type that says who and why, and comes back whole from below.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use futures_lite::future::{block_on, zip};
use purview::{Context, Error};

/// How long the job may take.
pub const LIMIT: Duration = Duration::from_millis(150);
/// The random times are less than this.
const MOST: u64 = 300;

/// A cause: who stopped what is below, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop {
    /// Who did it.
    pub who: &'static str,
    /// What it stopped, and so all that is below.
    pub whom: &'static str,
    /// Why.
    pub why: &'static str,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} stopped {}: {}", self.who, self.whom, self.why)
    }
}

impl std::error::Error for Stop {}

/// The operator's reason to cancel the parent.
pub const OPERATOR: Stop =
    Stop { who: "the operator", whom: "the parent, its job and the worker", why: "it is time for lunch" };
/// The timeout's reason to end the job.
pub const TIMEOUT: Stop =
    Stop { who: "the timeout", whom: "the job and its worker", why: "a job has 150 ms" };

/// The times of one round.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How long the worker would sleep.
    pub work: Duration,
    /// When the operator cancels the parent.
    pub cancel: Duration,
}

impl Plan {
    /// Other times on every run.
    fn random() -> Self {
        Self { work: random(), cancel: random() }
    }
}

/// A random time, from the standard library's own seed: enough for an example.
fn random() -> Duration {
    Duration::from_millis(RandomState::new().hash_one(()) % MOST)
}

/// How a round ended for the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Who stopped it; none if it came to its end.
    pub stopped: Option<Stop>,
    /// When.
    pub after: Duration,
}

impl Outcome {
    fn new(slept: Result<(), Error>, after: Duration) -> Self {
        // The error that `?` carries has the cause in it, and the cause is what the operator gave.
        let stopped = slept.err().and_then(|error| error.cause().downcast_ref().copied());
        Self { stopped, after }
    }
}

/// One round with two threads beside each other: the worker and the operator.
pub fn round(root: &Context, plan: Plan) -> Outcome {
    let start = root.clock().now();
    let (parent, cancel_parent) = root.with_cancel();
    let (job, _cancel_job) = parent.with_timeout_cause(LIMIT, TIMEOUT);
    // The operator's own context: it goes home when the worker is through, and must outlive what it cancels.
    let (watch, end_watch) = root.with_cancel();

    thread::scope(|scope| {
        scope.spawn(|| {
            if watch.sleep(plan.cancel).wait().is_ok() {
                cancel_parent.cancel_with(OPERATOR);
            }
        });
        let slept = job.sleep(plan.work).wait();
        let outcome = Outcome::new(slept, job.clock().now().duration_since(start));
        end_watch.cancel();
        outcome
    })
}

/// The same with two futures beside each other.
pub async fn round_async(root: &Context, plan: Plan) -> Outcome {
    let start = root.clock().now();
    let (parent, cancel_parent) = root.with_cancel();
    let (job, _cancel_job) = parent.with_timeout_cause(LIMIT, TIMEOUT);
    let (watch, end_watch) = root.with_cancel();

    let operator = async {
        if watch.sleep(plan.cancel).await.is_ok() {
            cancel_parent.cancel_with(OPERATOR);
        }
    };
    let worker = async {
        let slept = job.sleep(plan.work).await;
        let outcome = Outcome::new(slept, job.clock().now().duration_since(start));
        end_watch.cancel();
        outcome
    };
    let ((), outcome) = zip(operator, worker).await;
    outcome
}

/// Runs the program.
pub fn run(out: &mut dyn Write) -> io::Result<()> {
    let root = Context::background();
    for _ in 0..3 {
        let plan = Plan::random();
        tell(out, "threads", plan, round(&root, plan))?;
        let plan = Plan::random();
        tell(out, "async", plan, block_on(round_async(&root, plan)))?;
    }
    Ok(())
}

fn tell(out: &mut dyn Write, form: &str, plan: Plan, outcome: Outcome) -> io::Result<()> {
    let (work, cancel, after) = (plan.work.as_millis(), plan.cancel.as_millis(), outcome.after.as_millis());
    writeln!(out, "{form}: work of {work} ms, a timeout of 150 ms, the operator cancels at {cancel} ms")?;
    match outcome.stopped {
        Some(stop) => writeln!(out, "    after {after} ms {stop}"),
        None => writeln!(out, "    after {after} ms the worker was through, and nobody stopped it"),
    }
}
