//! Who worked for whom, and for how long after that caller had gone.
//!
//! Every process writes down what it did for a request, the load client writes down when each caller left, and afterwards
//! the two are laid beside each other. All of them run on one machine and count from the same wall clock, which each
//! process reads once, as it starts; from there on the monotonic clock counts, which no correction moves.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use purview::{Clock, Context};
use serde::{Deserialize, Serialize};

/// How many pieces of work a process remembers; the oldest go first.
const REMEMBERED: usize = 100_000;

/// Marks closer than this, in microseconds, say nothing new.
const MARK_GAP: u64 = 8_000;

/// A moment, in microseconds since the Unix epoch.
pub(crate) type Micros = u64;

/// Tells moments that can be compared between the processes of one machine.
#[derive(Clone, Debug)]
pub(crate) struct Stamps {
    clock: Clock,
    start: Instant,
    start_micros: Micros,
}

impl Stamps {
    /// Reads the wall clock, once.
    pub(crate) fn new(clock: Clock) -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let start = clock.now();
        Self { clock, start, start_micros: micros(since_epoch) }
    }

    pub(crate) fn now(&self) -> Micros {
        self.at(self.clock.now())
    }

    /// The stamp of a moment; of one before the start, that of the start.
    pub(crate) fn at(&self, moment: Instant) -> Micros {
        self.start_micros + micros(moment.saturating_duration_since(self.start))
    }
}

fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// What a process did for one request: from when to when, and how many rows it handled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Work {
    pub(crate) id: u64,
    pub(crate) began: Micros,
    pub(crate) ended: Micros,
    pub(crate) rows: u64,
    /// How many rows had been handled at some moments in between.
    pub(crate) marks: Vec<(Micros, u64)>,
    /// How it ended, for people.
    pub(crate) end: String,
}

/// An amount of work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) micros: u64,
    pub(crate) rows: u64,
}

impl std::ops::AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        self.micros += other.micros;
        self.rows += other.rows;
    }
}

impl Work {
    /// How much of it was done after `gone`. Between two marks, rows are taken to have come evenly.
    pub(crate) fn after(&self, gone: Micros) -> Amount {
        if self.ended <= gone {
            return Amount::default();
        }
        Amount { micros: self.ended - self.began.max(gone), rows: self.rows - self.rows_at(gone) }
    }

    fn rows_at(&self, moment: Micros) -> u64 {
        let mut before = (self.began, 0);
        for &after in self.marks.iter().chain([&(self.ended, self.rows)]) {
            if moment < after.0 {
                let span = after.0 - before.0;
                let part = moment.saturating_sub(before.0);
                return before.1 + (after.1 - before.1) * part / span.max(1);
            }
            before = after;
        }
        self.rows
    }
}

/// The book in which a process writes what it did.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    stamps: Stamps,
    works: Arc<Mutex<VecDeque<Work>>>,
}

impl Ledger {
    pub(crate) fn new(stamps: Stamps) -> Self {
        Self { stamps, works: Arc::default() }
    }

    pub(crate) fn stamps(&self) -> &Stamps {
        &self.stamps
    }

    /// Begins a piece of work, which ends when it is dropped. It keeps a context below `ctx`, so that to wait until
    /// everything has drained is to wait for it too.
    pub(crate) fn begin(&self, ctx: &Context, id: u64) -> Open {
        let began = self.stamps.now();
        let work = Work { id, began, ended: 0, rows: 0, marks: Vec::new(), end: String::new() };
        Open { ctx: ctx.named("work"), ledger: self.clone(), work }
    }

    /// All that was written down and has ended.
    pub(crate) fn works(&self) -> Vec<Work> {
        self.works.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn write(&self, work: Work) {
        // Nobody counts for a request without a number.
        if work.id == 0 {
            return;
        }
        let mut works = self.works.lock().unwrap_or_else(PoisonError::into_inner);
        if works.len() == REMEMBERED {
            works.pop_front();
        }
        works.push_back(work);
    }
}

/// A piece of work that goes on.
#[derive(Debug)]
pub(crate) struct Open {
    ctx: Context,
    ledger: Ledger,
    work: Work,
}

impl Open {
    /// Counts rows.
    pub(crate) fn rows(&mut self, more: u64) {
        self.work.rows += more;
        let last = self.work.marks.last().map_or(self.work.began, |mark| mark.0);
        let now = self.ledger.stamps.now();
        if now >= last + MARK_GAP {
            self.work.marks.push((now, self.work.rows));
        }
    }

