//! Why baggage was not read or not written.

use crate::excerpt::Excerpt;
use crate::text::{is_token, split_once, trim};
use std::fmt;

/// Why baggage was refused: what was wrong, with which member, what is accepted.
///
/// It never shows a value, which may be a secret; a key, when the member had one.
///
/// ```
/// use purview_wire::{Baggage, BaggageError, BaggageLimits, BaggageProblem};
///
/// let error: BaggageError = Baggage::parse([b"a=1,b".as_slice()], BaggageLimits::READ).unwrap_err();
/// assert_eq!((error.problem(), error.member()), (BaggageProblem::NoValue, 2));
/// assert_eq!(error.to_string(), "baggage member 2 has no value: accepted is key=value;property");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BaggageError {
    problem: BaggageProblem,
    member: usize,
    key: Option<Excerpt>,
}

/// What was wrong with a member of baggage.
///
/// ```
/// use purview_wire::{Baggage, BaggageLimits, BaggageProblem};
///
/// let problem = |header: &[u8]| Baggage::parse([header], BaggageLimits::READ).unwrap_err().problem();
/// assert_eq!(problem(b"k"), BaggageProblem::NoValue);
/// assert_eq!(problem(b"two words=1"), BaggageProblem::BadKey);
/// assert_eq!(problem(b"k=two words"), BaggageProblem::BadValue);
/// assert_eq!(problem(b"k=1;;"), BaggageProblem::BadProperty);
/// assert_eq!(problem(&[b'k'; 9_000]), BaggageProblem::TooManyBytes);
/// assert_eq!(problem("k=1,".repeat(181).as_bytes()), BaggageProblem::TooManyMembers);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BaggageProblem {
    /// There is no `=`.
    NoValue,
    /// The key is not a token.
    BadKey,
    /// The value has bytes that must be percent-encoded.
    BadValue,
    /// A property has no key, or is not made of what keys and values are made of.
    BadProperty,
    /// There are more members than the limits allow.
    TooManyMembers,
    /// There are more bytes than the limits allow.
    TooManyBytes,
}

impl BaggageError {
    pub(super) fn new(problem: BaggageProblem, member: usize, text: &[u8]) -> Self {
        // Without a right key this may be a part of a value that had a comma in it.
        let key = match split_once(text, b'=') {
            (key, Some(_)) if is_token(trim(key)) => Some(Excerpt::of(trim(key))),
            _ => None,
        };
        Self { problem, member, key }
    }

    /// What was wrong.
    ///
    /// ```
    /// use purview_wire::{Baggage, BaggageProblem};
    ///
    /// let error = Baggage::new().push("", "value").unwrap_err();
    /// assert_eq!(error.problem(), BaggageProblem::BadKey);
    /// ```
    pub const fn problem(&self) -> BaggageProblem {
        self.problem
    }

    /// Which member it was, over all headers together; the first is 1.
    ///
    /// ```
    /// assert_eq!(purview_wire::Baggage::new().push("", "value").unwrap_err().member(), 1);
    /// ```
    pub const fn member(&self) -> usize {
        self.member
    }
}

impl fmt::Display for BaggageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "baggage member {}", self.member)?;
        if let Some(key) = self.key {
            write!(f, " with the key {key}")?;
        }
        f.write_str(match self.problem {
            BaggageProblem::NoValue => " has no value: accepted is key=value;property",
            BaggageProblem::BadKey => " has a bad key: accepted are letters, digits and !#$%&'*+-.^_`|~",
            BaggageProblem::BadValue => {
                " has a value that needs percent-encoding: accepted is visible ASCII without \" , ; \\"
            }
            BaggageProblem::BadProperty => " has a bad property: accepted are key and key=value",
            BaggageProblem::TooManyMembers => " is more than the limit of members allows",
            BaggageProblem::TooManyBytes => " is more than the limit of bytes allows",
        })
    }
}

impl std::error::Error for BaggageError {}
