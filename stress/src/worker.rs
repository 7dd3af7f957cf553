//! One thread at work: random operations on contexts of its own and of the others.

use crate::books::Books;
use crate::watch::{Callback, Watch, check_not_early};
use fastrand::Rng;
use purview::{CancelHandle, Canceler, Context, Key};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What a value counts while it lives.
pub(crate) static TOKEN: Key<Arc<()>> = Key::new("token");

/// A context, and what it is ended with if that is ours to say.
pub(crate) struct Held {
    ctx: Context,
    canceler: Option<Canceler>,
}

/// What all threads of a round share.
pub(crate) struct Shared {
    pub(crate) root: Context,
    pub(crate) token: Arc<()>,
    pub(crate) books: Arc<Books>,
    /// Contexts that wander between the threads.
    pub(crate) pool: Mutex<Vec<Held>>,
    pub(crate) handles: Mutex<Vec<CancelHandle>>,
    /// How many operations were done, for the one who cancels the root in their midst.
    pub(crate) steps: AtomicUsize,
}

/// What a thread leaves to be looked at in the end.
#[derive(Default)]
pub(crate) struct Left {
    pub(crate) watches: Vec<Watch>,
    pub(crate) callbacks: Vec<Callback>,
}

pub(crate) const OPERATIONS: usize = 3_000;
const KEPT: usize = 64;
/// A wait that is not over by then was lost.
const HANG: Duration = Duration::from_secs(60);

pub(crate) fn work(shared: &Shared, seed: u64) -> Left {
    let mut worker = Worker { shared, rng: Rng::with_seed(seed), mine: Vec::new(), left: Left::default() };
    for _ in 0..OPERATIONS {
        worker.step();
        shared.steps.fetch_add(1, Ordering::Relaxed);
    }
    worker.left
}

struct Worker<'a> {
    shared: &'a Shared,
    rng: Rng,
    mine: Vec<Held>,
    left: Left,
}

impl Worker<'_> {
    fn step(&mut self) {
        match self.rng.u32(0..100) {
            0..30 => self.derive(),
            30..38 => self.derive_timed(),
            38..44 => self.view(),
            44..48 => self.merge(),
            48..60 => self.cancel(),
            60..72 => self.let_go(),
            72..80 => self.watch(),
            80..84 => self.drop_watch(),
            84..90 => self.callback(),
            90..93 => self.stop(),
            93..95 => self.wait(),
            95..99 => self.trade(),
            _ => self.borrow_cancel(),
        }
    }

    fn books(&self) -> &Arc<Books> {
        &self.shared.books
    }

    /// Some context: one of ours, mostly a live one, or the root.
    fn some(&mut self) -> Context {
        let at = self.rng.usize(0..=self.mine.len());
        match self.mine.get(at) {
            Some(held) if !held.ctx.is_done() || self.rng.u32(0..8) == 0 => held.ctx.clone(),
            _ => self.shared.root.clone(),
        }
    }

    fn keep(&mut self, ctx: Context, canceler: Option<Canceler>) {
        if self.mine.len() >= KEPT {
            let at = self.rng.usize(0..self.mine.len());
            self.mine.swap_remove(at);
        }
        self.mine.push(Held { ctx, canceler });
    }

    fn derive(&mut self) {
        self.books().children.add();
        let (ctx, canceler) = self.some().with_cancel();
        if self.rng.u32(0..16) == 0 {
            lock(&self.shared.handles).push(canceler.handle());
        }
        self.keep(ctx, Some(canceler));
    }

    fn derive_timed(&mut self) {
        self.books().timed.add();
        let after = Duration::from_micros(self.rng.u64(0..6_000));
        let (ctx, canceler) = self.some().with_timeout(after);
        if self.rng.bool() {
            // The first look arms it.
            ctx.is_done();
        }
        self.keep(ctx, Some(canceler));
    }

    fn view(&mut self) {
        self.books().views.add();
        let ctx = self.some().with_value(&TOKEN, self.shared.token.clone());
        self.keep(ctx, None);
    }

    fn merge(&mut self) {
        self.books().merged.add();
        let sources = [self.some(), self.some()];
        self.keep(Context::merge(&sources), None);
    }

    fn take(&mut self) -> Option<Held> {
        choose(&mut self.rng, &mut self.mine)
    }

    fn cancel(&mut self) {
        let Some(Held { ctx, canceler: Some(canceler) }) = self.take() else { return };
        self.books().canceled.add();
        let (below, _canceler) = ctx.with_cancel();
        canceler.cancel();
        if !ctx.is_done() || !below.is_done() {
            self.books().fault("`cancel` returned before all was marked");
        }
        if ctx.err() == Some(purview::Reason::DeadlineExceeded) {
            self.books().deadlines.add();
        }
        check_not_early(&ctx, self.books());
    }

    fn let_go(&mut self) {
        if self.take().is_some_and(|held| held.canceler.is_some()) {
            self.books().dropped.add();
        }
    }

    fn watch(&mut self) {
        let ctx = self.some();
        let below = self.rng.bool().then(|| ctx.with_value(&TOKEN, self.shared.token.clone()).with_cancel());
        let below = below.map(|(below, canceler)| {
            canceler.detach();
            below
        });
        let watch = Watch::new(&ctx, below, &self.shared.books);
        self.left.watches.push(watch);
    }

    fn drop_watch(&mut self) {
        let Some(mut watch) = choose(&mut self.rng, &mut self.left.watches) else { return };
        if self.rng.bool() {
            let _ = watch.poll();
        }
        self.books().tasks_dropped.add();
    }

    fn callback(&mut self) {
        let ctx = self.some();
        let callback = Callback::new(&ctx, self.rng.bool(), &self.shared.books);
        self.left.callbacks.push(callback);
    }

    fn stop(&mut self) {
        if self.left.callbacks.is_empty() {
            return;
        }
        let at = self.rng.usize(0..self.left.callbacks.len());
        let wait = self.rng.bool();
        self.left.callbacks[at].stop(wait, &self.shared.books);
    }

    /// Waits as a thread for a deadline that comes soon.
    fn wait(&mut self) {
        self.books().threads.add();
        let after = Duration::from_micros(self.rng.u64(0..1_500));
        let (ctx, _canceler) = self.some().with_timeout(after);
        match ctx.done().wait_timeout(HANG) {
            Some(_) => check_not_early(&ctx, self.books()),
            None => self.books().fault("a thread was never woken"),
        }
    }

    /// Gives a context to the others, and takes one of theirs.
    fn trade(&mut self) {
        let mine = self.take();
        let mut pool = lock(&self.shared.pool);
        let theirs = choose(&mut self.rng, &mut pool);
        pool.extend(mine);
        drop(pool);
        if let Some(Held { ctx, canceler }) = theirs {
            self.keep(ctx, canceler);
        }
    }

    /// Cancels a context that another thread may be at work below.
    fn borrow_cancel(&mut self) {
        let chosen = choose(&mut self.rng, &mut lock(&self.shared.handles));
        let Some(handle) = chosen else { return };
        self.books().canceled.add();
        handle.cancel();
    }
}

/// Takes one out at random.
fn choose<T>(rng: &mut Rng, from: &mut Vec<T>) -> Option<T> {
    (!from.is_empty()).then(|| from.swap_remove(rng.usize(0..from.len())))
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
