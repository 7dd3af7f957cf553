//! Carries a context across processes: inject, extract, and the policy between them.
//!
//! What crosses is the time that is left, the values of keys that opted in, unknown baggage and the trace context. A cancellation
//! crosses by what each protocol has for it (a reset stream, a closed connection); the adapters do that. Everything else here is decided by
//! a [`Policy`], which belongs to a peer and how far it is trusted.
//!
//! # A server
//!
//! What a caller asks for may only shorten what the server itself allows. A request with nothing but a deadline costs the one
//! allocation of its context.
//!
//! ```
//! use purview::Context;
//! use purview_propagate::{Policy, Refused};
//! use std::collections::HashMap;
//! use std::time::Duration;
//!
//! fn serve(headers: &HashMap<String, String>, policy: &Policy) -> Result<String, Refused> {
//!     let (ctx, _canceler) = policy.read(headers)?.begin(&Context::background());
//!     Ok(format!("{}", ctx.remaining().is_some()))
//! }
//!
//! let policy = Policy::untrusted().cap(Duration::from_secs(2)).min_budget(Duration::from_millis(5));
//! let hour = HashMap::from([("grpc-timeout".to_owned(), "1H".to_owned())]);
//! assert_eq!(serve(&hour, &policy).unwrap(), "true");
//! assert_eq!(policy.counts().clamped, 1);
//!
//! let hostile = HashMap::from([("grpc-timeout".to_owned(), "1n".to_owned())]);
//! assert!(matches!(serve(&hostile, &policy), Err(Refused::TooLittleTime { .. })));
//! ```
//!
//! # A client
//!
//! Inject as late as possible and anew for each attempt and each redirect: the time that is left shrinks, and the new destination may be
//! one that gets no values.
//!
//! ```
//! use purview::{Codec, Context, Key};
//! use purview_propagate::{Policy, inject_to};
//! use std::collections::HashMap;
//! use std::time::Duration;
//!
//! static TENANT: Key<String> = Key::new("tenant")
//!     .crossing(Codec { encode: |t| Some(t.clone()), decode: |text| Ok(text.to_owned()) });
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let policy = Policy::trusted().allow(&TENANT)?.destinations(["svc.example"])?;
//! let (ctx, _canceler) = Context::background().with_timeout(Duration::from_secs(2));
//! let ctx = ctx.with_value(&TENANT, "acme".to_owned());
//!
//! let mut headers = HashMap::<String, String>::new(); // or `http::HeaderMap`, with the feature `http`
//! inject_to(&ctx, &mut headers, &policy, "stock.svc.example:8443")?;
//! assert_eq!(headers["baggage"], "tenant=acme");
//! assert!(headers.contains_key("x-request-timeout-ms"));
//!
//! inject_to(&ctx, &mut headers, &policy, "svc.example.evil.net")?;
//! assert!(!headers.contains_key("baggage"));
//! # Ok(())
//! # }
//! ```
//!
//! # A queue
//!
//! A message may lie for longer than a relative time is good for. [`inject_stored`] adds the moment at which the time is up, and
//! [`Policy::read_stored`] goes by it; both are handed the time by the wall clock.
//!
//! ```
//! use purview::Context;
//! use purview_propagate::{Policy, inject_stored};
//! use std::collections::HashMap;
//! use std::time::{Duration, SystemTime};
//!
//! let policy = Policy::trusted().skew(Duration::from_millis(200));
//! let (ctx, _canceler) = Context::background().with_timeout(Duration::from_secs(60));
//! let mut message = HashMap::<String, String>::new();
//! let now = SystemTime::now();
//! inject_stored(&ctx, &mut message, &policy, now).unwrap();
//!
//! let late = policy.read_stored(&message, now + Duration::from_secs(90)).unwrap();
//! assert!(late.build(&Context::background()).is_done());
//! ```
//!
//! # A child process
//!
//! [`inject_command`] sets variables of a command, and the child reads them with [`Environment`].
//!
//! # What is not believed
//!
//! - Times: read strictly, saturating, at most so many bytes. Of several the least holds. What cannot be read is refused, ignored or read
//!   leniently ([`Malformed`]), and counted.
//! - Values: only of keys that were allowed. A caller sets them, so never decide by one what the caller may do.
//! - Baggage: within limits, in whole members, without an allocation before a member is found to be right.
//! - Destinations: values go to listed hosts alone; what is not plainly a host is none.
//! - Headers: names are tokens, values percent-coded: nothing that a value holds can end a header.
//!
//! [`Counts`] say how often something was not taken as it came, an [observer](Policy::observer) hears of each, and a [`Switch`]
//! turns all of it off while the program runs.
//!
//! # What is not covered
//!
//! The default of a key is not sent: the other process has its own. The properties of a member whose key is allowed are not kept. Transit time is not
//! known: a relative deadline is later than the caller's by as long as the request was under way.

#![forbid(unsafe_code)]

mod arrived;
mod baggage;
mod carrier;
mod crossing;
mod destination;
mod event;
mod inject;
mod names;
mod policy;
mod refused;
mod stored;
mod switch;
mod trace;

pub use self::arrived::{Arrived, extract};
pub use self::carrier::{Extract, Inject};
pub use self::event::{Counts, Dropped, Event};
pub use self::inject::{inject, inject_to};
pub use self::policy::{Malformed, Policy, PolicyError};
pub use self::refused::Refused;
pub use self::stored::{Environment, inject_command, inject_stored};
pub use self::switch::Switch;
pub use self::trace::{TRACE, Trace};
