//! What goes out.

use crate::carrier::Inject;
use crate::event::{Dropped, Event};
use crate::policy::{Policy, Rules};
use purview::{Context, Error};
use purview_wire::{BAGGAGE_HEADER, EXPIRES_AT_HEADER, Format, TRACEPARENT_HEADER, TRACESTATE_HEADER};
use std::time::{Duration, SystemTime};

/// Writes what `ctx` has and `policy` lets out into `carrier`, for a destination that is not named: values go only if the
/// policy lets them go anywhere.
///
/// The time that is left is read once, here, by the clock of `ctx`: do it as late as possible, and anew for each attempt.
/// First what is stale is taken away, so that nothing of an earlier attempt, or of a request that is passed on, remains; also where
/// this fails, and where the switch is off. That is the baggage and the trace context if the policy writes them, and
/// the deadline in every form that this crate knows, unless the policy [sends none](Policy::send): of two headers that say how much time there
/// is, the peer might believe the old one. Of `prefer`, which says other things too, only what the policy itself writes.
///
/// # Errors
///
/// `ctx` is done, and its error says why: do not send. Nothing was written then.
///
/// # Examples
///
/// ```
/// use purview::{Context, ManualClock};
/// use purview_propagate::{Policy, inject};
/// use std::collections::HashMap;
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let (ctx, _canceler) = Context::root(&clock).with_timeout(Duration::from_secs(1));
/// let mut message = HashMap::<String, String>::new();
///
/// clock.advance(Duration::from_millis(400));
/// inject(&ctx, &mut message, &Policy::untrusted()).unwrap();
/// assert_eq!(message["x-request-timeout-ms"], "600");
///
/// clock.advance(Duration::from_millis(600));
/// let error = inject(&ctx, &mut message, &Policy::untrusted()).unwrap_err();
/// assert!(error.is_deadline_exceeded());
/// assert!(message.is_empty());
/// ```
pub fn inject<C: Inject + ?Sized>(ctx: &Context, carrier: &mut C, policy: &Policy) -> Result<(), Error> {
    write(ctx, carrier, policy.rules(), None, Time::Left)
}

/// As [`inject`], for the destination `authority`: a host, and a port after a colon where one is stated, as in a `Host` header or
/// in `http::uri::Authority`. What is not plainly a host (with user information, say) is none that gets values.
///
/// On a redirect call it anew with the new destination: what the last one got and this one must not have is taken away.
///
/// # Errors
///
/// As [`inject`].
///
/// # Examples
///
/// ```
/// use purview::{Codec, Context, Key};
/// use purview_propagate::{Policy, inject_to};
/// use std::collections::HashMap;
///
/// static TENANT: Key<String> = Key::new("tenant")
///     .crossing(Codec { encode: |t| Some(t.clone()), decode: |text| Ok(text.to_owned()) });
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = Policy::untrusted().allow_outbound(&TENANT)?.destinations(["example.com"])?;
/// let ctx = Context::background().with_value(&TENANT, "acme".to_owned());
/// let mut headers = HashMap::<String, String>::new();
///
/// inject_to(&ctx, &mut headers, &policy, "api.example.com:443")?;
/// assert_eq!(headers["baggage"], "tenant=acme");
///
/// inject_to(&ctx, &mut headers, &policy, "api.example.com.evil.net")?; // a redirect
/// assert!(headers.is_empty());
/// # Ok(())
/// # }
/// ```
pub fn inject_to<C: Inject + ?Sized>(
    ctx: &Context,
    carrier: &mut C,
    policy: &Policy,
    authority: &str,
) -> Result<(), Error> {
    write(ctx, carrier, policy.rules(), Some(authority), Time::Left)
}

/// How a deadline goes out.
#[derive(Clone, Copy)]
pub(crate) enum Time {
    /// As what is left.
    Left,
    /// As what is left, and as a moment, by the wall clock's now.
    Both(SystemTime),
    /// As a moment alone.
    Moment(SystemTime),
}

pub(crate) fn write<C: Inject + ?Sized>(
    ctx: &Context,
    carrier: &mut C,
    rules: &Rules,
    authority: Option<&str>,
    time: Time,
) -> Result<(), Error> {
    if !matches!(time, Time::Left) {
        carrier.remove(EXPIRES_AT_HEADER);
    }
    let left = rules.start(ctx, carrier)?;
    if !rules.switch.is_outbound() {
        return Ok(());
    }
    let with_values = rules.destinations.allows(authority);
    if with_values || rules.deadline_everywhere {
        if let Time::Left | Time::Both(_) = time {
            rules.write_timeout(carrier, left);
        }
        if let Time::Both(now) | Time::Moment(now) = time {
            rules.write_moment(carrier, left, now);
        }
    }
    if with_values {
        rules.write_values(ctx, carrier);
    } else {
        rules.withhold(ctx);
    }
    Ok(())
}

impl Rules {
    /// Takes away what is stale, and gives the time that is left.
    pub(crate) fn start<C: Inject + ?Sized>(
        &self,
        ctx: &Context,
        carrier: &mut C,
    ) -> Result<Option<Duration>, Error> {
        self.remove_times(carrier);
        if self.writes_baggage() {
            carrier.remove(BAGGAGE_HEADER);
        }
        if self.traces {
            carrier.remove(TRACEPARENT_HEADER);
            carrier.remove(TRACESTATE_HEADER);
        }
        let left = ctx.remaining();
        ctx.check()?;
        Ok(left)
    }

    /// Those of every form: what a caller wrote in another one than ours is as stale.
    fn remove_times<C: Inject + ?Sized>(&self, carrier: &mut C) {
        let Some(sent) = self.send else { return };
        carrier.remove(EXPIRES_AT_HEADER);
        // `prefer` says other things too, and about time no more than a hint.
        for format in Format::ALL.into_iter().filter(|&format| format != Format::PreferWait || format == sent)
        {
            carrier.remove(self.header_of(format));
        }
    }

    pub(crate) fn write_timeout<C: Inject + ?Sized>(&self, carrier: &mut C, left: Option<Duration>) {
        let (Some(format), Some(left)) = (self.send, left) else { return };
        if let Some(text) = format.encode(left) {
            self.set(carrier, self.header_of(format), &text);
        }
    }

    pub(crate) fn write_values<C: Inject + ?Sized>(&self, ctx: &Context, carrier: &mut C) {
        if self.writes_baggage() {
            self.write_baggage(ctx, carrier);
        }
        if self.traces {
            self.write_trace(ctx, carrier);
        }
    }

    pub(crate) fn set<C: Inject + ?Sized>(&self, carrier: &mut C, name: &'static str, value: &str) {
        if !carrier.set(name, value) {
            self.tell(&Event::Dropped(Dropped::Carrier, 1));
        }
    }
}
