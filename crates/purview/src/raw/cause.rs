//! The word in which a node keeps why it is done.
//!
//! Only the node where a cancellation began owns its cause. The nodes below borrow it: they keep that node alive (I1),
//! so that a cascade over a million nodes counts nothing.

use super::node::Cancelable;
use crate::reason::{Cause, Given, Reason, Stored};
use crate::sync::Ordering;
use std::panic::Location;
use std::sync::Arc;

/// A cause as one word: zero for none, else a pointer whose two low bits are its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CauseWord(pub(super) *mut ());

/// A pointer to a [`Given`] that an ancestor, or our own tail, keeps.
const BORROWED: usize = 0;
/// A pointer to a `Location`, which lives for ever.
const DROPPED: usize = 1;
/// A pointer to a [`Given`] with a count that this node must give back.
const OWNED: usize = 2;
const TAG: usize = 3;

impl CauseWord {
    pub(super) const NONE: Self = Self(std::ptr::null_mut());
    /// In a node: never. Marks it with the word that it was born with, which says that its canceler was dropped.
    pub(super) const AS_BORN: Self = Self(std::ptr::without_provenance_mut(TAG));

    /// That the canceler that was made there was dropped.
    pub(super) fn dropped(made_at: &'static Location<'static>) -> Self {
        Self::tagged(std::ptr::from_ref(made_at), DROPPED)
    }

    /// Where the canceler was made, in the word of a node that is not done.
    pub(super) fn made_at(self) -> Option<&'static Location<'static>> {
        let location = self.untagged().cast::<Location<'static>>().cast_const();
        // SAFETY: by its tag, the word was made of a `&'static Location` in `dropped`.
        (self.tag() == DROPPED).then(|| unsafe { &*location })
    }

    fn tagged<T>(pointer: *const T, tag: usize) -> Self {
        Self(pointer.cast_mut().cast::<()>().map_addr(|address| address | tag))
    }

    fn tag(self) -> usize {
        self.0.addr() & TAG
    }

    fn untagged(self) -> *mut () {
        self.0.map_addr(|address| address & !TAG)
    }

    /// Takes the cause over: whoever stores the word in a node has to see to [`drop_owned`].
    pub(super) fn from_stored(stored: Stored) -> Self {
        match stored {
            Stored::Plain => Self::NONE,
            Stored::Dropped(location) => Self::dropped(location),
            Stored::Given(given) => Self::tagged(Arc::into_raw(given), OWNED),
        }
    }

    /// Lends a cause that outlives the node that stores this word.
    pub(super) fn borrowed(cause: &Cause) -> Self {
        match cause.clone().into_stored() {
            Stored::Given(given) => Self::tagged(Arc::as_ptr(&given), BORROWED),
            other => Self::from_stored(other),
        }
    }

    /// The word for a node below.
    pub(super) fn lend(self) -> Self {
        if self.is_owned() { Self(self.untagged()) } else { self }
    }

    pub(super) fn is_owned(self) -> bool {
        self.tag() == OWNED
    }

    /// The cause, with a count of its own.
    ///
    /// # Safety
    ///
    /// The word comes from a node that is alive.
    pub(super) unsafe fn get(self, reason: Reason) -> Cause {
        match self.tag() {
            _ if self == Self::NONE => Cause::of_reason(reason),
            DROPPED => {
                let location = self.untagged().cast::<Location<'static>>().cast_const();
                // SAFETY: made from a `&'static Location` in `from_stored`.
                Cause::of_dropped(unsafe { &*location })
            }
            _ => {
                let given = self.untagged().cast::<Given>().cast_const();
                // SAFETY: made from an `Arc` in `from_stored` or `borrowed`. The node that owns it is this one or one
                // that it keeps alive (I6), so the count is not zero, and we add one for the `Arc` we make.
                let given = unsafe {
                    Arc::increment_strong_count(given);
                    Arc::from_raw(given)
                };
                Cause::of_given(given)
            }
        }
    }

    /// Gives back the count of an owned cause; for a word that was never stored, or by the end of its node.
    ///
    /// # Safety
    ///
    /// Nobody uses the word, or one lent from it, after this.
    pub(super) unsafe fn drop_owned(self) {
        if self.is_owned() {
            let given = self.untagged().cast::<Given>().cast_const();
            // SAFETY: the word holds a count, by its tag, and the caller ends its use.
            drop(unsafe { Arc::from_raw(given) });
        }
    }
}

impl Cancelable {
    /// The cause of a node that was seen to be done.
    pub(super) fn cause_word(&self) -> CauseWord {
        // Relaxed: it was written before the state that the caller read with acquire.
        CauseWord(self.cause.load(Ordering::Relaxed))
    }
}
