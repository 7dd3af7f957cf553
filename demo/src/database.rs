//! The rows, in SQLite, and queries that stop when their context is done.
//!
//! A query is told twice: SQLite asks the context itself as it goes (the progress handler), and whoever ends the context
//! interrupts it (the interrupt handle). The first also sees what came before the query began, the second needs no step.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use purview::{AfterFunc, Context};
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, ErrorCode, params};

use crate::account::Open;
use crate::proto::Hit;

/// Who has rows. The last one is for callers that do not say who they are.
pub(crate) const TENANTS: [&str; 4] = ["acme", "globex", "initech", "public"];

/// Rows of each tenant.
const ROWS: u32 = 4096;

/// The store reads as from a slow disk, so that a query takes as long on every machine.
const ROWS_A_TICK: u64 = 128;
const TICK: Duration = Duration::from_millis(2);

/// Rows that one statement reads, at most.
const PIECE: u64 = 1024;

/// How many steps of its virtual machine SQLite makes before it asks the context.
const STEPS: i32 = 1000;

/// How many hits an answer has.
pub(crate) const BEST: u32 = 5;

/// A database in a directory of its own, which is removed with it.
#[derive(Debug)]
pub(crate) struct Database {
    directory: PathBuf,
}

/// Why a query gave no rows.
#[derive(Debug)]
pub(crate) enum QueryError {
    /// Its context was done.
    Stopped(purview::Error),
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for QueryError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// What to search for, whose rows, and for how long.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    pub(crate) tenant: String,
    pub(crate) query: String,
    pub(crate) work: Duration,
}

impl Database {
    /// Makes and fills a database in a new directory in `parent`, that only this user can enter.
    pub(crate) fn create(parent: &Path, name: &str) -> io::Result<Self> {
        let directory = parent.join(name);
        make_private(&directory)?;
        let database = Self { directory };
        let mut connection = database.connect().map_err(io::Error::other)?;
        fill(&mut connection).map_err(io::Error::other)?;
        Ok(database)
    }

    pub(crate) fn connect(&self) -> rusqlite::Result<Connection> {
        let connection = Connection::open(self.directory.join("catalog.sqlite"))?;
        // Readers and the writer do not wait for each other; nothing here has to outlive a power cut.
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "off")?;
        connection.busy_timeout(Duration::from_secs(5))?;
        Ok(connection)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // What is left of it lies in a directory for temporary things.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

#[cfg(unix)]
fn make_private(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().mode(0o700).create(directory)
}

#[cfg(not(unix))]
fn make_private(directory: &Path) -> io::Result<()> {
    fs::create_dir(directory)
}

fn fill(connection: &mut Connection) -> rusqlite::Result<()> {
    const KINDS: [&str; 8] = ["lamp", "chair", "table", "kettle", "bicycle", "clock", "radio", "tent"];
    const LOOKS: [&str; 7] = ["red", "small", "folding", "quiet", "bright", "old", "heavy"];

    let transaction = connection.transaction()?;
    transaction.execute_batch(
        "create table items (tenant text, id integer, title text, primary key (tenant, id)) without rowid",
    )?;
    {
        let mut insert = transaction.prepare("insert into items values (?1, ?2, ?3)")?;
        for tenant in TENANTS {
            for id in 1..=ROWS {
                let (kind, look) = (KINDS[id as usize % KINDS.len()], LOOKS[id as usize % LOOKS.len()]);
                insert.execute(params![tenant, id, format!("{look} {kind} no. {id} of {tenant}")])?;
            }
        }
    }
    transaction.commit()
}

/// Runs `query` on `connection` and stops it when `ctx` is done.
pub(crate) fn interruptible<T>(
    connection: &mut Connection,
    ctx: &Context,
    query: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
) -> Result<T, QueryError> {
    ctx.check().map_err(QueryError::Stopped)?;
    ask_while_running(connection, ctx)?;
    let interrupt = interrupt_when_done(connection, ctx);
    let result = query(connection);
    // An interrupt that is under way must not hit whoever has the connection next.
    let _ = interrupt.stop_and_wait();
    connection.progress_handler(0, None::<fn() -> bool>)?;
    result.map_err(|error| match ctx.error() {
        Some(stopped) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
            QueryError::Stopped(stopped)
        }
        _ => QueryError::Sqlite(error),
    })
}

