//! Does steps with purview, for one thread.

use crate::cause::{End, Why};
use crate::step::{Event, How, Step, Tag};
use purview::{AfterFunc, CancelHandle, Canceler, Clock, Context, Done, Drained, Key, ManualClock};
use purview_test::{DropCounter, HANG_LIMIT, Probe, WakeLog, poll_with};
use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

/// The keys of a case; the value is the number of the context that it was set in.
static KEYS: [Key<Value>; 4] = [const { Key::new("key") }; 4];

pub(crate) struct Value {
    pub(crate) ctx: usize,
    _probe: Probe,
}

/// What all threads of a case share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) clock: ManualClock,
    origin: Instant,
    /// Who was told at the end of a context, in order.
    pub(crate) told: WakeLog<Tag>,
    /// Who was told in no order: that a context is drained, and callbacks that run in the pool.
    pub(crate) loosely: WakeLog<Tag>,
    pub(crate) values: DropCounter,
    pub(crate) causes: DropCounter,
}

impl Shared {
    pub(crate) fn new() -> Self {
        let clock = ManualClock::new();
        Self {
            origin: clock.now(),
            clock,
            told: WakeLog::new(),
            loosely: WakeLog::new(),
            values: DropCounter::new(),
            causes: DropCounter::new(),
        }
    }

    /// The same clock, and everything else anew.
    pub(crate) fn beside(&self) -> Self {
        let Self { clock, origin, .. } = self.clone();
        Self { clock, origin, ..Self::new() }
    }

    pub(crate) fn at(&self, nanos: i64) -> Instant {
        let distance = Duration::from_nanos(nanos.unsigned_abs());
        let at =
            if nanos < 0 { self.origin.checked_sub(distance) } else { self.origin.checked_add(distance) };
        at.expect("a case is short, and the system older than some milliseconds")
    }

    pub(crate) fn nanos(&self, at: Instant) -> i64 {
        let signed = |distance: Duration| i64::try_from(distance.as_nanos()).expect("a case is short");
        at.checked_duration_since(self.origin).map_or_else(|| -signed(self.origin - at), signed)
    }

    pub(crate) fn why(&self, number: usize) -> Why {
        Why { number, _probe: self.causes.probe() }
    }
}

/// What a thread holds of purview, by number.
pub(crate) struct Player {
    pub(crate) shared: Shared,
    pub(crate) contexts: BTreeMap<usize, Context>,
    pub(crate) cancelers: BTreeMap<usize, Canceler>,
    pub(crate) handles: BTreeMap<usize, CancelHandle>,
    pub(crate) waiters: BTreeMap<usize, Waiter>,
    pub(crate) callbacks: BTreeMap<usize, AfterFunc>,
    /// Whether a callback still exists, which it does until it has run or can run no more.
    pub(crate) pending: BTreeMap<usize, Arc<()>>,
}

pub(crate) struct Waiter {
    ctx: usize,
    pub(crate) event: Event,
    done: Waits,
    waker: Waker,
    pub(crate) wakers: usize,
}

enum Waits {
    Done(Pin<Box<Done<'static>>>),
    Drained(Pin<Box<Drained<'static>>>),
}

impl fmt::Debug for Player {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Player").field("contexts", &self.contexts).finish_non_exhaustive()
    }
}

impl Player {
    /// Begins with this context as number 0.
    pub(crate) fn new(shared: Shared, root: Context) -> Self {
        Self {
            shared,
            contexts: BTreeMap::from([(0, root)]),
            cancelers: BTreeMap::new(),
            handles: BTreeMap::new(),
            waiters: BTreeMap::new(),
            callbacks: BTreeMap::new(),
            pending: BTreeMap::new(),
        }
    }

    /// Does the step; the answer is that of [`Reference::apply`](crate::Reference).
    pub(crate) fn apply(&mut self, step: &Step) -> Option<bool> {
        match *step {
            Step::Derive { parent, ctx, how } => self.derive(parent, ctx, how),
            Step::Merge { ref sources, ctx } => {
                let merged = Context::merge(sources.iter().map(|source| &self.contexts[source]));
                self.contexts.insert(ctx, merged);
            }
            Step::Cancel { ctx, cause } => {
                let handle = &self.handles[&ctx];
                return Some(match cause {
                    Some(number) => handle.cancel_with(self.shared.why(number)),
                    None => handle.cancel(),
                });
            }
            Step::CancelOwn { ctx, cause } => {
                let canceler = self.cancelers.remove(&ctx)?;
                match cause {
                    Some(number) => canceler.cancel_with(self.shared.why(number)),
                    None => canceler.cancel(),
                }
            }
            Step::DropCanceler { ctx } => drop(self.cancelers.remove(&ctx)),
            Step::Detach { ctx } => self.cancelers.remove(&ctx)?.detach(),
            Step::DropHandle { ctx } => drop(self.handles.remove(&ctx)),
            Step::DropContext { ctx } => drop(self.contexts.remove(&ctx)),
            Step::Advance { by } => self.shared.clock.advance(Duration::from_nanos(by.unsigned_abs())),
            Step::Wait { ctx, waiter, event, poll } => {
                self.wait(ctx, waiter, event);
                return poll.then(|| self.poll(waiter, true));
            }
            Step::Poll { waiter, fresh } => return Some(self.poll(waiter, fresh)),
            Step::DropWaiter { waiter } => drop(self.waiters.remove(&waiter)),
            Step::Callback { ctx, callback, inline } => self.register(ctx, callback, inline),
            Step::Stop { callback } => return Some(self.callbacks[&callback].stop()),
            Step::DropCallback { callback } => drop(self.callbacks.remove(&callback)),
        }
        None
    }

