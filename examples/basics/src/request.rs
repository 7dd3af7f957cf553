//! A request: a handler starts a database worker and an RPC worker, which share the user's identity, the token and the
//! deadline through the context. When the request is canceled or late, all stop, and the handler waits until they have
//! let go before it answers.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use futures_lite::future::zip;
use purview::{Context, Error, Key, Reason};

use crate::told;

/// How long the database works, and how long it takes it to roll back.
pub const QUERY: Duration = Duration::from_millis(120);
/// A worker that is stopped may still have to clean up.
pub const ROLL_BACK: Duration = Duration::from_millis(20);
/// How long the RPC takes.
pub const CALL: Duration = Duration::from_millis(100);

/// The user's identity: it may be printed.
static USER: Key<String> = Key::new("user").shown();
/// The token for the services behind: never printed, as any value whose key does not ask for it.
static TOKEN: Key<String> = Key::new("token");

/// What the client gets, and what had been let go by the time that it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status, as HTTP has it.
    pub status: u16,
    /// The parts, or what went wrong.
    pub body: String,
    /// The workers that had given everything back before the answer, in the alphabet's order.
    pub let_go: Vec<&'static str>,
}

/// Where workers note that they have given their connection back.
type Returned = Arc<Mutex<Vec<&'static str>>>;

/// A connection, given back when dropped.
struct Connection {
    to: &'static str,
    returned: Returned,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.returned.lock().unwrap_or_else(PoisonError::into_inner).push(self.to);
    }
}

/// The context of one request: one node with the deadline and both values.
fn request(parent: &Context, limit: Duration) -> (Context, purview::Canceler) {
    parent
        .derive()
        .timeout(limit)
        .value(&USER, "ada".to_owned())
        .value(&TOKEN, "sesame".to_owned())
        .named("request")
        .cancelable()
}

fn user(ctx: &Context) -> &str {
    ctx.value(&USER).map_or("nobody", String::as_str)
}

fn is_allowed(ctx: &Context) -> bool {
    ctx.value(&TOKEN).is_some_and(|token| token == "sesame")
}

// The threaded form.

type Worker = fn(&Context, Connection) -> Result<String, Error>;

fn database(ctx: &Context, _connection: Connection) -> Result<String, Error> {
    if let Err(error) = ctx.sleep(QUERY).wait() {
        // The clean-up must not be stopped by what made it necessary.
        ctx.without_cancel().sleep(ROLL_BACK).wait()?;
        return Err(error);
    }
    Ok(format!("3 orders of {}", user(ctx)))
}

fn rpc(ctx: &Context, _connection: Connection) -> Result<String, Error> {
    ctx.sleep(CALL).wait()?;
    Ok(format!("{} may order: {}", user(ctx), is_allowed(ctx)))
}

/// Answers one request with two threads.
pub fn handle(parent: &Context, limit: Duration) -> Answer {
    let (request, cancel) = request(parent, limit);
    let returned = Returned::default();
    let (sender, parts) = mpsc::channel();
    let start = |name, work: Worker| {
        // Each worker owns a context derived from the request's: `drained` waits for these, not for clones.
        let (ctx, sender) = (request.named(name), sender.clone());
        let connection = Connection { to: name, returned: Arc::clone(&returned) };
        thread::spawn(move || {
            // A handler that has given up does not listen any more.
            let _ = sender.send(work(&ctx, connection));
        })
    };
    let workers = [start("database", database), start("rpc", rpc)];
    drop(sender);

    // Ends with the first error: the other worker need not go on then.
    let parts = parts.iter().collect();
    cancel.cancel();
    request.drained().wait();
    for worker in workers {
        // A panic of a worker is one of the handler.
        worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    }
    answer(parts, &returned)
}

// The async form, with tasks. Arguments are dropped from the last to the first: the connection, and then the context, so
// that a drained request has its connections back.