fn ask_while_running(connection: &mut Connection, ctx: &Context) -> rusqlite::Result<()> {
    let ctx = ctx.clone();
    connection.progress_handler(STEPS, Some(move || ctx.is_done()))
}

fn interrupt_when_done(connection: &Connection, ctx: &Context) -> AfterFunc {
    let handle = connection.get_interrupt_handle();
    ctx.after_func_inline(move || handle.interrupt())
}

/// Searches until the time of `ask` is over, hands each piece to `piece` (its best hits, and the rows read so far), and
/// stops early when that says so. Gives the number of rows read. `open` counts them.
pub(crate) fn search(
    connection: &mut Connection,
    ctx: &Context,
    ask: &Search,
    open: &Arc<Mutex<Open>>,
    piece: impl FnMut(Vec<Hit>, u64) -> bool,
) -> Result<u64, QueryError> {
    offer_relevance(connection, ctx, &ask.query, open)?;
    let result = pieces(connection, ctx, ask, open, piece);
    // It holds on to the work that it counts for.
    connection.remove_function("relevance", 1)?;
    result
}

fn pieces(
    connection: &mut Connection,
    ctx: &Context,
    ask: &Search,
    open: &Mutex<Open>,
    mut piece: impl FnMut(Vec<Hit>, u64) -> bool,
) -> Result<u64, QueryError> {
    let clock = ctx.clock();
    let until = clock.now() + ask.work;
    let last = last_id(connection, &ask.tenant)?;
    let mut first = 1;
    loop {
        let left = until.saturating_duration_since(clock.now());
        let rows = pace(left).clamp(ROWS_A_TICK / 2, PIECE);
        let hits = interruptible(connection, ctx, |connection| best(connection, &ask.tenant, first, rows))?;
        first = if first + rows > last { 1 } else { first + rows };
        let so_far = locked(open).row_count();
        if !piece(hits, so_far) || clock.now() >= until {
            return Ok(so_far);
        }
    }
}

fn last_id(connection: &Connection, tenant: &str) -> rusqlite::Result<u64> {
    let mut statement =
        connection.prepare_cached("select coalesce(max(id), 0) from items where tenant = ?1")?;
    statement.query_row([tenant], |row| row.get(0))
}

/// How many rows the slow disk gives in that time.
fn pace(time: Duration) -> u64 {
    u64::try_from(time.as_micros() * u128::from(ROWS_A_TICK) / TICK.as_micros()).unwrap_or(u64::MAX)
}

fn best(connection: &Connection, tenant: &str, first: u64, rows: u64) -> rusqlite::Result<Vec<Hit>> {
    let mut statement = connection.prepare_cached(
        "select id, title, relevance(title) as score from items
         where tenant = ?1 and id >= ?2 and id < ?3 order by score desc, id limit ?4",
    )?;
    let hits = statement.query_map(params![tenant, first, first + rows, BEST], |row| {
        Ok(Hit { id: row.get(0)?, title: row.get(1)?, score: row.get(2)? })
    })?;
    hits.collect()
}

/// Gives SQLite the function `relevance(title)`, which reads a row for this query: at the pace of the slow disk, counted.
fn offer_relevance(
    connection: &Connection,
    ctx: &Context,
    query: &str,
    open: &Arc<Mutex<Open>>,
) -> rusqlite::Result<()> {
    let words: Vec<String> = query.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let (ctx, open) = (ctx.clone(), Arc::clone(open));
    let start = ctx.clock().now();
    connection.create_scalar_function("relevance", 1, FunctionFlags::SQLITE_UTF8, move |row| {
        let rows = {
            let mut open = locked(&open);
            open.rows(1);
            open.row_count()
        };
        if rows % ROWS_A_TICK == 0 {
            let ticks = u32::try_from(rows / ROWS_A_TICK).unwrap_or(u32::MAX);
            let ahead = (start + TICK * ticks).saturating_duration_since(ctx.clock().now());
            // If it is cut short, SQLite is interrupted as well, and says so.
            let _ = ctx.sleep(ahead).wait();
        }
        Ok(score(row.get_raw(0).as_str().unwrap_or_default(), &words))
    })
}

