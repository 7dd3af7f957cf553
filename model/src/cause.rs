//! Why a context ended, so that it can be compared.

use purview::{CancelerDropped, Error, Reason};
use purview_test::Probe;
use std::fmt;

/// What was given as a cause: a number, and a probe that shows that it was dropped.
#[derive(Debug)]
pub(crate) struct Why {
    pub(crate) number: usize,
    pub(crate) _probe: Probe,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cause {}", self.number)
    }
}

impl std::error::Error for Why {}

/// The end of a context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) reason: Reason,
    pub(crate) cause: Cause,
}

/// Who said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    Given(usize),
    /// Nobody gave a cause.
    Plain,
    CancelerDropped,
}

impl End {
    pub(crate) fn canceled(cause: Option<usize>) -> Self {
        Self { reason: Reason::Canceled, cause: cause.map_or(Cause::Plain, Cause::Given) }
    }

    pub(crate) fn late(cause: Option<usize>) -> Self {
        Self { reason: Reason::DeadlineExceeded, cause: cause.map_or(Cause::Plain, Cause::Given) }
    }

    pub(crate) fn dropped() -> Self {
        Self { reason: Reason::Canceled, cause: Cause::CancelerDropped }
    }

    /// What an error says.
    ///
    /// # Panics
    ///
    /// If its cause is none of those that a case gives.
    pub(crate) fn of(error: &Error) -> Self {
        let cause = match error.cause().downcast_ref::<Why>() {
            Some(why) => Cause::Given(why.number),
            None if error.cause().is::<CancelerDropped>() => Cause::CancelerDropped,
            None => {
                let plain = error.cause().downcast_ref::<Reason>();
                assert_eq!(plain, Some(&error.reason()), "the cause where none was given");
                Cause::Plain
            }
        };
        Self { reason: error.reason(), cause }
    }
}
