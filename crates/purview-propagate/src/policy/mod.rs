//! The policy: what may cross, in which direction, and what is done about all else.

mod error;
mod inbound;
mod outbound;
mod values;

pub use self::error::PolicyError;

use crate::crossing::AllowedKey;
use crate::destination::Allowed;
use crate::event::{Counts, Event, Tally};
use crate::switch::Switch;
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
