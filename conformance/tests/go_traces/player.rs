//! Plays the operations of a trace on our contexts.

use std::time::{Duration, Instant};

use purview::{AfterFunc, CancelHandle, Canceler, Context, Key, ManualClock};
use purview_conformance::Hits;

use crate::model::{Op, Report};

/// The four keys of a trace.
static KEYS: [Key<String>; 4] = [const { Key::new("key") }; 4];

/// All that a trace has made so far.
pub(crate) struct Player {
    clock: ManualClock,
    origin: Instant,
    contexts: Vec<Context>,
    /// What cancels each context; nothing for those that have no canceler.
    handles: Vec<Option<CancelHandle>>,
    callbacks: Vec<Callback>,
}

struct Callback {
    hits: Hits,
    registration: AfterFunc,
    ctx: usize,
    stopped: bool,
}

impl Player {
    /// Starts with contexts 0 and 1. Both are roots on a clock that moves by hand, standing for Go's two.
    pub(crate) fn start() -> Self {
        let clock = ManualClock::new();
        let contexts = vec![Context::root(&clock), Context::root(&clock)];
        let handles = vec![None, None];
        Self { origin: clock.now(), clock, contexts, handles, callbacks: Vec::new() }
    }

    /// Plays one operation and waits until all that it set off has happened.
    pub(crate) fn play(&mut self, op: &Op) -> Result<(), String> {
        self.apply(op)?;
        self.settle()
    }

    fn apply(&mut self, op: &Op) -> Result<(), String> {
        match op {
            Op::Start => Ok(()),
            Op::WithCancel { parent, ctx } | Op::WithCancelCause { parent, ctx } => {
                let made = self.parent(*parent)?.with_cancel();
                self.add_cancelable(*ctx, made)
            }
            Op::WithDeadline { parent, ctx, ms } => self.add_deadline(*parent, *ctx, self.at(*ms)?, None),
            Op::WithDeadlineCause { parent, ctx, ms, cause } => {
                self.add_deadline(*parent, *ctx, self.at(*ms)?, cause.as_deref())
            }
            Op::WithTimeout { parent, ctx, ms } => self.add_timeout(*parent, *ctx, *ms, None),
            Op::WithTimeoutCause { parent, ctx, ms, cause } => {
                self.add_timeout(*parent, *ctx, *ms, cause.as_deref())
            }
            Op::WithValue { parent, ctx, key, value } => {
                let key = KEYS.get(*key).ok_or_else(|| format!("there is no key {key}"))?;
                let made = self.parent(*parent)?.with_value(key, value.clone());
                self.add(*ctx, made, None)
            }
            Op::WithoutCancel { parent, ctx } => {
                let made = self.parent(*parent)?.without_cancel();
                self.add(*ctx, made, None)
            }
            Op::Cancel { ctx, cause } => self.cancel(*ctx, cause.as_deref()),
            Op::AfterFunc { ctx, func } => self.after_func(*ctx, *func),
            Op::Stop { func, returned } => self.stop(*func, *returned),
            Op::Advance { ms } => {
                self.clock.advance(Duration::from_millis(*ms));
                Ok(())
            }
        }
    }

    fn add_deadline(
        &mut self,
        parent: usize,
        ctx: usize,
        at: Instant,
        cause: Option<&str>,
    ) -> Result<(), String> {
        let parent = self.parent(parent)?;
        let made = match cause {
            Some(cause) => parent.with_deadline_cause(at, cause),
            None => parent.with_deadline(at),
        };
        self.add_cancelable(ctx, made)
    }

    fn add_timeout(&mut self, parent: usize, ctx: usize, ms: i64, cause: Option<&str>) -> Result<(), String> {
        let Ok(ms) = u64::try_from(ms) else {
            // A duration cannot be negative here; a deadline can be past.
            let now = self.clock.now();
            let at = now.checked_sub(Duration::from_millis(ms.unsigned_abs()));
            return self.add_deadline(parent, ctx, at.ok_or("a deadline before all time")?, cause);
        };
        let parent = self.parent(parent)?;
        let after = Duration::from_millis(ms);
        let made = match cause {
            Some(cause) => parent.with_timeout_cause(after, cause),
            None => parent.with_timeout(after),
        };
        self.add_cancelable(ctx, made)
    }

