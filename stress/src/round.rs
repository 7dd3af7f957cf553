//! One round: threads at work below one root, which is canceled while they are; then the books have to balance.

use crate::books::Books;
use crate::watch::{Callback, Watch};
use crate::worker::{Left, OPERATIONS, Shared, lock, work};
use fastrand::Rng;
use purview::{Clock, Context};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What has not been told by then was lost.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn run(books: &Arc<Books>, seed: u64, threads: usize) {
    let mut rng = Rng::with_seed(seed);
    let (root, canceler) = Context::background().with_cancel();
    let shared = Arc::new(Shared {
        root: root.clone(),
        token: Arc::new(()),
        books: books.clone(),
        pool: Mutex::default(),
        handles: Mutex::default(),
        steps: AtomicUsize::new(0),
    });
    let workers: Vec<_> = (0..threads)
        .map(|_| {
            let (shared, seed) = (shared.clone(), rng.u64(..));
            thread::spawn(move || work(&shared, seed))
        })
        .collect();
    let enough = rng.usize(0..threads * OPERATIONS);
    while shared.steps.load(Ordering::Relaxed) < enough {
        thread::yield_now();
    }
    canceler.cancel();
    let left: Vec<Left> = workers
        .into_iter()
        .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        .collect();
    settle(books, &shared, root, left);
}

/// All is canceled and no worker is left: everybody has been told, and everything goes.
fn settle(books: &Arc<Books>, shared: &Arc<Shared>, root: Context, left: Vec<Left>) {
    lock(&shared.pool).clear();
    lock(&shared.handles).clear();
    if !root.is_done() {
        books.fault("the root was canceled and is live");
    }
    for Left { watches, callbacks } in left {
        // A deadline may still be telling, in its own thread: so this is waited for, with a limit.
        if !within(|| watches.iter().all(Watch::was_told)) {
            books.fault("a wake-up was lost");
        }
        if !within(|| callbacks.iter().all(Callback::is_settled)) {
            books.fault("a callback was lost");
        }
        for watch in watches {
            watch.finish(books);
        }
        for callback in callbacks {
            callback.finish(books);
        }
    }
    books.drains.add();
    if !root.drained().wait_timeout(PATIENCE) {
        books.fault(format!("{} contexts below the root were left", root.derived_count()));
    }
    drop(root);
    // Ours, and the one of `shared`.
    if !within(|| Arc::strong_count(&shared.token) == 1) {
        books.fault(format!("{} values were left", Arc::strong_count(&shared.token) - 1));
    }
}

fn within(happened: impl Fn() -> bool) -> bool {
    let clock = Clock::system();
    let start = clock.now();
    loop {
        if happened() {
            return true;
        }
        if clock.now() - start > PATIENCE {
            return happened();
        }
        thread::yield_now();
    }
}
