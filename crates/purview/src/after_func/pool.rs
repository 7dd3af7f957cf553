//! The threads that callbacks run in.
//!
//! A callback may block for ever, so no job may wait behind another one: each finds an idle thread or gets a new one. To
//! keep a million callbacks from starting a million threads, beyond [`AT_ONCE`] of them a thread is added only when none
//! has become free for [`PATIENCE`]: quick callbacks then queue, and blocked ones still hold nobody up for long.

use crate::sync::{Condvar, Mutex, global, shield, spawn};
use std::collections::VecDeque;
use std::time::Duration;

type Job = Box<dyn FnOnce() + Send>;

/// So many threads are started without asking whether one may become free.
const AT_ONCE: usize = 16;
/// So long a queue may stand still.
const PATIENCE: Duration = Duration::from_millis(5);
/// So long an idle thread stays.
const KEEP: Duration = Duration::from_secs(10);

struct Pool {
    state: Mutex<State>,
    /// There is a job.
    ready: Condvar,
    /// For the supervisor: the queue was emptied.
    emptied: Condvar,
}

struct State {
    queue: VecDeque<Job>,
    workers: usize,
    idle: usize,
    /// How many jobs were taken so far, to see whether the queue moves.
    taken: u64,
    supervised: bool,
}

global! {
    static POOL: Pool = Pool {
        state: Mutex::new(State { queue: VecDeque::new(), workers: 0, idle: 0, taken: 0, supervised: false }),
        ready: Condvar::new(),
        emptied: Condvar::new(),
    };
}

/// Has `job` run in another thread. Only if the system has no thread to give, and none of ours is there, it runs in this
/// one: late is better than lost.
pub(crate) fn submit(job: impl FnOnce() + Send + 'static) {
    POOL.submit(Box::new(job));
}

impl Pool {
    fn submit(&'static self, job: Job) {
        let mut state = self.state.lock();
        state.queue.push_back(job);
        // Each idle thread will take one job; those before us in the queue have theirs.
        if state.idle >= state.queue.len() {
            drop(state);
            self.ready.notify_one();
        } else if state.workers < AT_ONCE {
            state.workers += 1;
            drop(state);
            self.start_worker();
        } else if !state.supervised {
            state.supervised = true;
            drop(state);
            if spawn("purview-callbacks", || POOL.supervise()).is_none() {
                self.state.lock().supervised = false;
            }
        }
    }

    /// Starts a thread, which the caller has counted.
    fn start_worker(&'static self) {
        if spawn("purview-callback", || POOL.work()).is_some() {
            return;
        }
        let mut state = self.state.lock();
        state.workers -= 1;
        // With other workers about, the job waits for one of them.
        let stranded = if state.workers == 0 { std::mem::take(&mut state.queue) } else { VecDeque::new() };
        drop(state);
        for job in stranded {
            shield(job);
        }
    }

    /// What a worker does.
    fn work(&self) {
        let mut state = self.state.lock();
        loop {
            if let Some(job) = state.queue.pop_front() {
                state.taken += 1;
                if state.queue.is_empty() {
                    self.emptied.notify_one();
                }
                drop(state);
                shield(job);
                state = self.state.lock();
                continue;
            }
            state.idle += 1;
            let (woken, timed_out) = self.ready.wait_timeout(state, KEEP);
            state = woken;
            state.idle -= 1;
            if timed_out && state.queue.is_empty() {
                state.workers -= 1;
                return;
            }
        }
    }

    /// Adds a worker whenever the queue has not moved for a while, until it is empty.
    fn supervise(&'static self) {
        let mut state = self.state.lock();
        while !state.queue.is_empty() {
            let before = state.taken;
            let (woken, timed_out) = self.emptied.wait_timeout(state, PATIENCE);
            state = woken;
            if timed_out && state.taken == before && !state.queue.is_empty() {
                state.workers += 1;
                drop(state);
                self.start_worker();
                state = self.state.lock();
            }
        }
        state.supervised = false;
    }
}
