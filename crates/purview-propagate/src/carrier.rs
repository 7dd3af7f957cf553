//! Carriers: what takes a context's text along, and what it is read from.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};

/// The writing side of a carrier: the headers of a request or a message that is about to be sent.
///
/// Names are in lower case, and are tokens as HTTP has them; values are printable ASCII. A carrier whose names know no case
/// treats `Baggage` and `baggage` as the same one, as those of this crate do.
///
/// # Examples
///
/// ```
/// use purview_propagate::Inject;
///
/// #[derive(Default)]
/// struct Lines(Vec<String>);
///
/// impl Inject for Lines {
///     fn set(&mut self, name: &'static str, value: &str) -> bool {
///         self.remove(name);
///         self.0.push(format!("{name}: {value}"));
///         true
///     }
///     fn remove(&mut self, name: &'static str) {
///         self.0.retain(|line| line.split(':').next() != Some(name));
///     }
/// }
///
/// let mut lines = Lines::default();
/// assert!(lines.set("baggage", "tenant=acme"));
/// assert!(lines.set("baggage", "tenant=other"));
/// assert_eq!(lines.0, ["baggage: tenant=other"]);
/// ```
pub trait Inject {
    /// Sets `name` to `value` alone, whatever it had before. False if the carrier cannot take it: then it has no value of
    /// that name, and the caller counts it as dropped.
    ///
    /// # Examples
    ///
    /// See [`Inject`].
    #[must_use = "false says that nothing was set"]
    fn set(&mut self, name: &'static str, value: &str) -> bool;

    /// Takes all values of `name` away.
    ///
    /// # Examples
    ///
    /// See [`Inject`].
    fn remove(&mut self, name: &'static str);
}

/// The reading side of a carrier: the headers of a request or a message that has come.
///
/// # Examples
///
/// ```
/// use purview_propagate::Extract;
/// use std::collections::HashMap;
///
/// let message = HashMap::from([("Baggage".to_owned(), "tenant=acme".to_owned())]);
/// let mut values = message.values_of("baggage");
/// assert_eq!(values.next(), Some(&b"tenant=acme"[..]));
/// assert_eq!(values.next(), None);
/// ```
pub trait Extract {
    /// All values of `name`, which is in lower case, in the order in which they came. They are somebody else's bytes: any
    /// length, any content.
    ///
    /// # Examples
    ///
    /// See [`Extract`].
    fn values_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]>;
}

impl<C: Inject + ?Sized> Inject for &mut C {
    fn set(&mut self, name: &'static str, value: &str) -> bool {
        (**self).set(name, value)
    }

    fn remove(&mut self, name: &'static str) {
        (**self).remove(name);
    }
}

impl<C: Extract> Extract for &C {
    fn values_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        (**self).values_of(name)
    }
}

/// The headers of a message, under names whose case does not matter.
impl<K: From<&'static str> + AsRef<str> + Eq + Hash, V: for<'v> From<&'v str>, S: BuildHasher> Inject
    for HashMap<K, V, S>
{
    fn set(&mut self, name: &'static str, value: &str) -> bool {
        Inject::remove(self, name);
        self.insert(K::from(name), V::from(value));
        true
    }

    fn remove(&mut self, name: &'static str) {
        self.retain(|key, _| !key.as_ref().eq_ignore_ascii_case(name));
    }
}

/// The headers of a message, under names whose case does not matter.
impl<K: AsRef<str>, V: AsRef<[u8]>, S> Extract for HashMap<K, V, S> {
    fn values_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        named(self.iter(), name)
    }
}

/// The headers of a message, under names whose case does not matter.
impl<K: From<&'static str> + AsRef<str> + Ord, V: for<'v> From<&'v str>> Inject for BTreeMap<K, V> {
    fn set(&mut self, name: &'static str, value: &str) -> bool {
        Inject::remove(self, name);
        self.insert(K::from(name), V::from(value));
        true
    }

    fn remove(&mut self, name: &'static str) {
        self.retain(|key, _| !key.as_ref().eq_ignore_ascii_case(name));
    }
}

/// The headers of a message, under names whose case does not matter.
impl<K: AsRef<str>, V: AsRef<[u8]>> Extract for BTreeMap<K, V> {
    fn values_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        named(self.iter(), name)
    }
}

fn named<'a, K: AsRef<str> + 'a, V: AsRef<[u8]> + 'a>(
    pairs: impl Iterator<Item = (&'a K, &'a V)>,
    name: &'a str,
) -> impl Iterator<Item = &'a [u8]> {
    pairs.filter(move |(key, _)| key.as_ref().eq_ignore_ascii_case(name)).map(|(_, value)| value.as_ref())
}

/// The headers of an HTTP request. A map that is full takes no more. Baggage is marked as
/// [sensitive](http::HeaderValue::set_sensitive): the `Debug` of the map does not show it, and HTTP/2 keeps it out of its tables.
#[cfg(feature = "http")]
impl Inject for http::HeaderMap {
    fn set(&mut self, name: &'static str, value: &str) -> bool {
        Self::remove(self, name);
        let (Some(name), Ok(mut value)) = (header_name(name), http::HeaderValue::from_str(value)) else {
            return false;
        };
        value.set_sensitive(name == purview_wire::BAGGAGE_HEADER);
        self.try_insert(name, value).is_ok()
    }

    fn remove(&mut self, name: &'static str) {
        Self::remove(self, name);
    }
}

/// The static form of a name, which costs nothing; it would panic where a name is none.
#[cfg(feature = "http")]
fn header_name(name: &'static str) -> Option<http::HeaderName> {
    crate::names::is_header(name).then(|| http::HeaderName::from_static(name))
}

/// The headers of an HTTP request.
#[cfg(feature = "http")]
impl Extract for http::HeaderMap {
    fn values_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.get_all(name).iter().map(http::HeaderValue::as_bytes)
    }
}
