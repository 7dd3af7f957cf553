//! The policy: what may cross, in which direction, and what is done about all else.

mod error;

pub use self::error::PolicyError;

use crate::crossing::AllowedKey;
use crate::destination::{Allowed, Pattern};
use crate::event::{Counts, Event, Tally};
use crate::names;
use crate::switch::Switch;
use purview::Key;
use purview_wire::{BaggageLimits, Format, TIMEOUT_HEADER};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What is done about a header, a member of baggage or a value that cannot be read.
///
/// A broken trace context is always ignored, and so is a broken `prefer`, as their specifications say.
///
/// # Examples
///
/// ```
/// use purview_propagate::{Malformed, Policy};
/// use std::collections::HashMap;
/// use std::time::Duration;
///
/// let careless = HashMap::from([("grpc-timeout", "200.7m")]);
/// let nonsense = HashMap::from([("grpc-timeout", "soon")]);
/// let policy = Policy::untrusted();
/// assert!(policy.read(&careless).is_err());
///
/// let policy = policy.malformed(Malformed::Ignore);
/// assert_eq!(policy.read(&careless).unwrap().timeout(), None);
///
/// let policy = policy.malformed(Malformed::Lenient);
/// assert_eq!(policy.read(&careless).unwrap().timeout(), Some(Duration::from_micros(200_700)));
/// assert_eq!(policy.read(&nonsense).unwrap().timeout(), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Malformed {
    /// The request is refused.
    #[default]
    Reject,
    /// It is as if that header, member or value had not come.
    Ignore,
    /// As [`Ignore`](Self::Ignore); and times are read with fractions, spaces around them, and any number of digits.
    Lenient,
}

/// What may cross between this process and another one, in both directions.
///
/// A policy belongs to a listener, a route or a client: to a peer and how far it is trusted. Begin with
/// [`untrusted`](Self::untrusted) or [`trusted`](Self::trusted), and say what differs. It is one pointer wide and cheap to
/// clone; clones share counts, observer and switch, also when they are changed afterwards.
///
/// # Examples
///
/// ```
/// use purview::{Codec, Key};
/// use purview_propagate::Policy;
/// use std::time::Duration;
///
/// static TENANT: Key<String> = Key::new("tenant")
///     .crossing(Codec { encode: |t| Some(t.clone()), decode: |text| Ok(text.to_owned()) });
///
/// # fn main() -> Result<(), purview_propagate::PolicyError> {
/// // The edge: anybody may call, for two seconds at most; what comes in is not believed.
/// let edge = Policy::untrusted().cap(Duration::from_secs(2)).min_budget(Duration::from_millis(5));
///
/// // Inside: our own services, which are told the tenant.
/// let inside = Policy::trusted().allow(&TENANT)?.destinations(["svc.cluster.local"])?;
/// # drop((edge, inside));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "each method gives a changed policy back"]
pub struct Policy(Arc<Rules>);

/// Kept apart, so that a policy is one pointer wide.
#[derive(Clone)]
pub(crate) struct Rules {
    pub(crate) formats: Vec<Format>,
    pub(crate) timeout_header: &'static str,
    pub(crate) cap: Option<Duration>,
    pub(crate) default_timeout: Option<Duration>,
    pub(crate) min_budget: Duration,
    pub(crate) floor: Duration,
    pub(crate) skew: Duration,
    pub(crate) malformed: Malformed,
    pub(crate) keys: Vec<AllowedKey>,
    pub(crate) unknown_baggage: bool,
    pub(crate) traces: bool,
    pub(crate) read_limits: BaggageLimits,
    pub(crate) send_limits: BaggageLimits,
    pub(crate) max_value_bytes: usize,
    pub(crate) send: Option<Format>,
    pub(crate) destinations: Allowed,
    pub(crate) deadline_everywhere: bool,
    pub(crate) switch: Switch,
    tally: Arc<Tally>,
    observer: Option<Arc<Observer>>,
}

