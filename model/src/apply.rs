//! What each step does to the reference.

use crate::cause::End;
use crate::reference::{Callback, Fate, Made, Reference, Waiter};
use crate::step::{Event, How, Step, Tag};

impl Reference {
    /// Does a step of the thread that `table` belongs to. The answer is that of the call, if it has one: of a cancel or a stop
    /// whether it was this one that did it, of a poll whether it is ready.
    pub(crate) fn apply(&mut self, table: usize, step: &Step) -> Option<bool> {
        self.told.clear();
        self.drained.clear();
        let answer = self.apply_inner(table, step);
        self.sweep();
        answer
    }

    fn apply_inner(&mut self, table: usize, step: &Step) -> Option<bool> {
        match *step {
            Step::Derive { parent, ctx, how } => self.derive(table, parent, ctx, how),
            Step::Merge { ref sources, ctx } => self.merge(table, sources, ctx),
            Step::Cancel { ctx, cause } => return Some(self.finish(ctx, End::canceled(cause))),
            Step::CancelOwn { ctx, cause } => {
                self.finish(ctx, End::canceled(cause));
                self.tables[table].cancelers.remove(&ctx);
            }
            Step::DropCanceler { ctx } => {
                self.finish(ctx, End::dropped());
                self.tables[table].cancelers.remove(&ctx);
            }
            Step::Detach { ctx } => drop(self.tables[table].cancelers.remove(&ctx)),
            Step::DropHandle { ctx } => drop(self.tables[table].handles.remove(&ctx)),
            Step::DropContext { ctx } => drop(self.tables[table].contexts.remove(&ctx)),
            Step::Advance { by } => self.advance(by),
            Step::Wait { ctx, waiter, event, poll } => {
                assert_eq!(waiter, self.waiters.len(), "waits are made in the order of their numbers");
                self.tables[table].waiters.insert(waiter);
                self.waiters.push(Waiter { ctx, event, wakers: 0, is_registered: false });
                return poll.then(|| self.poll(table, waiter, true));
            }
            Step::Poll { waiter, fresh } => return Some(self.poll(table, waiter, fresh)),
            Step::DropWaiter { waiter } => self.drop_waiter(table, waiter),
            Step::Callback { ctx, callback, inline } => self.register(table, ctx, callback, inline),
            Step::Stop { callback } => return Some(self.stop(callback)),
            Step::DropCallback { callback } => drop(self.tables[table].callbacks.remove(&callback)),
        }
        None
    }

    fn add(&mut self, table: usize, made: Made, canceler: Option<bool>) {
        let ctx = self.contexts.len();
        self.contexts.push(made);
        self.tables[table].contexts.insert(ctx);
        if let Some(handle) = canceler {
            self.tables[table].cancelers.insert(ctx);
            if handle {
                self.tables[table].handles.insert(ctx);
            }
        }
    }

    fn derive(&mut self, table: usize, parent: usize, ctx: usize, how: How) {
        assert_eq!(ctx, self.contexts.len(), "contexts are made in the order of their numbers");
        let above = self.deadline(parent);
        let deadline = how.deadline.filter(|at| above.is_none_or(|above| *at < above));
        let made = Made { parents: vec![parent], how, deadline, own: None, wanted: Vec::new() };
        self.add(table, made, how.canceler);
        self.expire(ctx);
    }

    fn merge(&mut self, table: usize, sources: &[usize], ctx: usize) {
        assert_eq!(ctx, self.contexts.len(), "contexts are made in the order of their numbers");
        let (mut parents, mut scopes) = (vec![sources[0]], vec![self.scope(sources[0])]);
        for &source in &sources[1..] {
            // Those that are never done, and those that stand for the same cancellation, cost nothing.
            if !self.is_never_done(source) && !scopes.contains(&self.scope(source)) {
                scopes.push(self.scope(source));
                parents.push(source);
            }
        }
        // Of sources that are done already, the first in order wins: as if that were the first that ever ended.
        let own = parents.iter().find_map(|source| self.end(*source)).map(|end| (0, end));
        let how = How { canceler: Some(false), ..How::default() };
        let wanted = own.map(|(_, end)| end).into_iter().collect();
        self.add(table, Made { parents, how, deadline: None, own, wanted }, None);
    }

    /// Ends a context, unless it is done; true if this did it.
    fn finish(&mut self, ctx: usize, end: End) -> bool {
        self.contexts[ctx].wanted.push(end);
        if self.end(ctx).is_some() {
            return false;
        }
        let mut live: Vec<bool> = (0..self.contexts.len()).map(|ctx| self.end(ctx).is_none()).collect();
        self.ends += 1;
        self.contexts[ctx].own = Some((self.ends, end));
        self.tell(ctx, &mut live);
        true
    }

    /// Tells of the end of `ctx` and then of what is below, from the eldest to the youngest, each followed by what is below it.
    fn tell(&mut self, ctx: usize, live: &mut [bool]) {
        live[ctx] = false;
        let is_here = |(at, _): &(usize, Tag)| *at == ctx;
        let (here, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.registered).into_iter().partition(is_here);
        self.registered = others;
        for (_, tag) in here {
            self.told.push(tag);
            match tag {
                Tag::Waiter(waiter, _) => self.waiters[waiter].is_registered = false,
                Tag::Callback(callback) => self.callbacks[callback].fate = Fate::Ran,
            }
        }
        let is_child = |child: &usize| self.above(*child).iter().any(|above| self.scope(*above) == ctx);
        for child in (ctx + 1..live.len()).filter(is_child).collect::<Vec<_>>() {
            if live[child] && self.scope(child) == child {
                self.tell(child, live);
            }
        }
    }

