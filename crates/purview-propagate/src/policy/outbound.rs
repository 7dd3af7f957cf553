//! What is sent, and to whom.

use super::{Policy, PolicyError};
use crate::destination::{Allowed, Pattern};
use crate::names;
use purview_wire::Format;

/// # What goes out
impl Policy {
    /// The header that the time that is left is sent in; [`Format::Millis`] at first. `None` sends no deadline, and
    /// leaves deadline headers that are there as they are; else none but this one remains, see [`inject`](crate::inject()).
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