type Observer = dyn Fn(&Event<'_>) + Send + Sync;

/// # Presets
impl Policy {
    /// For callers and callees that are not known: the whole internet.
    ///
    /// Inbound, a deadline may only shorten what the parent and the [`cap`](Self::cap) allow, values and baggage are not
    /// looked at, and a trace is not continued. Malformed headers are refused. Outbound, the deadline is sent, and nothing
    /// else. The header that only a proxy of ours may set, Envoy's, is not read.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview_propagate::Policy;
    /// use std::collections::HashMap;
    /// use std::time::Duration;
    ///
    /// let policy = Policy::untrusted().cap(Duration::from_secs(2));
    /// let hour = HashMap::from([("grpc-timeout", "1H")]);
    /// assert_eq!(policy.read(&hour).unwrap().timeout(), Some(Duration::from_secs(2)));
    /// ```
    pub fn untrusted() -> Self {
        Self(Arc::new(Rules {
            formats: UNTRUSTED_FORMATS.to_vec(),
            timeout_header: TIMEOUT_HEADER,
            cap: None,
            default_timeout: None,
            min_budget: Duration::ZERO,
            floor: Duration::ZERO,
            skew: Duration::ZERO,
            malformed: Malformed::Reject,
            keys: Vec::new(),
            unknown_baggage: false,
            traces: false,
            read_limits: BaggageLimits::READ,
            send_limits: BaggageLimits::SEND,
            max_value_bytes: MAX_VALUE_BYTES,
            send: Some(Format::Millis),
            destinations: Allowed::Listed(Vec::new()),
            deadline_everywhere: true,
            switch: Switch::new(),
            tally: Arc::default(),
            observer: None,
        }))
    }

    /// For peers that are ours and reached in a way that nobody else can use.
    ///
    /// Unlike [`untrusted`](Self::untrusted) it takes and passes on baggage that it does not know, untouched; continues
    /// traces; reads Envoy's header; and sends to any destination until [`destinations`](Self::destinations) names them. Values
    /// of keys still cross only if they are [`allow`](Self::allow)ed.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    /// use purview_propagate::{Policy, extract, inject};
    /// use std::collections::HashMap;
    ///
    /// let policy = Policy::trusted();
    /// let came = HashMap::from([("baggage", "user=ada;role=%41")]);
    /// let ctx = extract(&came, &Context::background(), &policy).unwrap();
    ///
    /// let mut goes = HashMap::<String, String>::new();
    /// inject(&ctx, &mut goes, &policy).unwrap();
    /// assert_eq!(goes["baggage"], "user=ada;role=%41");
    /// ```
    pub fn trusted() -> Self {
        Self::untrusted().read_formats(Format::ALL).unknown_baggage(true).traces(true).any_destination()
    }

    fn with(mut self, change: impl FnOnce(&mut Rules)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

/// Everything but what a proxy of ours sets.
const UNTRUSTED_FORMATS: [Format; 5] = [
    Format::Millis,
    Format::GrpcTimeout,
    Format::ConnectTimeoutMs,
    Format::RequestTimeout,
    Format::PreferWait,
];

/// Room for an identifier or a short list; large values belong into a body.
const MAX_VALUE_BYTES: usize = 1_024;

/// # Time that comes in
impl Policy {
    /// The most time that a request gets, also if none was asked for. Of the parent's deadline and this one the earlier
    /// holds. Without it only the parent limits a request.
    ///
    /// # Examples
    ///
    /// See [`untrusted`](Self::untrusted).
    pub fn cap(self, most: Duration) -> Self {
        self.with(|rules| rules.cap = Some(most))
    }

    /// The time that a request gets that asks for none, or whose header was ignored; the [`cap`](Self::cap) where it is less.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview_propagate::Policy;
    /// use std::collections::HashMap;
    /// use std::time::Duration;
    ///
    /// let policy = Policy::untrusted().default_timeout(Duration::from_secs(10));
    /// let nothing = HashMap::<String, String>::new();
    /// assert_eq!(policy.read(&nothing).unwrap().timeout(), Some(Duration::from_secs(10)));
    /// ```
    pub fn default_timeout(self, timeout: Duration) -> Self {
        self.with(|rules| rules.default_timeout = Some(timeout))
    }

    /// Refuses, before any work, a request that asks for less time than the work takes anyway. A caller that asks for the
    /// least that is possible, again and again, then costs nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview_propagate::Policy;
    /// use std::collections::HashMap;
    /// use std::time::Duration;
    ///
    /// let policy = Policy::untrusted().min_budget(Duration::from_millis(5));
    /// let refused = policy.read(&HashMap::from([("grpc-timeout", "1n")])).unwrap_err();
    /// assert_eq!(refused.to_string(), "the request allows 1ns, and at least 5ms are needed");
    /// ```
    pub fn min_budget(self, least: Duration) -> Self {
        self.with(|rules| rules.min_budget = least)
    }

    /// Gives a request that asks for less time this much: for writes that should not be cut off half-way. Off by
    /// default: it does work that nobody waits for. The cap and the parent's deadline still hold.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview_propagate::Policy;
    /// use std::collections::HashMap;
    /// use std::time::Duration;
    ///
    /// let policy = Policy::untrusted().floor(Duration::from_millis(50));
    /// let arrived = policy.read(&HashMap::from([("grpc-timeout", "1n")])).unwrap();
    /// assert_eq!(arrived.timeout(), Some(Duration::from_millis(50)));
    /// ```
    pub fn floor(self, least: Duration) -> Self {
        self.with(|rules| rules.floor = least)
    }

    /// What is done about what cannot be read; [`Malformed::Reject`] at first.
    ///
    /// # Examples
    ///
    /// See [`Malformed`].
    pub fn malformed(self, malformed: Malformed) -> Self {
        self.with(|rules| rules.malformed = malformed)
    }

    /// The headers that are read for the time that is left, instead of those that the preset reads. Of several headers, and of
    /// several values of one, the least counts: whoever wrote that one waits no longer. None at all: deadlines are not obeyed.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview_propagate::Policy;
    /// use purview_wire::Format;
    /// use std::collections::HashMap;
    ///
    /// let policy = Policy::untrusted().read_formats([Format::ConnectTimeoutMs]);
    /// assert_eq!(policy.read(&HashMap::from([("grpc-timeout", "1S")])).unwrap().timeout(), None);
    /// ```
    pub fn read_formats(self, formats: impl IntoIterator<Item = Format>) -> Self {
        self.with(|rules| rules.formats = formats.into_iter().collect())
    }

    /// How far the clocks of the machines may be apart, where time crosses as a moment (through queues, to child processes):
    /// what is read counts as so much later. Zero at first. See [`read_stored`](Self::read_stored).
    ///
    /// # Examples
    ///
    /// See [`read_stored`](Self::read_stored).
    pub fn skew(self, most: Duration) -> Self {
        self.with(|rules| rules.skew = most)
    }
}

/// # Values and traces
impl Policy {
    /// Lets the values of `key` cross in both directions, as a member of W3C baggage of the key's name.
    ///
    /// Inbound it means that a caller sets the value: never decide by it what the caller may do. Where a caller is not to be
    /// believed, use [`allow_outbound`](Self::allow_outbound).
    ///
    /// # Errors
    ///
    /// The key has no codec; its name is not an HTTP token of at most 128 bytes, or begins with `purview-`, `grpc-`, `connect-`
    /// or `x-envoy-`; or another key of that name was allowed before.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Key;
    /// use purview_propagate::Policy;
    ///
    /// static SECRET: Key<String> = Key::new("secret");
    /// let error = Policy::trusted().allow(&SECRET).unwrap_err();
    /// assert_eq!(error.to_string(), "key \"secret\" has no codec: only keys made with `crossing` can cross");
    /// ```
    pub fn allow<T: Send + Sync + 'static>(self, key: &'static Key<T>) -> Result<Self, PolicyError> {
        self.allow_key(key, true, true)
    }

    /// Lets the values of `key` come in, and not go out. See [`allow`](Self::allow).
    ///
    /// # Errors
    ///
    /// As [`allow`](Self::allow).
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Codec, Context, Key};
    /// use purview_propagate::{Policy, extract, inject};
    /// use std::collections::HashMap;
    ///
    /// static TENANT: Key<String> = Key::new("tenant")
    ///     .crossing(Codec { encode: |t| Some(t.clone()), decode: |text| Ok(text.to_owned()) });
    ///
    /// # fn main() -> Result<(), purview_propagate::PolicyError> {
    /// let policy = Policy::trusted().allow_inbound(&TENANT)?;
    /// let came = HashMap::from([("baggage", "tenant=acme")]);
    /// let ctx = extract(&came, &Context::background(), &policy).unwrap();
    /// assert_eq!(ctx.value(&TENANT).unwrap(), "acme");
    ///
    /// let mut goes = HashMap::<String, String>::new();
    /// inject(&ctx, &mut goes, &policy).unwrap();
    /// assert!(goes.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn allow_inbound<T: Send + Sync + 'static>(self, key: &'static Key<T>) -> Result<Self, PolicyError> {
        self.allow_key(key, true, false)
    }

    /// Lets the values of `key` go out, and not come in. See [`allow`](Self::allow).
    ///
    /// # Errors
    ///
    /// As [`allow`](Self::allow).
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::{Codec, Context, Key};
    /// use purview_propagate::{Policy, inject};
    /// use std::collections::HashMap;
    ///
    /// static TENANT: Key<String> = Key::new("tenant")
    ///     .crossing(Codec { encode: |t| Some(t.clone()), decode: |text| Ok(text.to_owned()) });
    ///
    /// # fn main() -> Result<(), purview_propagate::PolicyError> {
    /// let policy = Policy::trusted().allow_outbound(&TENANT)?;
    /// let ctx = Context::background().with_value(&TENANT, "a b".to_owned());
    /// let mut goes = HashMap::<String, String>::new();
    /// inject(&ctx, &mut goes, &policy).unwrap();
    /// assert_eq!(goes["baggage"], "tenant=a%20b");
    /// # Ok(())
    /// # }
    /// ```
    pub fn allow_outbound<T: Send + Sync + 'static>(self, key: &'static Key<T>) -> Result<Self, PolicyError> {
        self.allow_key(key, false, true)
    }

    fn allow_key<T: Send + Sync + 'static>(
        self,
        key: &'static Key<T>,
        inbound: bool,
        outbound: bool,
    ) -> Result<Self, PolicyError> {
        let name = key.name();
        if key.codec().is_none() {
            return Err(PolicyError::no_codec(name));
        }
        if !names::is_token(name) {
            return Err(PolicyError::key_name(name));
        }
        if names::is_reserved(name) {
            return Err(PolicyError::reserved(name));
        }
        if self.0.keys.iter().any(|allowed| allowed.name == name) {
            return Err(PolicyError::taken(name));
        }
        Ok(self.with(|rules| rules.keys.push(AllowedKey { name, inbound, outbound, key })))
    }

    /// Whether baggage of unknown names is taken in and passed on, byte for byte. If not, it is dropped.
    ///
    /// # Examples
    ///
    /// See [`trusted`](Self::trusted).
    pub fn unknown_baggage(self, passes: bool) -> Self {
        self.with(|rules| rules.unknown_baggage = passes)
    }

    /// Whether the trace context of a caller is taken in, as [`TRACE`](crate::TRACE), and that of a context is sent.
    ///
    /// # Examples
    ///
    /// See [`TRACE`](crate::TRACE).
    pub fn traces(self, cross: bool) -> Self {
        self.with(|rules| rules.traces = cross)
    }

    /// The most members and bytes of baggage, in each direction, instead of what [W3C
    /// baggage](https://www.w3.org/TR/baggage/#limits) has: 8,192 bytes, and 180 members inbound, 64 outbound. What is beyond is
    /// dropped by whole members, from the end, and counted; outbound, our own values come first.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    /// use purview_propagate::{Policy, extract, inject};
    /// use std::collections::HashMap;
    ///
    /// let policy = Policy::trusted().max_baggage(2, 8_192);
    /// let came = HashMap::from([("baggage", "a=1,b=2,c=3")]);
    /// let ctx = extract(&came, &Context::background(), &policy).unwrap();
    /// let mut goes = HashMap::<String, String>::new();
    /// inject(&ctx, &mut goes, &policy).unwrap();
    /// assert_eq!(goes["baggage"], "a=1,b=2");
    /// assert_eq!(policy.counts().dropped, 1);
    /// ```
    pub fn max_baggage(self, members: usize, bytes: usize) -> Self {
        let limits = BaggageLimits { members, bytes };
        self.with(|rules| (rules.read_limits, rules.send_limits) = (limits, limits))
    }

    /// The most bytes of one value of a key, as text before it is percent-coded, in each direction; 1,024 at first. A value
    /// beyond is dropped.
    ///
    /// # Examples
    ///
    /// See [`max_baggage`](Self::max_baggage).
    pub fn max_value_bytes(self, most: usize) -> Self {
        self.with(|rules| rules.max_value_bytes = most)
    }
}