/// How many of `words` the title has, of 100.
fn score(title: &str, words: &[String]) -> u32 {
    let found = words.iter().filter(|word| title.contains(word.as_str())).count();
    u32::try_from(found * 100 / words.len().max(1)).unwrap_or(100)
}

/// Inserts all titles for `tenant`, or none.
pub(crate) fn insert(
    connection: &mut Connection,
    ctx: &Context,
    tenant: &str,
    titles: &[String],
) -> Result<u64, QueryError> {
    interruptible(connection, ctx, |connection| {
        let transaction = connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached(
                "insert into items select ?1, coalesce(max(id), 0) + 1, ?2 from items where tenant = ?1",
            )?;
            for title in titles {
                insert.execute(params![tenant, title])?;
            }
        }
        transaction.commit()?;
        Ok(titles.len() as u64)
    })
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Ledger, Stamps};
    use purview::{CancelHandle, ManualClock};
    use purview_test::{HANG_LIMIT, within};
    use std::sync::atomic::{AtomicU32, Ordering};

    /// Runs until it is interrupted.
    const FOR_EVER: &str =
        "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n";

    fn database() -> Database {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("purview-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Database::create(&std::env::temp_dir(), &name).expect("a new directory")
    }

    fn for_ever(connection: &Connection) -> rusqlite::Result<u64> {
        connection.query_row(FOR_EVER, [], |row| row.get(0))
    }

    fn is_interrupted(result: &rusqlite::Result<u64>) -> bool {
        result.as_ref().is_err_and(|error| error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted))
    }

    /// Has SQLite cancel, once its query is under way.
    fn cancel_from_inside(connection: &Connection, canceler: CancelHandle) {
        connection
            .create_scalar_function("leave", 0, FunctionFlags::SQLITE_UTF8, move |_| Ok(canceler.cancel()))
            .expect("a function");
    }

    const LEAVES: &str =
        "with recursive n(i) as (select leave() union all select i + 1 from n) select count(*) from n";

    #[test]
    fn a_query_that_asks_its_context_stops_when_that_is_done() {
        within(HANG_LIMIT, || {
            let mut connection = database().connect().expect("connects");
            let (ctx, canceler) = Context::root(ManualClock::new().clock()).with_cancel();
            cancel_from_inside(&connection, canceler.handle());
            ask_while_running(&mut connection, &ctx).expect("a handler");
            assert!(is_interrupted(&connection.query_row(LEAVES, [], |row| row.get(0))));
        });
    }

    #[test]
    fn a_query_whose_context_interrupts_it_stops_when_that_is_done() {
        within(HANG_LIMIT, || {
            let connection = database().connect().expect("connects");
            let (ctx, canceler) = Context::root(ManualClock::new().clock()).with_cancel();
            cancel_from_inside(&connection, canceler.handle());
            let interrupt = interrupt_when_done(&connection, &ctx);
            assert!(is_interrupted(&connection.query_row(LEAVES, [], |row| row.get(0))));
            interrupt.stop_and_wait().expect("not from inside");
        });
    }

    #[test]
    fn a_query_stops_at_the_deadline_and_says_so() {
        within(HANG_LIMIT, || {
            let clock = ManualClock::new();
            let (ctx, _canceler) = Context::root(&clock).with_timeout(Duration::from_secs(1));
            let mut connection = database().connect().expect("connects");
            let moved = clock.clone();
            let pass = move |_: &mut rusqlite::functions::Context<'_>| {
                moved.advance(Duration::from_secs(1));
                Ok(1)
            };
            connection
                .create_scalar_function("leave", 0, FunctionFlags::SQLITE_UTF8, pass)
                .expect("a function");
            let result =
                interruptible(&mut connection, &ctx, |c| c.query_row(LEAVES, [], |row| row.get::<_, u64>(0)));
            assert!(matches!(result, Err(QueryError::Stopped(error)) if error.is_deadline_exceeded()));
        });
    }

    #[test]
    fn a_connection_is_as_good_as_new_after_an_interrupted_query() {
        within(HANG_LIMIT, || {
            let mut connection = database().connect().expect("connects");
            let (ctx, canceler) = Context::root(ManualClock::new().clock()).with_cancel();
            cancel_from_inside(&connection, canceler.handle());
            let result =
                interruptible(&mut connection, &ctx, |c| c.query_row(LEAVES, [], |row| row.get::<_, u64>(0)));
            assert!(matches!(result, Err(QueryError::Stopped(_))));
            let live = Context::root(ManualClock::new().clock());
            let rows = interruptible(&mut connection, &live, |c| {
                c.query_row("select count(*) from items", [], |r| r.get(0))
            });
            assert_eq!(rows.ok(), Some(u64::from(ROWS) * TENANTS.len() as u64));
        });
    }

    #[test]
    fn a_query_of_a_context_that_is_done_does_not_begin() {
        within(HANG_LIMIT, || {
            let mut connection = database().connect().expect("connects");
            let (ctx, canceler) = Context::root(ManualClock::new().clock()).with_cancel();
            canceler.cancel();
            let result = interruptible(&mut connection, &ctx, |c| for_ever(c));
            assert!(matches!(result, Err(QueryError::Stopped(_))));
        });
    }

    /// A search in another thread, for an hour by a clock that stands still.
    fn search_for_an_hour(
        ctx: &Context,
        ledger: &Ledger,
    ) -> std::thread::JoinHandle<Result<u64, QueryError>> {
        let (ctx, ledger) = (ctx.clone(), ledger.clone());
        std::thread::spawn(move || {
            let mut connection = database().connect().expect("connects");
            let ask = Search { tenant: "acme".into(), query: "lamp".into(), work: Duration::from_secs(3600) };
            let open = Arc::new(Mutex::new(ledger.begin(&ctx, 1)));
            search(&mut connection, &ctx, &ask, &open, |_, _| true)
        })
    }

    #[test]
    fn a_search_stops_where_it_waits_for_the_disk_and_its_rows_are_counted() {
        within(HANG_LIMIT, || {
            let clock = ManualClock::new();
            let (ctx, canceler) = Context::root(&clock).with_cancel();
            let ledger = Ledger::new(Stamps::new(clock.clock()));
            let search = search_for_an_hour(&ctx, &ledger);
            while clock.armed() == 0 {
                std::thread::yield_now(); // until it waits for the disk
            }
            canceler.cancel_with("enough");
            let stopped = search.join().expect("no panic");
            assert!(
                matches!(stopped, Err(QueryError::Stopped(error)) if error.cause().to_string() == "enough")
            );
            let works = ledger.works();
            assert_eq!(works[0].end, "context canceled: enough");
            assert!((ROWS_A_TICK..ROWS_A_TICK + 10).contains(&works[0].rows), "{} rows", works[0].rows);
        });
    }

    #[test]
    fn titles_are_inserted_all_or_none_and_are_found() {
        within(HANG_LIMIT, || {
            let mut connection = database().connect().expect("connects");
            let clock = ManualClock::new();
            let (ctx, canceler) = Context::root(&clock).with_cancel();
            let titles = ["a unicorn".to_owned(), "a dragon".to_owned()];
            assert_eq!(insert(&mut connection, &ctx, "acme", &titles).ok(), Some(2));
            assert_eq!(last_id(&connection, "acme").ok(), Some(u64::from(ROWS) + 2));

            canceler.cancel();
            assert!(matches!(insert(&mut connection, &ctx, "acme", &titles), Err(QueryError::Stopped(_))));
            assert_eq!(last_id(&connection, "acme").ok(), Some(u64::from(ROWS) + 2));
        });
    }

    #[test]
    fn the_directory_goes_with_the_database() {
        let database = database();
        let directory = database.directory.clone();
        assert!(directory.join("catalog.sqlite").exists());
        drop(database);
        assert!(!directory.exists());
    }
}
