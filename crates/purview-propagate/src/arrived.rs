//! What came in, by the rules of a policy; and the context that begins with it.

use crate::carrier::Extract;
use crate::crossing::Put;
use crate::event::Event;
use crate::policy::{Malformed, Policy, Rules};
use crate::refused::Refused;
use crate::trace::{TRACE, Trace};
use purview::{Canceler, Context};
use purview_wire::{Format, TimeoutError};
use std::fmt;
use std::time::Duration;

/// What a caller sent, read and judged: the first of the two steps of [`extract`], for layers that have to do something in
/// between.
///
/// Its time is still a duration, and counts from [`begin`](Self::begin).
///
/// # Examples
///
/// ```
/// use purview::{Context, ManualClock};
/// use purview_propagate::Policy;
/// use std::collections::HashMap;
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let policy = Policy::untrusted().cap(Duration::from_secs(2));
/// let arrived = policy.read(&HashMap::from([("grpc-timeout", "200m")])).unwrap();
/// assert_eq!(arrived.timeout(), Some(Duration::from_millis(200)));
///
/// let (ctx, canceler) = arrived.begin(&Context::root(&clock));
/// assert_eq!(ctx.remaining(), Some(Duration::from_millis(200)));
/// canceler.cancel_with("the client left");
/// assert!(ctx.is_done());
/// ```
#[must_use = "it becomes a context by `begin`"]
pub struct Arrived {
    asked: Option<Duration>,
    timeout: Option<Duration>,
    trace: Option<Trace>,
    values: Vec<Box<dyn Put>>,
}

impl Policy {
    /// Reads what `carrier` has of a context, and judges it.
    ///
    /// What came is told to the observer where it is not taken as it came. A request with nothing but a deadline costs no
    /// allocation here, and one in [`begin`](Arrived::begin).
    ///
    /// # Errors
    ///
    /// Something could not be read, and the policy rejects that; or less time is left than it wants.
    ///
    /// # Examples
    ///
    /// See [`Arrived`].
    pub fn read(&self, carrier: &impl Extract) -> Result<Arrived, Refused> {
        self.read_as(carrier, |rules| rules.asked(carrier))
    }

    /// Reads with `asked` to find the time that the caller allows; counts if it is refused.
    pub(crate) fn read_as(
        &self,
        carrier: &impl Extract,
        asked: impl FnOnce(&Rules) -> Result<Option<Duration>, Refused>,
    ) -> Result<Arrived, Refused> {
        let rules = self.rules();
        let arrived = if rules.switch.is_inbound() {
            asked(rules).and_then(|asked| rules.arrive(carrier, asked))
        } else {
            Ok(Arrived { asked: None, timeout: rules.unasked(), trace: None, values: Vec::new() })
        };
        arrived.inspect_err(|_| rules.count_refusal())
    }
}

/// The context of a request that came in `carrier`, below `parent`: with the time that the caller allows, no more than
/// `policy` and `parent` do; with the values that may come; without a canceler.
///
/// # Errors
///
/// As [`Policy::read`].
///
/// # Examples
///
/// ```
/// use purview::{Context, ManualClock};
/// use purview_propagate::{Policy, extract};
/// use std::collections::HashMap;
/// use std::time::Duration;
///
/// let root = Context::root(&ManualClock::new());
/// let message = HashMap::from([("x-request-timeout-ms", "250")]);
/// let ctx = extract(&message, &root, &Policy::untrusted()).unwrap();
/// assert_eq!(ctx.remaining(), Some(Duration::from_millis(250)));
/// ```
pub fn extract(carrier: &impl Extract, parent: &Context, policy: &Policy) -> Result<Context, Refused> {
    Ok(policy.read(carrier)?.build(parent))
}

impl Arrived {
    /// The time that the request gets by the policy: what was asked for, within cap and floor; or the default. `None` is no
    /// limit. The parent's deadline is not in it.
    ///
    /// # Examples
    ///
    /// See [`Arrived`].
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// The time that the caller asked for, if it did.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview_propagate::Policy;
    /// use std::collections::HashMap;
    /// use std::time::Duration;
    ///
    /// let policy = Policy::untrusted().cap(Duration::from_secs(2));
    /// let arrived = policy.read(&HashMap::from([("grpc-timeout", "1H")])).unwrap();
    /// assert_eq!(arrived.asked(), Some(Duration::from_secs(3600)));
    /// assert_eq!(arrived.timeout(), Some(Duration::from_secs(2)));
    /// ```
    pub fn asked(&self) -> Option<Duration> {
        self.asked
    }