/// # What goes out
impl Policy {
    /// The header that the time that is left is sent in; [`Format::Millis`] at first. `None` sends no deadline.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    /// use purview_propagate::{Policy, inject};
    /// use purview_wire::Format;
    /// use std::collections::HashMap;
    /// use std::time::Duration;
    ///
    /// let policy = Policy::untrusted().send(Format::GrpcTimeout);
    /// let (ctx, _canceler) = Context::background().with_timeout(Duration::from_secs(2));
    /// let mut goes = HashMap::<String, String>::new();
    /// inject(&ctx, &mut goes, &policy).unwrap();
    /// assert!(goes["grpc-timeout"].ends_with('u'));
    /// ```
    pub fn send(self, format: impl Into<Option<Format>>) -> Self {
        self.with(|rules| rules.send = format.into())
    }

    /// The name of the header of [`Format::Millis`], in both directions; `x-request-timeout-ms` at first.
    ///
    /// # Errors
    ///
    /// It is not an HTTP token in lower case of at most 128 bytes, or it belongs to another protocol.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview_propagate::Policy;
    ///
    /// assert!(Policy::untrusted().timeout_header("x-budget-ms").is_ok());
    /// let error = Policy::untrusted().timeout_header("X-Budget").unwrap_err();
    /// assert_eq!(error.to_string(), "header \"X-Budget\" is no name: accepted are HTTP tokens in lower case, up to 128 bytes");
    /// ```
    pub fn timeout_header(self, name: &'static str) -> Result<Self, PolicyError> {
        if !names::is_header(name) {
            return Err(PolicyError::header_name(name));
        }
        if names::is_reserved(name) || names::is_taken(name) {
            return Err(PolicyError::reserved(name));
        }
        Ok(self.with(|rules| rules.timeout_header = name))
    }

