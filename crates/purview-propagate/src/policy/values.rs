//! Which values and traces cross, and how much of them.

use super::{Policy, PolicyError};
use crate::crossing::AllowedKey;
use crate::names;
use purview::Key;
use purview_wire::BaggageLimits;

/// # Values and traces
impl Policy {
    /// Lets the values of `key` cross in both directions, as a member of W3C baggage of the key's name.
    ///
    /// Inbound it means that a caller sets the value: never decide by it what the caller may do. Where a caller is not to be
    /// believed, use [`allow_outbound`](Self::allow_outbound). A panic of its codec goes to whoever reads or writes.
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

    /// Whether baggage of unknown names is taken in and passed on, byte for byte but for tabs, which become spaces. If not, it is dropped.
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