    fn derive(&mut self, parent: usize, ctx: usize, how: How) {
        let parent = &self.contexts[&parent];
        let at = how.deadline.map(|at| self.shared.at(at));
        let after = |at: Instant| at.saturating_duration_since(self.shared.clock.now());
        let why = how.cause.map(|number| self.shared.why(number));
        let value = how.key.map(|key| (&KEYS[key], Value { ctx, _probe: self.shared.values.probe() }));
        let (made, canceler) = match (how.canceler, at, why, value) {
            (None, None, _, Some((key, value))) if how.without_cancel => {
                (parent.derive().without_cancel().value(key, value).build(), None)
            }
            (None, None, _, Some((key, value))) => (parent.with_value(key, value), None),
            (None, None, _, None) if how.without_cancel => (parent.without_cancel(), None),
            (None, None, _, None) => (parent.named("named"), None),
            (None, Some(at), why, Some((key, value))) => {
                let derive = parent.derive();
                let timed = if how.as_timeout { derive.timeout(after(at)) } else { derive.deadline(at) };
                let timed = if let Some(why) = why { timed.cause(why) } else { timed };
                (timed.value(key, value).build(), None)
            }
            (None, Some(at), ..) => (parent.derive().deadline(at).build(), None),
            (_, None, ..) => with_canceler(parent.with_cancel()),
            (_, Some(at), Some(why), _) if how.as_timeout => {
                with_canceler(parent.with_timeout_cause(after(at), why))
            }
            (_, Some(at), None, _) if how.as_timeout => with_canceler(parent.with_timeout(after(at))),
            (_, Some(at), Some(why), _) => with_canceler(parent.with_deadline_cause(at, why)),
            (_, Some(at), None, _) => with_canceler(parent.with_deadline(at)),
        };
        self.contexts.insert(ctx, made);
        if let Some(canceler) = canceler {
            if how.canceler == Some(true) {
                self.handles.insert(ctx, canceler.handle());
            }
            self.cancelers.insert(ctx, canceler);
        }
    }

    fn wait(&mut self, ctx: usize, waiter: usize, event: Event) {
        let context = &self.contexts[&ctx];
        let done = match event {
            Event::Done => Waits::Done(Box::pin(context.done().into_owned())),
            Event::Drained => Waits::Drained(Box::pin(context.drained().into_owned())),
        };
        self.waiters.insert(waiter, Waiter { ctx, event, done, waker: Waker::noop().clone(), wakers: 0 });
    }

    /// Polls a wait, and drops it if it is ready.
    pub(crate) fn poll(&mut self, number: usize, fresh: bool) -> bool {
        let Some(waiter) = self.waiters.get_mut(&number) else { return true };
        if fresh || waiter.wakers == 0 {
            waiter.wakers += 1;
            let log = if waiter.event == Event::Done { &self.shared.told } else { &self.shared.loosely };
            waiter.waker = log.waker(Tag::Waiter(number, waiter.wakers));
        }
        let is_ready = match &mut waiter.done {
            Waits::Done(done) => poll_with(done.as_mut(), &waiter.waker).map(|error| {
                // What the wait says is what the context says.
                if let Some(ctx) = self.contexts.get(&waiter.ctx) {
                    assert_eq!(
                        ctx.error().as_ref().map(End::of),
                        Some(End::of(&error)),
                        "the outcome of a wait"
                    );
                }
            }),
            Waits::Drained(drained) => poll_with(drained.as_mut(), &waiter.waker),
        };
        if is_ready.is_ready() {
            self.waiters.remove(&number);
        }
        is_ready.is_ready()
    }

    fn register(&mut self, ctx: usize, callback: usize, inline: bool) {
        let exists = Arc::new(());
        let inside = Arc::clone(&exists);
        let log = if inline { &self.shared.told } else { &self.shared.loosely }.clone();
        let call = move || {
            log.push(Tag::Callback(callback));
            drop(inside);
        };
        let ctx = &self.contexts[&ctx];
        let registered = if inline { ctx.after_func_inline(call) } else { ctx.after_func(call) };
        self.callbacks.insert(callback, registered);
        self.pending.insert(callback, exists);
    }

    /// Whether the callback can still run.
    pub(crate) fn is_pending(&self, callback: usize) -> bool {
        Arc::strong_count(&self.pending[&callback]) > 1
    }

    /// Waits for a callback that has to run or to be dropped by itself.
    ///
    /// # Panics
    ///
    /// If it does neither.
    pub(crate) fn settle(&self, callback: usize) {
        let begun = Clock::system().now();
        while self.is_pending(callback) {
            assert!(Clock::system().now() - begun < HANG_LIMIT, "callback {callback} neither ran nor went");
            thread::yield_now();
        }
    }

    /// Gives the numbers of the values under each key.
    pub(crate) fn values(ctx: &Context) -> impl Iterator<Item = Option<usize>> + '_ {
        KEYS.iter().map(|key| ctx.value(key).map(|value| value.ctx))
    }
}

fn with_canceler((ctx, canceler): (Context, Canceler)) -> (Context, Option<Canceler>) {
    (ctx, Some(canceler))
}
