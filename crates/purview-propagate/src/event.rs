//! What a policy had to do about what came or was to go: told to an observer, and counted.

use purview_wire::{ExpiresAtError, TimeoutError};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Something that was not passed on as it came.
///
/// It holds nothing that could be secret: no values, and of names only those of our own keys and of headers that are known.
/// (A bad timeout is shown, cut and escaped.)
///
/// # Examples
///
/// ```
/// use purview_propagate::{Event, Malformed, Policy};
/// use std::collections::HashMap;
/// use std::sync::{Arc, Mutex};
///
/// let log = Arc::new(Mutex::new(Vec::new()));
/// let seen = Arc::clone(&log);
/// let policy = Policy::untrusted().malformed(Malformed::Ignore).observer(move |event: &Event| {
///     if let Event::MalformedTimeout(error) = event {
///         seen.lock().unwrap().push(error.to_string());
///     }
/// });
/// let message = HashMap::from([("grpc-timeout", "later")]);
/// assert!(policy.read(&message).is_ok());
/// assert!(log.lock().unwrap()[0].starts_with("grpc-timeout \"later\" has no unit"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A header with the time that is left could not be read.
    MalformedTimeout(&'a TimeoutError),
    /// A moment at which the time is up could not be read.
    MalformedExpiry(&'a ExpiresAtError),
    /// So many members of baggage could not be read, or all of it, as one.
    MalformedBaggage(usize),
    /// The trace context could not be read.
    MalformedTrace,
    /// A value of the key of this name was not what its codec reads.
    MalformedValue(&'static str),
    /// The caller asked for more time than the policy's cap.
    Capped {
        /// What the caller asked for.
        asked: Duration,
        /// What it got.
        granted: Duration,
    },
    /// The caller asked for less time than the policy's floor.
    Raised {
        /// What the caller asked for.
        asked: Duration,
        /// What it got.
        granted: Duration,
    },
    /// The request was refused, since less time was left than the policy's least.
    TooLittleTime {
        /// What the caller asked for.
        asked: Duration,
        /// What it has to ask for.
        least: Duration,
    },
    /// So many members of baggage, or headers, did not cross.
    Dropped(Dropped, usize),
}

/// Why something did not cross.
///
/// # Examples
///
/// See [`Event`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dropped {
    /// The policy knows no such key, and passes on only what it knows.
    NotAllowed,
    /// It was beyond a limit: of members, of bytes, or of the bytes of one value.
    TooLarge,
    /// The destination is not one that gets values.
    Destination,
    /// The carrier did not take it.
    Carrier,
}

/// How often a policy, with all of its clones, did what an [`Event`] says.
///
/// # Examples
///
/// ```
/// use purview_propagate::Policy;
/// use std::collections::HashMap;
/// use std::time::Duration;
///
/// let policy = Policy::untrusted().cap(Duration::from_secs(1));
/// policy.read(&HashMap::from([("grpc-timeout", "1H")])).unwrap();
/// policy.read(&HashMap::from([("grpc-timeout", "soon")])).unwrap_err();
///
/// let counts = policy.counts();
/// assert_eq!((counts.clamped, counts.malformed, counts.refused, counts.dropped), (1, 1, 1, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// What could not be read: headers, members of baggage, values.
    pub malformed: u64,
    /// Times that were made shorter, or longer, than what the caller asked for.
    pub clamped: u64,
    /// Members of baggage and headers that did not cross.
    pub dropped: u64,
    /// Requests that were refused, for whatever reason.
    pub refused: u64,
}

/// The counters behind [`Counts`].
#[derive(Debug, Default)]
pub(crate) struct Tally {
    malformed: AtomicU64,
    clamped: AtomicU64,
    dropped: AtomicU64,
    refused: AtomicU64,
}

impl Tally {
    pub(crate) fn count(&self, event: &Event<'_>) {
        let (counter, by) = match event {
            Event::MalformedTimeout(_)
            | Event::MalformedExpiry(_)
            | Event::MalformedTrace
            | Event::MalformedValue(_) => (&self.malformed, 1),
            Event::MalformedBaggage(members) => (&self.malformed, *members),
            Event::Capped { .. } | Event::Raised { .. } => (&self.clamped, 1),
            Event::Dropped(_, members) => (&self.dropped, *members),
            // Counted where it is refused, with all other refusals.
            Event::TooLittleTime { .. } => return,
        };
        counter.fetch_add(by as u64, Ordering::Relaxed);
    }

    pub(crate) fn count_refusal(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            malformed: read(&self.malformed),
            clamped: read(&self.clamped),
            dropped: read(&self.dropped),
            refused: read(&self.refused),
        }
    }
}
