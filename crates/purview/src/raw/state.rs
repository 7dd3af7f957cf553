//! The state byte of a node.

use crate::reason::Reason;

/// What the state byte says.
///
/// ```text
///             first look                     cancel or deadline
/// UNARMED ───────────────▶ LIVE ──────────────────────────────▶ CANCELED or EXCEEDED ──▶ the same + SETTLED (+ TOLD)
///     └───────────────────────────────────────────────────────────▲      all below is marked too, nobody waits any more
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State(pub(super) u8);

impl State {
    /// Not done. The only state that a read needs nothing more than.
    pub(super) const LIVE: Self = Self(0);
    /// Not done, with a deadline of its own that nobody has looked for yet.
    pub(super) const UNARMED: Self = Self(1);
    const CANCELED: u8 = 4;
    const EXCEEDED: u8 = 5;
    /// Everything below is marked as well: a second cancellation has nothing left to do.
    const SETTLED: u8 = 8;
    /// All who waited for it were taken out of its list.
    const TOLD: u8 = 16;
    const REASON: u8 = 7;

    /// The state of a node that was just marked.
    pub(super) fn done(reason: Reason) -> Self {
        match reason {
            Reason::Canceled => Self(Self::CANCELED),
            Reason::DeadlineExceeded => Self(Self::EXCEEDED),
        }
    }

    #[inline]
    pub(super) fn is_done(self) -> bool {
        self.0 >= Self::CANCELED
    }

    pub(super) fn settled(self) -> Self {
        Self(self.0 | Self::SETTLED)
    }

    pub(super) fn is_settled(self) -> bool {
        self.0 & Self::SETTLED != 0
    }

    pub(super) fn told(self) -> Self {
        Self(self.0 | Self::TOLD)
    }

    #[inline]
    pub(super) fn is_told(self) -> bool {
        self.0 & Self::TOLD != 0
    }

    #[inline]
    pub(super) fn reason(self) -> Option<Reason> {
        match self.0 & Self::REASON {
            Self::CANCELED => Some(Reason::Canceled),
            Self::EXCEEDED => Some(Reason::DeadlineExceeded),
            _ => None,
        }
    }
}