    /// The trace context that came, if the policy takes it in; [`TRACE`] in the context.
    ///
    /// # Examples
    ///
    /// See [`TRACE`].
    pub fn trace(&self) -> Option<&Trace> {
        self.trace.as_ref()
    }

    /// Begins the context of the request below `parent`, whose clock counts the time from now. The parent's deadline holds
    /// where it is earlier, and a time of zero is over at once.
    ///
    /// It is one node where no values came but a trace, and one more for each value. The context is a handle to the last of
    /// them; the canceler ends all.
    ///
    /// # Examples
    ///
    /// See [`Arrived`].
    #[track_caller]
    pub fn begin(self, parent: &Context) -> (Context, Canceler) {
        let mut derive = parent.derive();
        if let Some(timeout) = self.timeout {
            derive = derive.timeout(timeout);
        }
        let (ctx, canceler) = match self.trace {
            Some(trace) => derive.value(&TRACE, trace).cancelable(),
            None => derive.cancelable(),
        };
        (put(self.values, ctx), canceler)
    }

    /// As [`begin`](Self::begin), without a canceler.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    /// use purview_propagate::Policy;
    /// use std::collections::HashMap;
    ///
    /// let arrived = Policy::untrusted().read(&HashMap::from([("grpc-timeout", "0S")])).unwrap();
    /// assert!(arrived.build(&Context::background()).check().unwrap_err().is_deadline_exceeded());
    /// ```
    pub fn build(self, parent: &Context) -> Context {
        let mut derive = parent.derive();
        if let Some(timeout) = self.timeout {
            derive = derive.timeout(timeout);
        }
        let ctx = match self.trace {
            Some(trace) => derive.value(&TRACE, trace).build(),
            None => derive.build(),
        };
        put(self.values, ctx)
    }
}

fn put(values: Vec<Box<dyn Put>>, ctx: Context) -> Context {
    values.into_iter().fold(ctx, |ctx, value| value.put(&ctx))
}

impl fmt::Debug for Arrived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrived")
            .field("asked", &self.asked)
            .field("timeout", &self.timeout)
            .field("values", &self.values.len())
            .finish_non_exhaustive()
    }
}

impl Rules {
    /// The least time of all headers that are read.
    pub(crate) fn asked(&self, carrier: &impl Extract) -> Result<Option<Duration>, Refused> {
        let mut least = None;
        for &format in &self.formats {
            for value in carrier.values_of(self.header_of(format)) {
                least = least_of(least, self.decode(format, value)?);
            }
        }
        Ok(least)
    }

    fn decode(&self, format: Format, value: &[u8]) -> Result<Option<Duration>, Refused> {
        let decoded = match self.malformed {
            Malformed::Lenient => format.decode_lenient(value),
            Malformed::Reject | Malformed::Ignore => format.decode(value),
        };
        decoded.or_else(|error| self.malformed_time(error))
    }

    fn malformed_time(&self, error: TimeoutError) -> Result<Option<Duration>, Refused> {
        self.tell(&Event::MalformedTimeout(&error));
        // RFC 7240, section 2: a preference that cannot be honored is never an error.
        if self.malformed == Malformed::Reject && error.format() != Format::PreferWait {
            return Err(Refused::Timeout(error));
        }
        Ok(None)
    }

    fn arrive(&self, carrier: &impl Extract, asked: Option<Duration>) -> Result<Arrived, Refused> {
        let timeout = self.grant(asked)?;
        let mut values = Vec::new();
        self.read_baggage(carrier, &mut values)?;
        let trace = if self.traces { self.read_trace(carrier) } else { None };
        Ok(Arrived { asked, timeout, trace, values })
    }

    /// What a request gets that asks for so much.
    fn grant(&self, asked: Option<Duration>) -> Result<Option<Duration>, Refused> {
        let Some(asked) = asked else { return Ok(self.unasked()) };
        if asked < self.min_budget {
            let least = self.min_budget;
            self.tell(&Event::TooLittleTime { asked, least });
            return Err(Refused::TooLittleTime { asked, least });
        }
        let raised = asked.max(self.floor);
        let granted = self.cap.map_or(raised, |cap| raised.min(cap));
        if granted > asked {
            self.tell(&Event::Raised { asked, granted });
        }
        if granted < asked {
            self.tell(&Event::Capped { asked, granted });
        }
        Ok(Some(granted))
    }

    /// What a request gets that asks for nothing.
    fn unasked(&self) -> Option<Duration> {
        least_of(self.default_timeout, self.cap)
    }
}

pub(crate) fn least_of(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}