    fn cancel(&self, ctx: usize, cause: Option<&str>) -> Result<(), String> {
        let handle = self.handles.get(ctx).and_then(Option::as_ref);
        let handle = handle.ok_or_else(|| format!("context {ctx} has no canceler"))?;
        let was_done = self.contexts[ctx].is_done();
        let canceled = match cause {
            Some(cause) => handle.cancel_with(cause),
            None => handle.cancel(),
        };
        // Go's function returns nothing; ours says whether it did something.
        if canceled == was_done {
            return Err(format!("canceling context {ctx} returned {canceled} when done was {was_done}"));
        }
        Ok(())
    }

    fn after_func(&mut self, ctx: usize, func: usize) -> Result<(), String> {
        let hits = Hits::new();
        let registration = self.parent(ctx)?.after_func(hits.callback());
        if func != self.callbacks.len() {
            return Err(format!("callback {func} is not the next"));
        }
        self.callbacks.push(Callback { hits, registration, ctx, stopped: false });
        Ok(())
    }

    fn stop(&mut self, func: usize, expected: bool) -> Result<(), String> {
        let callback = self.callbacks.get_mut(func).ok_or_else(|| format!("there is no callback {func}"))?;
        let returned = callback.registration.stop();
        callback.stopped |= returned;
        if returned != expected {
            return Err(format!("stop of callback {func} returned {returned}, Go's {expected}"));
        }
        Ok(())
    }

    /// Waits for the callbacks that are due; they run in threads of their own.
    fn settle(&self) -> Result<(), String> {
        for callback in &self.callbacks {
            if !callback.stopped && self.contexts[callback.ctx].is_done() {
                callback.registration.wait().map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }

    fn parent(&self, ctx: usize) -> Result<&Context, String> {
        self.contexts.get(ctx).ok_or_else(|| format!("there is no context {ctx}"))
    }

    /// Keeps the context by its handle alone, so that nothing is canceled by a drop.
    fn add_cancelable(&mut self, ctx: usize, (made, canceler): (Context, Canceler)) -> Result<(), String> {
        let handle = canceler.handle();
        canceler.detach();
        self.add(ctx, made, Some(handle))
    }

    fn add(&mut self, ctx: usize, made: Context, handle: Option<CancelHandle>) -> Result<(), String> {
        if ctx != self.contexts.len() {
            return Err(format!("context {ctx} is not the next"));
        }
        self.contexts.push(made);
        self.handles.push(handle);
        Ok(())
    }

    /// The time of so many milliseconds from the start.
    fn at(&self, ms: i64) -> Result<Instant, String> {
        let distance = Duration::from_millis(ms.unsigned_abs());
        let at = if ms < 0 { self.origin.checked_sub(distance) } else { self.origin.checked_add(distance) };
        at.ok_or_else(|| format!("{ms} ms from the start is no time"))
    }

    /// How many contexts there are.
    pub(crate) fn contexts(&self) -> usize {
        self.contexts.len()
    }

    /// What can be read from a context now.
    pub(crate) fn report(&self, ctx: usize) -> Report {
        let ctx = &self.contexts[ctx];
        let values = KEYS.iter().enumerate();
        Report {
            err: ctx.err().map(|reason| reason.to_string()),
            cause: ctx.cause().map(|cause| cause.to_string()),
            done: ctx.is_done(),
            deadline_ms: ctx.deadline().map(|at| self.milliseconds(at)),
            values: values.filter_map(|(at, key)| Some((at, ctx.value(key)?.clone()))).collect(),
        }
    }

    /// How often each callback has run.
    pub(crate) fn runs(&self) -> Vec<u32> {
        self.callbacks.iter().map(|callback| callback.hits.count()).collect()
    }

    fn milliseconds(&self, at: Instant) -> i64 {
        let signed = |distance: Duration| i64::try_from(distance.as_millis()).expect("a trace is short");
        match at.checked_duration_since(self.origin) {
            Some(after) => signed(after),
            None => -signed(self.origin.duration_since(at)),
        }
    }
}
