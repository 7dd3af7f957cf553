//! How much time a request gets.

use super::{Malformed, Policy};
use purview_wire::Format;
use std::time::Duration;

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