    /// Rows so far.
    pub(crate) fn row_count(&self) -> u64 {
        self.work.rows
    }

    /// Ends it with its result.
    pub(crate) fn answered(mut self) {
        "answered".clone_into(&mut self.work.end);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut work = std::mem::replace(
            &mut self.work,
            Work { id: 0, began: 0, ended: 0, rows: 0, marks: Vec::new(), end: String::new() },
        );
        work.ended = self.ledger.stamps.now();
        if work.end.is_empty() {
            work.end = match self.ctx.error() {
                Some(error) => format!("{error:#}"),
                None => "dropped, not told why".to_owned(),
            };
        }
        self.ledger.write(work);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use purview::ManualClock;
    use std::time::Duration;

    fn work(began: Micros, ended: Micros, rows: u64, marks: &[(Micros, u64)]) -> Work {
        Work { id: 1, began, ended, rows, marks: marks.to_vec(), end: String::new() }
    }

    #[test]
    fn work_before_the_caller_left_does_not_count() {
        assert_eq!(work(10, 20, 5, &[]).after(20), Amount::default());
        assert_eq!(work(10, 20, 5, &[]).after(30), Amount::default());
    }

    #[test]
    fn work_begun_after_the_caller_left_counts_whole() {
        assert_eq!(work(10, 20, 5, &[]).after(3), Amount { micros: 10, rows: 5 });
        assert_eq!(work(10, 20, 5, &[]).after(10), Amount { micros: 10, rows: 5 });
    }

    #[test]
    fn rows_come_evenly_between_marks_and_only_there() {
        let work = work(0, 100, 1000, &[(50, 0), (60, 900)]);
        assert_eq!(work.after(25), Amount { micros: 75, rows: 1000 });
        assert_eq!(work.after(55), Amount { micros: 45, rows: 550 });
        assert_eq!(work.after(80), Amount { micros: 20, rows: 50 });
    }

    #[test]
    fn work_that_took_no_time_has_no_rest() {
        assert_eq!(work(10, 10, 5, &[(10, 5)]).after(10), Amount::default());
        assert_eq!(work(10, 10, 5, &[(10, 5)]).after(9), Amount { micros: 0, rows: 5 });
    }

    fn book() -> (ManualClock, Context, Ledger) {
        let clock = ManualClock::new();
        let root = Context::root(&clock);
        (clock.clone(), root, Ledger::new(Stamps::new(clock.clock())))
    }

    #[test]
    fn work_is_written_down_from_its_begin_to_its_drop_and_says_why_it_ended() {
        let (clock, root, ledger) = book();
        let (ctx, canceler) = root.with_cancel();
        let mut open = ledger.begin(&ctx, 7);
        clock.advance(Duration::from_millis(10));
        open.rows(100);
        clock.advance(Duration::from_millis(1));
        open.rows(1);
        canceler.cancel_with("enough");
        drop(open);

        let [work] = ledger.works().try_into().expect("one piece");
        assert_eq!((work.id, work.ended - work.began, work.rows), (7, 11_000, 101));
        assert_eq!(work.marks, [(work.began + 10_000, 100)]);
        assert_eq!(work.end, "context canceled: enough");
    }

    #[test]
    fn work_with_a_result_says_so_whatever_became_of_its_context() {
        let (_clock, root, ledger) = book();
        let (ctx, canceler) = root.with_cancel();
        let open = ledger.begin(&ctx, 7);
        canceler.cancel();
        open.answered();
        assert_eq!(ledger.works()[0].end, "answered");
    }

    #[test]
    fn work_for_nobody_is_not_remembered_but_waited_for() {
        let (_clock, root, ledger) = book();
        let open = ledger.begin(&root, 0);
        assert!(!root.drained().wait_timeout(Duration::ZERO));
        drop(open);
        assert!(root.drained().wait_timeout(Duration::ZERO));
        assert!(ledger.works().is_empty());
    }

    #[test]
    fn stamps_follow_the_clock() {
        let clock = ManualClock::new();
        let first = Stamps::new(clock.clock());
        let moment = first.now();
        clock.advance(Duration::from_secs(1));
        assert_eq!(first.now() - moment, 1_000_000);
    }
}