    /// Ends a context whose own deadline has come.
    fn expire(&mut self, ctx: usize) {
        if self.contexts[ctx].deadline.is_some_and(|at| at <= self.now) {
            self.finish(ctx, End::late(self.contexts[ctx].how.cause));
        }
    }

    fn advance(&mut self, by: i64) {
        let target = self.now + by;
        let mut due: Vec<(i64, usize)> = Vec::new();
        for (ctx, made) in self.contexts.iter().enumerate() {
            due.extend(made.deadline.filter(|at| (self.now + 1..=target).contains(at)).map(|at| (at, ctx)));
        }
        due.sort_unstable();
        for (at, ctx) in due {
            self.now = at;
            self.expire(ctx);
        }
        self.now = target;
    }

    fn poll(&mut self, table: usize, waiter: usize, fresh: bool) -> bool {
        let Waiter { ctx, event, wakers, is_registered } = self.waiters[waiter];
        let is_ready = match event {
            Event::Done => self.end(ctx).is_some(),
            Event::Drained => self.derived_count(ctx, &self.existing()) == 0,
        };
        let wakers = wakers + usize::from(fresh || wakers == 0);
        self.waiters[waiter].wakers = wakers;
        if is_ready {
            self.drop_waiter(table, waiter);
            return true;
        }
        self.waiters[waiter].is_registered = true;
        if event == Event::Done && !self.is_never_done(ctx) {
            let place = self
                .registered
                .iter()
                .position(|(_, tag)| matches!(tag, Tag::Waiter(at, _) if *at == waiter));
            let entry = (self.scope(ctx), Tag::Waiter(waiter, wakers));
            match place {
                Some(place) if is_registered => self.registered[place] = entry,
                _ => self.registered.push(entry),
            }
        }
        false
    }

    pub(crate) fn drop_waiter(&mut self, table: usize, waiter: usize) {
        self.tables[table].waiters.remove(&waiter);
        self.waiters[waiter].is_registered = false;
        self.registered.retain(|(_, tag)| !matches!(tag, Tag::Waiter(at, _) if *at == waiter));
    }

    fn register(&mut self, table: usize, ctx: usize, callback: usize, inline: bool) {
        assert_eq!(callback, self.callbacks.len(), "callbacks are made in the order of their numbers");
        self.tables[table].callbacks.insert(callback);
        let is_done = self.end(ctx).is_some();
        self.callbacks.push(Callback { ctx, inline, fate: if is_done { Fate::Ran } else { Fate::Waits } });
        if is_done {
            self.told.push(Tag::Callback(callback));
        } else {
            self.registered.push((self.scope(ctx), Tag::Callback(callback)));
        }
    }

    fn stop(&mut self, callback: usize) -> bool {
        let stopped = self.callbacks[callback].fate == Fate::Waits;
        if stopped {
            self.callbacks[callback].fate = Fate::Dropped;
            self.registered.retain(|(_, tag)| *tag != Tag::Callback(callback));
        }
        stopped
    }

    /// What follows from what does not exist any more: its callbacks are dropped, and whoever waited for that is told.
    fn sweep(&mut self) {
        let exists = self.existing();
        for callback in 0..self.callbacks.len() {
            let ctx = self.callbacks[callback].ctx;
            let is_held = self.tables.iter().any(|table| table.callbacks.contains(&callback));
            // One that can never run is kept by its registration alone.
            if !exists[self.scope(ctx)] || self.is_never_done(ctx) && !is_held {
                self.stop(callback);
            }
        }
        for waiter in 0..self.waiters.len() {
            let Waiter { ctx, event, wakers, is_registered } = self.waiters[waiter];
            if event == Event::Drained && is_registered && self.derived_count(ctx, &exists) == 0 {
                self.waiters[waiter].is_registered = false;
                self.drained.push(Tag::Waiter(waiter, wakers));
            }
        }
    }

    /// What context 0 is below of ends, or brings its time with it.
    pub(crate) fn go_on_above(&mut self, canceled: Option<End>, by: i64) {
        self.told.clear();
        self.drained.clear();
        if let Some(end) = canceled {
            self.finish(0, end);
        }
        self.advance(by);
        self.sweep();
    }

    /// Brings up to date what exists; gives those who are told by that.
    pub(crate) fn sweep_anew(&mut self) -> &[Tag] {
        self.drained.clear();
        self.sweep();
        &self.drained
    }

    /// Takes over which end of several that raced a context has.
    pub(crate) fn settle(&mut self, ctx: usize, end: End) {
        self.contexts[ctx].own = Some((0, end));
    }

    /// Whoever waits, in any order.
    pub(crate) fn register_anew(&mut self) {
        let waiters = self
            .waiters
            .iter()
            .enumerate()
            .filter(|(_, waiter)| waiter.is_registered && waiter.event == Event::Done);
        let waiters = waiters.map(|(number, waiter)| (waiter.ctx, Tag::Waiter(number, waiter.wakers)));
        let callbacks =
            self.callbacks.iter().enumerate().filter(|(_, callback)| callback.fate == Fate::Waits);
        let callbacks = callbacks.map(|(number, callback)| (callback.ctx, Tag::Callback(number)));
        self.registered = waiters.chain(callbacks).map(|(ctx, tag)| (self.scope(ctx), tag)).collect();
    }
}
