//! Time as a moment, for what may lie for long between two processes: messages in queues, child processes.

use crate::arrived::{Arrived, least_of};
use crate::carrier::{Extract, Inject};
use crate::event::Event;
use crate::inject::{Time, write};
use crate::policy::{Malformed, Policy, Rules};
use crate::refused::Refused;
use purview::{Context, Error};
use purview_wire::{EXPIRES_AT_HEADER, ExpiresAt, env};
use std::ffi::OsString;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// As [`inject`](crate::inject()), for a message that may lie in a queue: writes the deadline as a moment too, in
/// `x-request-expires-at-ms`, which is what [`Policy::read_stored`] goes by.
///
/// `now` is the time by the wall clock, that of [`SystemTime::now`]: the clock of a context cannot tell it.
///
/// # Errors
///
/// As [`inject`](crate::inject()).
///
/// # Examples
///
/// ```
/// use purview::{Context, ManualClock};
/// use purview_propagate::{Policy, inject_stored};
/// use std::collections::HashMap;
/// use std::time::{Duration, UNIX_EPOCH};
///
/// let policy = Policy::trusted();
/// let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
/// let root = Context::root(ManualClock::new());
/// let (ctx, _canceler) = root.with_timeout(Duration::from_secs(30));
/// let mut message = HashMap::<String, String>::new();
/// inject_stored(&ctx, &mut message, &policy, now).unwrap();
/// assert_eq!(message["x-request-expires-at-ms"], "1700000030000");
///
/// // The message lay for 20 seconds. Its reader gets what is left of the 30.
/// let arrived = policy.read_stored(&message, now + Duration::from_secs(20)).unwrap();
/// assert_eq!(arrived.timeout(), Some(Duration::from_secs(10)));
/// ```
pub fn inject_stored<C: Inject + ?Sized>(
    ctx: &Context,
    carrier: &mut C,
    policy: &Policy,
    now: SystemTime,
) -> Result<(), Error> {
    write(ctx, carrier, policy.rules(), None, Time::Both(now))
}

/// As [`inject`](crate::inject()), for a child process: sets the variables of [`purview_wire::env`] for `command`, the deadline as a
/// moment. Those of them that the child would inherit from this process and that the policy owns are taken away.
///
/// Values, baggage and traces go if the policy lets them go anywhere. A command line and an environment can be seen by
/// others on the machine: let no secrets cross.
///
/// `now` is the time by the wall clock, that of [`SystemTime::now`]. The child reads it with [`Environment`].
///
/// # Errors
///
/// As [`inject`](crate::inject()): do not start the child.
///
/// # Examples
///
/// ```
/// use purview::Context;
/// use purview_propagate::{Policy, inject_command};
/// use std::process::Command;
/// use std::time::{Duration, SystemTime};
///
/// let (ctx, _canceler) = Context::background().with_timeout(Duration::from_secs(30));
/// let mut command = Command::new("worker");
/// inject_command(&ctx, &mut command, &Policy::trusted(), SystemTime::now()).unwrap();
/// assert!(command.get_envs().any(|(name, value)| name == "PURVIEW_EXPIRES_AT_MS" && value.is_some()));
/// ```
pub fn inject_command(
    ctx: &Context,
    command: &mut Command,
    policy: &Policy,
    now: SystemTime,
) -> Result<(), Error> {
    write(ctx, &mut Variables(command), policy.rules(), None, Time::Moment(now))
}

impl Policy {
    /// As [`read`](Self::read), for what may have lain for long: the time that is left is that to the moment in
    /// `x-request-expires-at-ms` (of several the least) at `now` by the wall clock; where there is none, that of the other
    /// headers.
    ///
    /// It is as good as the clocks of both machines agree. [`skew`](Self::skew) gives so much more.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    ///
    /// # Examples
    ///
    /// ```
    /// use purview_propagate::Policy;
    /// use std::collections::HashMap;
    /// use std::time::{Duration, UNIX_EPOCH};
    ///
    /// let policy = Policy::untrusted().skew(Duration::from_millis(500));
    /// let message = HashMap::from([("x-request-expires-at-ms", "5000"), ("x-request-timeout-ms", "5000")]);
    /// let arrived = policy.read_stored(&message, UNIX_EPOCH + Duration::from_secs(3)).unwrap();
    /// assert_eq!(arrived.timeout(), Some(Duration::from_millis(2_500)));
    /// ```
    pub fn read_stored(&self, carrier: &impl Extract, now: SystemTime) -> Result<Arrived, Refused> {
        self.read_as(carrier, |rules| match rules.left(carrier, now)? {
            Some(left) => Ok(Some(left)),
            None => rules.asked(carrier),
        })
    }
}

impl Rules {
    /// The least time to a moment that came.
    fn left(&self, carrier: &impl Extract, now: SystemTime) -> Result<Option<Duration>, Refused> {
        // A part of a millisecond is left to the caller, as where it was written.
        let now = millis(now.duration_since(UNIX_EPOCH).unwrap_or_default());
        let mut least = None;
        for value in carrier.values_of(EXPIRES_AT_HEADER) {
            match ExpiresAt::parse(value) {
                Ok(at) => least = least_of(least, Some(at.left(now, self.skew))),
                Err(error) => {
                    self.tell(&Event::MalformedExpiry(&error));
                    if self.malformed == Malformed::Reject {
                        return Err(Refused::Expiry(error));
                    }
                }
            }
        }
        Ok(least)
    }

    pub(crate) fn write_moment<C: Inject + ?Sized>(
        &self,
        carrier: &mut C,
        left: Option<Duration>,
        now: SystemTime,
    ) {
        if self.send.is_none() {
            return;
        }
        if let Some(left) = left {
            let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
            // The sum is rounded up, so that nobody gives up before its caller does.
            let at = ExpiresAt::after(0, now.saturating_add(left));
            self.set(carrier, EXPIRES_AT_HEADER, &at.encode());
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The variables of a child; they are named after headers.
struct Variables<'a>(&'a mut Command);

impl Inject for Variables<'_> {
    fn set(&mut self, name: &'static str, value: &str) -> bool {
        let variable = env::variable(name);
        if let Some(variable) = variable {
            self.0.env(variable, value);
        }
        variable.is_some()
    }

    fn remove(&mut self, name: &'static str) {
        if let Some(variable) = env::variable(name) {
            self.0.env_remove(variable);
        }
    }
}

/// What a process was given by [`inject_command`], to be read with [`Policy::read_stored`].
///
/// It is as trustworthy as whoever started the process.
///
/// # Examples
///
/// ```
/// use purview::Context;
/// use purview_propagate::{Environment, Policy};
/// use std::time::SystemTime;
///
/// // At the begin of `main`:
/// let arrived = Policy::trusted().read_stored(&Environment::of_this_process(), SystemTime::now());
/// let (ctx, _canceler) = arrived.unwrap().begin(&Context::background());
/// # drop(ctx);
/// ```
#[derive(Clone, Default)]
pub struct Environment(Vec<(&'static str, OsString)>);

impl Environment {
    /// Takes a copy of the variables of this process.
    ///
    /// # Examples
    ///
    /// See [`Environment`].
    pub fn of_this_process() -> Self {
        let names = [env::EXPIRES_AT, env::BAGGAGE, env::TRACEPARENT, env::TRACESTATE];
        Self(names.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))).collect())
    }
}

impl Extract for Environment {
    fn values_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let variable = env::variable(name);
        let named = self.0.iter().filter(move |(key, _)| Some(*key) == variable);
        named.map(|(_, value)| value.as_encoded_bytes())
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}