    /// The hosts that get values, baggage and traces, instead of those before: each with everything below it.
    ///
    /// `example.com` is that host and those that end in `.example.com`, in any case, with or without a dot at the end;
    /// `10.0.0.7` and `[::1]` are those addresses alone. With a port (`example.com:8443`) the destination has to state the same
    /// one; without, any port will do. All else gets the deadline and no more. See [`inject_to`](crate::inject_to).
    ///
    /// # Errors
    ///
    /// An entry is not of these forms.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview_propagate::Policy;
    ///
    /// let policy = Policy::trusted().destinations(["example.com", "[::1]:8080"]).unwrap();
    /// assert!(policy.sends_values_to("api.example.com:443"));
    /// assert!(!policy.sends_values_to("evil-example.com"));
    /// assert!(!policy.sends_values_to("[::1]:8081"));
    /// ```
    pub fn destinations<'a>(self, hosts: impl IntoIterator<Item = &'a str>) -> Result<Self, PolicyError> {
        let patterns = hosts.into_iter().map(Pattern::parse).collect::<Result<_, _>>()?;
        Ok(self.with(|rules| rules.destinations = Allowed::Listed(patterns)))
    }

    /// Sends values, baggage and traces to any destination, also where none is named.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview_propagate::Policy;
    ///
    /// assert!(!Policy::untrusted().sends_values_to("example.com"));
    /// assert!(Policy::untrusted().any_destination().sends_values_to("example.com"));
    /// ```
    pub fn any_destination(self) -> Self {
        self.with(|rules| rules.destinations = Allowed::Any)
    }

    /// Whether destinations that get no values get the deadline; true at first.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview::Context;
    /// use purview_propagate::{Policy, inject_to};
    /// use std::collections::HashMap;
    /// use std::time::Duration;
    ///
    /// let policy = Policy::untrusted().deadline_everywhere(false);
    /// let (ctx, _canceler) = Context::background().with_timeout(Duration::from_secs(2));
    /// let mut goes = HashMap::<String, String>::new();
    /// inject_to(&ctx, &mut goes, &policy, "example.com").unwrap();
    /// assert!(goes.is_empty());
    /// ```
    pub fn deadline_everywhere(self, sent: bool) -> Self {
        self.with(|rules| rules.deadline_everywhere = sent)
    }

    /// Whether `authority` (a host, maybe with a port) gets values.
    ///
    /// # Examples
    ///
    /// See [`destinations`](Self::destinations).
    pub fn sends_values_to(&self, authority: &str) -> bool {
        self.0.destinations.allows(Some(authority))
    }
}

