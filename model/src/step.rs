//! What can be done with contexts. Contexts, waits and callbacks go by number, in the order of their making.

/// One operation.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Makes context `ctx` below `parent`.
    Derive {
        parent: usize,
        ctx: usize,
        how: How,
    },
    /// Makes context `ctx` of several sources.
    Merge {
        sources: Vec<usize>,
        ctx: usize,
    },
    /// Cancels by a handle, which stays.
    Cancel {
        ctx: usize,
        cause: Option<usize>,
    },
    /// Cancels by the canceler, which is used up.
    CancelOwn {
        ctx: usize,
        cause: Option<usize>,
    },
    DropCanceler {
        ctx: usize,
    },
    Detach {
        ctx: usize,
    },
    DropHandle {
        ctx: usize,
    },
    DropContext {
        ctx: usize,
    },
    /// Moves the clock on by so many nanoseconds.
    Advance {
        by: i64,
    },
    /// Begins a wait, and polls it at once if `poll`.
    Wait {
        ctx: usize,
        waiter: usize,
        event: Event,
        poll: bool,
    },
    /// Polls a wait, with another waker than before if `fresh`.
    Poll {
        waiter: usize,
        fresh: bool,
    },
    DropWaiter {
        waiter: usize,
    },
    Callback {
        ctx: usize,
        callback: usize,
        inline: bool,
    },
    Stop {
        callback: usize,
    },
    /// Drops the registration of a callback, which leaves it registered.
    DropCallback {
        callback: usize,
    },
}

/// What a derived context is. Deadlines are nanoseconds from the start of the case.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct How {
    /// Neither canceled nor late with its parent.
    pub(crate) without_cancel: bool,
    /// With a canceler; the second answer is whether a handle of it is kept too.
    pub(crate) canceler: Option<bool>,
    pub(crate) deadline: Option<i64>,
    /// Given as the time from now.
    pub(crate) as_timeout: bool,
    /// The cause for when the time is up.
    pub(crate) cause: Option<usize>,
    /// The number of a key; the value is the number of the context.
    pub(crate) key: Option<usize>,
}

impl How {
    /// Whether it is the same cancellation as its parent's.
    pub(crate) fn is_view(self) -> bool {
        !self.without_cancel && self.canceler.is_none() && self.deadline.is_none()
    }
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Done,
    Drained,
}

/// Who was told of an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tag {
    /// A wait, by the how manieth of its wakers.
    Waiter(usize, usize),
    Callback(usize),
}
