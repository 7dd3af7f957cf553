//! What the peers need around them, and what both sides wait with.

use purview::{Canceler, Clock, Context};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context as TaskContext, Wake, Waker};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;

/// What the token is called in the table.
pub const TOKEN: &str = "tokio-util token";

/// A deadline that does not come.
pub const HOUR: Duration = Duration::from_secs(3600);

/// A future that is polled once, with a waker that does nothing; whether it is pending.
pub fn polled<F: Future>(future: Pin<&mut F>) -> bool {
    future.poll(&mut TaskContext::from_waker(Waker::noop())).is_pending()
}

/// A tokio runtime of one thread with an own timer, in the state in which a busy one is: its driver has seen a nearer
/// deadline than those that are measured, so that no registration has to wake it. Timers are then polled in its scope but not in a
/// task of it, where tokio's budget would end them after 128 polls.
pub struct TokioTime {
    runtime: Runtime,
    _nearer: Pin<Box<Sleep>>,
}

impl std::fmt::Debug for TokioTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokioTime").finish_non_exhaustive()
    }
}

impl TokioTime {
    /// # Panics
    ///
    /// If the system refuses, or tokio does not fire a timer that was polled in this way.
    pub fn new() -> Self {
        let runtime = tokio_runtime();
        let nearer = {
            let _scope = runtime.enter();
            let mut nearer = Box::pin(tokio::time::sleep(HOUR / 2));
            assert!(polled(nearer.as_mut()));
            nearer
        };
        let time = Self { runtime, _nearer: nearer };
        time.prove_that_timers_fire();
        time
    }

    /// Registers what is polled in here with this runtime's timer.
    pub fn enter(&self) -> tokio::runtime::EnterGuard<'_> {
        self.runtime.enter()
    }

    fn prove_that_timers_fire(&self) {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        let _scope = self.enter();
        let mut sleep = pin!(tokio::time::sleep(Duration::from_millis(1)));
        assert!(sleep.as_mut().poll(&mut TaskContext::from_waker(&waker)).is_pending());
        self.runtime.block_on(tokio::time::sleep(Duration::from_millis(10)));
        assert_eq!(woken.times(), 1, "a timer that was polled outside of a task is registered");
    }
}

impl Default for TokioTime {
    fn default() -> Self {
        Self::new()
    }
}

/// A tokio runtime of one thread, with a timer.
///
/// # Panics
///
/// If the system refuses it.
pub fn tokio_runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime of one thread")
}

/// A waker that counts how often, and notes when at last.
#[derive(Debug)]
pub struct Woken {
    times: AtomicU64,
    /// Nanoseconds since `since`.
    at: AtomicU64,
    since: Instant,
}

impl Default for Woken {
    fn default() -> Self {
        Self { times: AtomicU64::new(0), at: AtomicU64::new(0), since: Clock::system().now() }
    }
}

impl Woken {
    /// How often it was woken.
    pub fn times(&self) -> u64 {
        self.times.load(Ordering::Relaxed)
    }

    /// When it was woken last.
    pub fn at(&self) -> Instant {
        self.since + Duration::from_nanos(self.at.load(Ordering::Relaxed))
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let nanos = (Clock::system().now() - self.since).as_nanos();
        self.at.store(u64::try_from(nanos).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.times.fetch_add(1, Ordering::Relaxed);
    }
}

/// How many other children the roots have below which a single child comes and goes: a server's root is never empty. A token's
/// list of children would be allocated and freed with each child if it were.
pub const SIBLINGS: usize = 16;

/// A root of ours with its other children.
#[derive(Debug)]
pub struct Root {
    /// The root.
    pub ctx: Context,
    _kept: Vec<(Context, Canceler)>,
}

impl Root {
    /// A live root with live children.
    pub fn new() -> Self {
        let root = Context::background().with_cancel();
        let mut kept: Vec<_> = (0..SIBLINGS).map(|_| root.0.with_cancel()).collect();
        let ctx = root.0.clone();
        kept.push(root);
        Self { ctx, _kept: kept }
    }
}

impl Default for Root {
    fn default() -> Self {
        Self::new()
    }
}

/// A token with as many other children.
#[derive(Debug)]
pub struct TokenRoot {
    /// The root.
    pub token: CancellationToken,
    _kept: Vec<CancellationToken>,
}

impl TokenRoot {
    /// A live token with live children.
    pub fn new() -> Self {
        let token = CancellationToken::new();
        let kept = (0..SIBLINGS).map(|_| token.child_token()).collect();
        Self { token, _kept: kept }
    }
}

impl Default for TokenRoot {
    fn default() -> Self {
        Self::new()
    }
}