/// # Watching and stopping it
impl Policy {
    /// Has `switch` turn this policy off and on.
    ///
    /// # Examples
    ///
    /// See [`Switch`].
    pub fn switched_by(self, switch: &Switch) -> Self {
        self.with(|rules| rules.switch = switch.clone())
    }

    /// The switch of this policy, to be kept by whoever may turn it off.
    ///
    /// # Examples
    ///
    /// ```
    /// use purview_propagate::Policy;
    /// use std::collections::HashMap;
    ///
    /// let policy = Policy::untrusted();
    /// policy.switch().set_inbound(false);
    /// assert_eq!(policy.read(&HashMap::from([("grpc-timeout", "1S")])).unwrap().timeout(), None);
    /// ```
    pub fn switch(&self) -> &Switch {
        &self.0.switch
    }

    /// Calls `observer` at each [`Event`], in the thread that reads or writes, before that returns. It should be quick; its
    /// panic goes to whoever reads or writes.
    ///
    /// # Examples
    ///
    /// See [`Event`].
    pub fn observer(self, observer: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        self.with(|rules| rules.observer = Some(Arc::new(observer)))
    }

    /// How often what happened, in all clones together.
    ///
    /// # Examples
    ///
    /// See [`Counts`].
    pub fn counts(&self) -> Counts {
        self.0.tally.counts()
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.0
    }
}

impl Rules {
    pub(crate) fn tell(&self, event: &Event<'_>) {
        self.tally.count(event);
        if let Some(observer) = &self.observer {
            observer(event);
        }
    }

    pub(crate) fn count_refusal(&self) {
        self.tally.count_refusal();
    }

    /// The header of a format.
    pub(crate) fn header_of(&self, format: Format) -> &'static str {
        format.header().unwrap_or(self.timeout_header)
    }
}

impl Default for Policy {
    /// [`Policy::untrusted`].
    fn default() -> Self {
        Self::untrusted()
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = self.rules();
        f.debug_struct("Policy")
            .field("formats", &rules.formats)
            .field("timeout_header", &rules.timeout_header)
            .field("cap", &rules.cap)
            .field("default_timeout", &rules.default_timeout)
            .field("min_budget", &rules.min_budget)
            .field("floor", &rules.floor)
            .field("malformed", &rules.malformed)
            .field("keys", &rules.keys)
            .field("unknown_baggage", &rules.unknown_baggage)
            .field("traces", &rules.traces)
            .field("send", &rules.send)
            .field("destinations", &rules.destinations)
            .field("switch", &rules.switch)
            .finish_non_exhaustive()
    }
}