async fn database_async(ctx: Context, _connection: Connection) -> Result<String, Error> {
    if let Err(error) = ctx.sleep(QUERY).await {
        ctx.without_cancel().sleep(ROLL_BACK).await?;
        return Err(error);
    }
    Ok(format!("3 orders of {}", user(&ctx)))
}

async fn rpc_async(ctx: Context, _connection: Connection) -> Result<String, Error> {
    ctx.sleep(CALL).await?;
    Ok(format!("{} may order: {}", user(&ctx), is_allowed(&ctx)))
}

/// Answers one request with two tasks. Needs a tokio runtime around it, for the tasks.
pub async fn handle_async(parent: &Context, limit: Duration) -> Answer {
    let (request, cancel) = request(parent, limit);
    let returned = Returned::default();
    let connection = |to| Connection { to, returned: Arc::clone(&returned) };
    let database = tokio::spawn(database_async(request.named("database"), connection("database")));
    let rpc = tokio::spawn(rpc_async(request.named("rpc"), connection("rpc")));

    // Ends with the first error. Dropping a handle only detaches its task; it is the context that stops it.
    let parts = futures_lite::future::try_zip(part(database), part(rpc)).await;
    cancel.cancel();
    request.drained().await;
    answer(parts.map(|(database, rpc)| vec![database, rpc]), &returned)
}

async fn part(task: tokio::task::JoinHandle<Result<String, Error>>) -> Result<String, Error> {
    task.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

fn answer(parts: Result<Vec<String>, Error>, returned: &Returned) -> Answer {
    let mut let_go = returned.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let_go.sort_unstable();
    let (status, body) = match parts {
        Ok(mut parts) => {
            parts.sort_unstable();
            (200, parts.join(", "))
        }
        Err(error) => match error.reason() {
            Reason::DeadlineExceeded => (504, told(&error)),
            Reason::Canceled => (499, told(&error)),
        },
    };
    Answer { status, body, let_go }
}

// The three cases.

/// Enough time for both workers.
pub const ENOUGH: Duration = Duration::from_secs(10);
/// Too little for either.
pub const TOO_SHORT: Duration = Duration::from_millis(50);
/// When the client hangs up.
pub const HANG_UP: Duration = Duration::from_millis(30);

/// A request whose client hangs up while both workers are at it.
pub fn hung_up(root: &Context) -> Answer {
    let (client, cancel) = root.with_cancel();
    thread::scope(|scope| {
        scope.spawn(|| {
            if root.sleep(HANG_UP).wait().is_ok() {
                cancel.cancel_with("the client hung up");
            }
        });
        handle(&client, ENOUGH)
    })
}

/// The async form of [`hung_up`].
pub async fn hung_up_async(root: &Context) -> Answer {
    let (client, cancel) = root.with_cancel();
    let hang_up = async {
        if root.sleep(HANG_UP).await.is_ok() {
            cancel.cancel_with("the client hung up");
        }
    };
    let ((), answer) = zip(hang_up, handle_async(&client, ENOUGH)).await;
    answer
}

/// Runs the program.
pub fn run(out: &mut dyn Write) -> io::Result<()> {
    let root = Context::background();
    tell(out, "threads, in time", &handle(&root, ENOUGH))?;
    tell(out, "threads, late", &handle(&root, TOO_SHORT))?;
    tell(out, "threads, canceled", &hung_up(&root))?;

    let tasks = tokio::runtime::Builder::new_current_thread().build()?;
    tell(out, "tasks, in time", &tasks.block_on(handle_async(&root, ENOUGH)))?;
    tell(out, "tasks, late", &tasks.block_on(handle_async(&root, TOO_SHORT)))?;
    tell(out, "tasks, canceled", &tasks.block_on(hung_up_async(&root)))
}

fn tell(out: &mut dyn Write, case: &str, answer: &Answer) -> io::Result<()> {
    writeln!(out, "{case}: {} {}", answer.status, answer.body)?;
    writeln!(out, "    let go before the answer: {}", answer.let_go.join(", "))
}
