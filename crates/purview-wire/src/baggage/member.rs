//! One member of baggage.

use crate::percent;
use std::borrow::Cow;
use std::fmt;

/// A member of [`Baggage`](crate::Baggage): `key=value;property;property=value`.
///
/// `Debug` shows the key, never the value.
///
/// ```
/// use purview_wire::{Baggage, BaggageLimits};
///
/// let baggage = Baggage::parse([b"user = ada%20l ; source = login ; checked".as_slice()], BaggageLimits::READ)?;
/// let user = baggage.get("user").unwrap();
/// assert_eq!((user.value().as_ref(), user.raw_value()), ("ada l", "ada%20l"));
/// assert!(user.properties().eq(["source = login", "checked"]));
/// assert_eq!(format!("{user:?}"), r#"Member("user")"#);
/// # Ok::<(), purview_wire::BaggageError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Member<'a> {
    text: &'a str,
}

impl<'a> Member<'a> {
    /// Of a text that is to the grammar.
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text }
    }

    /// Key and value, without white space around them, and the properties.
    fn parts(self) -> (&'a str, &'a str, Option<&'a str>) {
        let (pair, properties) = match self.text.split_once(';') {
            Some((pair, properties)) => (pair, Some(properties)),
            None => (self.text, None),
        };
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key.trim_ascii(), value.trim_ascii(), properties)
    }

    /// All of it, as it came.
    ///
    /// ```
    /// use purview_wire::{Baggage, BaggageLimits};
    ///
    /// let baggage = Baggage::parse([b" a = 1 ;p ".as_slice()], BaggageLimits::READ)?;
    /// assert_eq!(baggage.get("a").unwrap().as_str(), "a = 1 ;p");
    /// # Ok::<(), purview_wire::BaggageError>(())
    /// ```
    pub const fn as_str(self) -> &'a str {
        self.text
    }

    /// The key, as it came: keys are never decoded.
    ///
    /// ```
    /// use purview_wire::{Baggage, BaggageLimits};
    ///
    /// let baggage = Baggage::parse([b"K%20=1".as_slice()], BaggageLimits::READ)?;
    /// assert_eq!(baggage.iter().next().unwrap().key(), "K%20");
    /// # Ok::<(), purview_wire::BaggageError>(())
    /// ```
    pub fn key(self) -> &'a str {
        self.parts().0
    }

    /// The value, decoded: a `%` that begins no code stays, and what is not UTF-8 becomes U+FFFD. A `+` is a plus.
    ///
    /// ```
    /// use purview_wire::{Baggage, BaggageLimits};
    ///
    /// let baggage = Baggage::parse([b"a=1+1%3D2%ff%".as_slice()], BaggageLimits::READ)?;
    /// assert_eq!(baggage.get("a").unwrap().value(), "1+1=2\u{fffd}%");
    /// # Ok::<(), purview_wire::BaggageError>(())
    /// ```
    pub fn value(self) -> Cow<'a, str> {
        percent::decode(self.raw_value().as_bytes())
    }

    /// The value, as it came.
    ///
    /// ```
    /// use purview_wire::{Baggage, BaggageLimits};
    ///
    /// let baggage = Baggage::parse([b"a=%41".as_slice()], BaggageLimits::READ)?;
    /// assert_eq!(baggage.get("a").unwrap().raw_value(), "%41");
    /// # Ok::<(), purview_wire::BaggageError>(())
    /// ```
    pub fn raw_value(self) -> &'a str {
        self.parts().1
    }

    /// The properties, as they came, without white space around each. The specification gives them no meaning.
    ///
    /// ```
    /// use purview_wire::{Baggage, BaggageLimits};
    ///
    /// let baggage = Baggage::parse([b"a=1; ttl=5;public".as_slice()], BaggageLimits::READ)?;
    /// assert!(baggage.get("a").unwrap().properties().eq(["ttl=5", "public"]));
    /// # Ok::<(), purview_wire::BaggageError>(())
    /// ```
    pub fn properties(self) -> impl Iterator<Item = &'a str> + Clone {
        self.parts().2.into_iter().flat_map(|properties| properties.split(';')).map(str::trim_ascii)
    }
}

impl fmt::Debug for Member<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Member").field(&self.key()).finish()
    }
}
