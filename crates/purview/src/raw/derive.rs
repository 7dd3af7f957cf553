//! Making nodes.

use super::branch;
use super::cause::CauseWord;
use super::handle::Handle;
use super::hold::CancelingHold;
use super::node::{Cancelable, Kind, NO_DEADLINE, Node, Ref, Timed, View};
use super::state::State;
use super::tail::{Parts, alloc_full};
use super::timing::{check_clock, expire, first_look, is_earlier, look};
use super::tree::{alloc_cancelable, alloc_timed, attach, attach_linked, make_in_spare};
use super::values::{Table, Values};
use crate::timer::Timers;
use std::panic::Location;
use std::ptr::NonNull;

/// What a new node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Done when its parent is.
    View,
    /// Can be done by itself.
    Cancelable,
    /// Never done.
    Never,
}

/// A node to be made.
pub(crate) struct Spec<'a, V> {
    pub(crate) form: Form,
    /// In nanoseconds of the clock of the parent; [`NO_DEADLINE`] for none.
    pub(crate) deadline: i64,
    /// The time by that clock, if it was asked for the deadline.
    pub(crate) now: Option<i64>,
    pub(crate) parts: Parts,
    pub(crate) values: V,
    /// Where the canceler is made, if somebody gets one: the hold that cancels it.
    pub(crate) canceler: Option<&'static Location<'static>>,
    /// The clock of a new root, which `parts` must keep.
    pub(crate) timers: Option<&'a Timers>,
}

impl Spec<'_, ()> {
    pub(crate) fn new(form: Form) -> Self {
        Self {
            form,
            deadline: NO_DEADLINE,
            now: None,
            parts: Parts::default(),
            values: (),
            canceler: None,
            timers: None,
        }
    }
}

/// What the layout of a new node is made from.
struct Plan {
    kind: Kind,
    parent: NonNull<Node>,
    scope: NonNull<Node>,
    /// What goes into the `timing` of the node.
    timing: *const (),
    deadline: i64,
    canceler: Option<&'static Location<'static>>,
}

/// The deadline that a node is made with, and the time at which that was.
struct Birth {
    deadline: i64,
    now: i64,
    /// Whether it is armed at once.
    eager: bool,
}

impl Birth {
    /// Looks at the node: a deadline that is given was given with a look at the clock, and a birth may be its end.
    #[inline]
    fn look(&self, node: Ref<'_>) {
        if self.deadline == NO_DEADLINE {
            return;
        }
        let keeps_it_itself = node.kind().has(Kind::TIMED) && node.timed().deadline == self.deadline;
        if self.now >= self.deadline && !node.state().is_done() {
            if keeps_it_itself {
                expire(node);
            } else {
                // The one above is no later, so it has passed as well, unnoticed so far.
                check_clock(node);
            }
        } else if keeps_it_itself && self.eager && node.state() == State::UNARMED {
            first_look(node);
        }
    }
}

impl Handle {
    /// Makes a node below this one, without a canceler.
    #[inline]
    pub(crate) fn derive<V: Values>(&self, spec: Spec<'_, V>) -> Handle {
        debug_assert!(spec.canceler.is_none(), "nobody gets the hold");
        let birth = self.birth(&spec);
        let handle = self.derive_below(spec, None);
        birth.look(handle.node());
        handle
    }

    /// The same, with a canceler that is made at that place.
    #[inline]
    pub(crate) fn derive_canceled_by<V: Values>(
        &self,
        made_at: &'static Location<'static>,
        spec: Spec<'_, V>,
    ) -> (Handle, CancelingHold) {
        let birth = self.birth(&spec);
        let handle = self.derive_below(Spec { canceler: Some(made_at), ..spec }, None);
        // Before the look: if a foreign clock panics there, the hold goes as well.
        // SAFETY: made with a hold for the canceler, and with the place.
        let hold = unsafe { CancelingHold::from_ptr(handle.node().ptr()) };
        birth.look(handle.node());
        (handle, hold)
    }

    /// What a node with a deadline will be looked at by.
    fn birth<V>(&self, spec: &Spec<'_, V>) -> Birth {
        if spec.deadline == NO_DEADLINE {
            return Birth { deadline: NO_DEADLINE, now: 0, eager: false };
        }
        let timers = self.timers();
        // The clock is asked once. What passes between that and the birth, the first look finds.
        let now = spec.now.unwrap_or_else(|| timers.now());
        Birth { deadline: spec.deadline, now, eager: timers.arms_at_birth() }
    }

    /// As [`derive`](Self::derive), without a look; `timing` is where the deadline is found if not with the parent.
    #[inline]
    pub(super) fn derive_below<V: Values>(&self, spec: Spec<'_, V>, timing: Option<Ref<'_>>) -> Handle {
        let parent = branch::below(self.node());
        if spec.form == Form::Cancelable {
            // A child is a look: its parent's deadline has to reach it.
            look(parent.scope());
        }
        let has_tail = V::COUNT > 0 || !spec.parts.is_empty() || spec.form == Form::View;
        let plan = Plan::new(self.node(), parent, &spec, has_tail, timing);
        let node = plan.place(parent.node().values, spec, has_tail);
        // SAFETY: just made, and ours alone.
        let child = unsafe { Ref::new(node) };
        if !attach(child) {
            self.attach_to_self(node);
        }
        // SAFETY: the node was made with one opener.
        unsafe { Handle::from_ptr(node) }
    }

    /// The branch that was picked ended meanwhile: hangs the new node below this node itself.
    #[cold]
    fn attach_to_self(&self, node: NonNull<Node>) {
        let parent = self.node();
        // SAFETY: nobody has seen the new node yet; a node that is not cancelable is a view (I3).
        unsafe {
            (*node.as_ptr()).parent = Some(parent.ptr());
            if !(*node.as_ptr()).kind.has(Kind::CANCELABLE) {
                (*node.cast::<View>().as_ptr()).scope = parent.scope().ptr();
            }
            attach(Ref::new(node));
        }
    }
}

impl Handle {
    /// Makes a node that can be canceled and has nothing else: the same as [`derive`](Self::derive), with nothing to weigh.
    /// What it returns is two words, which stay in registers.
    #[inline(never)]
    pub(crate) fn derive_cancelable(&self, made_at: &'static Location<'static>) -> (Handle, CancelingHold) {
        let parent = branch::below(self.node());
        let scope = self.node().scope();
        look(scope);
        let timing = scope.timing().ptr().as_ptr().cast::<()>().cast_const();
        let make = |kind| {
            // One hold for all handles together, and one for the canceler.
            let values = parent.node().values;
            let header = Node::new(kind, State::LIVE.0, 1, 2, Some(parent.ptr()), values);
            Cancelable::new(header, CauseWord::dropped(made_at), timing)
        };
        let kind = parent.kind();
        let is_plain = kind.has(Kind::CANCELABLE) && !kind.has(Kind::STATIC);
        let in_spare = if is_plain { make_in_spare(parent, make) } else { None };
        let node = in_spare.unwrap_or_else(|| {
            let node = alloc_cancelable(make(Kind::CANCELABLE));
            // SAFETY: just made, and ours alone.
            let child = unsafe { Ref::new(node) };
            if !(if is_plain { attach_linked(parent, child) } else { attach(child) }) {
                self.attach_to_self(node);
            }
            node
        });
        // SAFETY: the node was made with one opener, with a hold for the canceler, and with the place.
        unsafe { (Handle::from_ptr(node), CancelingHold::from_ptr(node)) }
    }
}

impl Plan {
    #[inline]
    fn new<V>(
        from: Ref<'_>,
        parent: Ref<'_>,
        spec: &Spec<'_, V>,
        has_tail: bool,
        timing: Option<Ref<'_>>,
    ) -> Self {
        // Of the node itself, not of a branch of it: a view is done in the very moment in which that is.
        let scope = from.scope();
        let above = timing.unwrap_or_else(|| scope.timing());
        let timers = above.timed().base.timing;
        let tail = if has_tail { Kind::TAIL } else { Kind::NONE };
        let (kind, timing, deadline) = match spec.form {
            Form::View => (tail, std::ptr::null(), NO_DEADLINE),
            Form::Never => {
                let timers = spec.timers.map_or(timers, |timers| std::ptr::from_ref(timers).cast());
                (Kind::TIMED.and(Kind::NEVER).and(tail), timers, NO_DEADLINE)
            }
            Form::Cancelable if spec.deadline != NO_DEADLINE && is_earlier(spec.deadline, parent) => {
                (Kind::TIMED.and(tail), timers, spec.deadline)
            }
            Form::Cancelable => {
                (Kind::CANCELABLE.and(tail), above.ptr().as_ptr().cast::<()>().cast_const(), NO_DEADLINE)
            }
        };
        Self { kind, parent: parent.ptr(), scope: scope.ptr(), timing, deadline, canceler: spec.canceler }
    }

    fn header(&self, values: Option<NonNull<Table>>) -> Node {
        let unarmed = self.kind.has(Kind::TIMED) && !self.kind.has(Kind::NEVER);
        let state = if unarmed { State::UNARMED } else { State::LIVE };
        // One for all handles together, and one for the canceler.
        let holds = 1 + u16::from(self.canceler.is_some());
        Node::new(self.kind, state.0, 1, holds, Some(self.parent), values)
    }

    #[inline]
    fn place<V: Values>(
        self,
        above: Option<NonNull<Table>>,
        spec: Spec<'_, V>,
        has_tail: bool,
    ) -> NonNull<Node> {
        let born = self.canceler.map_or(CauseWord::NONE, CauseWord::dropped);
        let cancelable = |values| Cancelable::new(self.header(values), born, self.timing);
        let timed = |values| Timed::new(cancelable(values), self.deadline);
        let view = |values| View { node: self.header(values), scope: self.scope };
        let (parts, values) = (spec.parts, spec.values);
        match (self.kind.has(Kind::TIMED), self.kind.has(Kind::CANCELABLE), has_tail) {
            (true, _, false) => alloc_timed(timed(above)),
            (false, true, false) => alloc_cancelable(cancelable(above)),
            (true, _, true) => alloc_full(self.kind, above, parts, values, timed),
            (false, true, true) => alloc_full(self.kind, above, parts, values, cancelable),
            (false, false, _) => alloc_full(self.kind, above, parts, values, view),
        }
    }
}
