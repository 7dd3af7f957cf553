//! W3C Baggage.

mod error;
mod grammar;
mod member;

pub use self::error::{BaggageError, BaggageProblem};
pub use self::member::Member;

use crate::list::{Encoded, List};
use crate::percent;
use std::borrow::Cow;
use std::fmt;

/// The name of the header.
///
/// ```
/// assert_eq!(purview_wire::BAGGAGE_HEADER, "baggage");
/// ```
pub const BAGGAGE_HEADER: &str = "baggage";

/// How much baggage is read or sent, over all headers together.
///
/// ```
/// use purview_wire::BaggageLimits;
///
/// let small = BaggageLimits { bytes: 1_024, ..BaggageLimits::SEND };
/// assert_eq!(small.members, 64);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BaggageLimits {
    /// At most so many members.
    pub members: usize,
    /// At most so many bytes: the members without white space around them, and a comma between two.
    pub bytes: usize,
}

impl BaggageLimits {
    /// What the grammar allows, in the size that everybody has to pass on: 180 members, 8,192 bytes.
    ///
    /// ```
    /// assert_eq!(purview_wire::BaggageLimits::READ.members, 180);
    /// ```
    pub const READ: Self = Self { members: 180, bytes: 8_192 };

    /// What the specification has everybody pass on: 64 members, 8,192 bytes. What is within these gets lost nowhere.
    ///
    /// ```
    /// assert_eq!(purview_wire::BaggageLimits::SEND.bytes, 8_192);
    /// ```
    pub const SEND: Self = Self { members: 64, bytes: 8_192 };
}

/// How many members [`Baggage::parse_lossy`] left out.
///
/// ```
/// use purview_wire::{Baggage, BaggageLimits};
///
/// let (baggage, dropped) = Baggage::parse_lossy([b"a=1,what is this?".as_slice()], BaggageLimits::READ);
/// assert_eq!((baggage.len(), dropped.malformed, dropped.over_limits), (1, 1, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BaggageDropped {
    /// Members that were not to the grammar.
    pub malformed: usize,
    /// Members for which there was no more room.
    pub over_limits: usize,
}

/// Members of [W3C Baggage](https://www.w3.org/TR/baggage/) in order: keys, values and properties.
///
/// What was read is kept byte for byte (without the white space around a member, and with a space for each tab inside of one, which
/// HTTP takes for the same and gRPC does not take at all), so that it can be passed on unharmed by who does not know it. Keys are case-sensitive and never decoded. Duplicates stay, in order. It is one allocation.
///
/// `Debug` shows keys, never values.
///
/// ```
/// use purview_wire::{Baggage, BaggageLimits};
///
/// let headers = [b"user=ada%20l, plan=pro;since=2024".as_slice(), b"region=eu"];
/// let mut baggage = Baggage::parse(headers, BaggageLimits::READ)?;
/// assert_eq!(baggage.get("user").unwrap().value(), "ada l");
/// baggage.push("tries", "1+1")?;
/// assert_eq!(
///     baggage.encode(BaggageLimits::SEND).text,
///     "user=ada%20l,plan=pro;since=2024,region=eu,tries=1%2B1"
/// );
/// # Ok::<(), purview_wire::BaggageError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Baggage {
    members: List,
}

impl Baggage {
    /// No baggage. Allocates nothing.
    ///
    /// ```
    /// assert!(purview_wire::Baggage::new().is_empty());
    /// ```
    pub const fn new() -> Self {
        Self { members: List::new() }
    }

    /// Reads all headers of the name together, to the letter. Empty members are skipped.
    ///
    /// Allocates at most twice `limits.bytes`, once a member was found to be right.
    ///
    /// # Errors
    ///
    /// The first member that is not to the grammar, or for which there is no more room.
    ///
    /// ```
    /// use purview_wire::{Baggage, BaggageLimits};
    ///
    /// let error = Baggage::parse([b"a=1,b=\"2\"".as_slice()], BaggageLimits::READ).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "baggage member 2 with the key \"b\" has a value that needs percent-encoding: accepted is visible ASCII \
    ///      without \" , ; \\"
    /// );
    /// ```
    pub fn parse<'a>(
        headers: impl IntoIterator<Item = &'a [u8]>,
        limits: BaggageLimits,
    ) -> Result<Self, BaggageError> {
        let mut baggage = Self::new();
        baggage.read(headers, limits, Err)?;
        Ok(baggage)
    }

    /// As [`parse`](Self::parse), leaving out whole members that are not to the grammar or for which there is no room, and
    /// counting them.
    ///
    /// ```
    /// use purview_wire::{Baggage, BaggageLimits};
    ///
    /// let limits = BaggageLimits { members: 2, bytes: 9 };
    /// let (baggage, dropped) = Baggage::parse_lossy([b"a=1,b=too-long,c,d=2,e=3".as_slice()], limits);
    /// assert_eq!(baggage.encode(limits).text, "a=1,d=2");
    /// assert_eq!((dropped.malformed, dropped.over_limits), (1, 2));
    /// ```
    pub fn parse_lossy<'a>(
        headers: impl IntoIterator<Item = &'a [u8]>,
        limits: BaggageLimits,
    ) -> (Self, BaggageDropped) {
        let mut baggage = Self::new();
        let mut dropped = BaggageDropped::default();
        let counted = baggage.read(headers, limits, |error| {
            match error.problem() {
                BaggageProblem::TooManyMembers | BaggageProblem::TooManyBytes => dropped.over_limits += 1,
                _ => dropped.malformed += 1,
            }
            Ok(())
        });
        debug_assert!(counted.is_ok(), "every error is counted");
        (baggage, dropped)
    }

    /// Appends what is right and has room; `refuse` decides about the rest.
    fn read<'a>(
        &mut self,
        headers: impl IntoIterator<Item = &'a [u8]>,
        limits: BaggageLimits,
        mut refuse: impl FnMut(BaggageError) -> Result<(), BaggageError>,
    ) -> Result<(), BaggageError> {
        let mut number = 0;
        for header in headers {
            let mut room = Some((header.len() + 1).min(limits.bytes.saturating_sub(self.text().len())));
            for text in header.split(|byte| *byte == b',') {
                let text = crate::text::trim(text);
                if text.is_empty() {
                    continue;
                }
                number += 1;
                let checked = self.room(text.len(), limits).and_then(|()| grammar::member(text));
                match checked {
                    Ok(member) => {
                        // Once a header, not once a member.
                        if let Some(bytes) = room.take() {
                            self.members.reserve(bytes);
                        }
                        // The grammar has tabs as white space only; metadata of gRPC must not have them.
                        if member.contains('\t') {
                            self.members.push(&member.replace('\t', " "));
                        } else {
                            self.members.push(member);
                        }
                    }
                    Err(problem) => refuse(BaggageError::new(problem, number, text))?,
                }
            }
        }
        Ok(())
    }

    /// Whether a member of `bytes` bytes still fits.
    fn room(&self, bytes: usize, limits: BaggageLimits) -> Result<(), BaggageProblem> {
        if self.len() >= limits.members {
            Err(BaggageProblem::TooManyMembers)
        } else if self.members.bytes_with(bytes) > limits.bytes {
            Err(BaggageProblem::TooManyBytes)
        } else {
            Ok(())
        }
    }

    /// Appends a member; the value is any text, and is percent-encoded. One with the same key stays in front of it.
    ///
    /// Encodes more than it has to: also `=` and `+`, which some readers misread.
    ///
    /// # Errors
    ///
    /// When the key is not a token (letters, digits and `` !#$%&'*+-.^_`|~ ``): nothing is appended.
    ///
    /// ```
    /// use purview_wire::{Baggage, BaggageLimits};
    ///
    /// let mut baggage = Baggage::new();
    /// baggage.push("discount", "100% of ü")?;
    /// assert_eq!(baggage.encode(BaggageLimits::SEND).text, "discount=100%25%20of%20%C3%BC");
    /// assert!(baggage.push("two words", "").is_err());
    /// # Ok::<(), purview_wire::BaggageError>(())
    /// ```
    pub fn push(&mut self, key: &str, value: &str) -> Result<(), BaggageError> {
        if !crate::text::is_token(key.as_bytes()) {
            return Err(BaggageError::new(BaggageProblem::BadKey, self.len() + 1, b""));
        }
        let plain = |byte| grammar::is_octet(byte) && !matches!(byte, b'%' | b'=' | b'+');
        self.members.reserve(2 + key.len() + percent::encoded_len(value, plain));
        self.members.push_with(|text| {
            text.push_str(key);
            text.push('=');
            percent::encode_into(text, value, plain);
        });
        Ok(())
    }

    /// Appends a member as it is, from this or other baggage.
    ///
    /// ```
    /// use purview_wire::{Baggage, BaggageLimits};
    ///
    /// let arrived = Baggage::parse([b"a = 1;p".as_slice()], BaggageLimits::READ)?;
    /// let mut sent = Baggage::new();
    /// arrived.iter().for_each(|member| sent.push_member(member));
    /// assert_eq!(sent, arrived);
    /// # Ok::<(), purview_wire::BaggageError>(())
    /// ```
    pub fn push_member(&mut self, member: Member<'_>) {
        self.members.push(member.as_str());
    }

    /// Removes the members for which `keep` gives false.
    ///
    /// ```
    /// use purview_wire::{Baggage, BaggageLimits};
    ///
    /// let mut baggage = Baggage::parse([b"a=1,secret=2,b=3".as_slice()], BaggageLimits::READ)?;
    /// baggage.retain(|member| member.key() != "secret");
    /// assert_eq!(baggage.encode(BaggageLimits::SEND).text, "a=1,b=3");
    /// # Ok::<(), purview_wire::BaggageError>(())
    /// ```
    pub fn retain(&mut self, mut keep: impl FnMut(Member<'_>) -> bool) {
        self.members = self.members.filtered(|member| keep(Member::new(member)));
    }

    /// The members in order.
    ///
    /// ```
    /// use purview_wire::{Baggage, BaggageLimits};
    ///
    /// let baggage = Baggage::parse([b"a=1,b=2,a=3".as_slice()], BaggageLimits::READ)?;
    /// assert!(baggage.iter().map(|member| member.key()).eq(["a", "b", "a"]));
    /// # Ok::<(), purview_wire::BaggageError>(())
    /// ```
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Member<'_>> + Clone {
        self.members.iter().map(Member::new)
    }

    /// The last member with that key; the last is what other implementations take.
    ///
    /// ```
    /// use purview_wire::{Baggage, BaggageLimits};
    ///
    /// let baggage = Baggage::parse([b"a=1,A=2,a=3".as_slice()], BaggageLimits::READ)?;
    /// assert_eq!(baggage.get("a").unwrap().value(), "3");
    /// # Ok::<(), purview_wire::BaggageError>(())
    /// ```
    pub fn get(&self, key: &str) -> Option<Member<'_>> {
        self.iter().rev().find(|member| member.key() == key)
    }

    /// How many members there are.
    ///
    /// ```
    /// assert_eq!(purview_wire::Baggage::new().len(), 0);
    /// ```
    pub const fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is no member.
    ///
    /// ```
    /// assert!(purview_wire::Baggage::new().is_empty());
    /// ```
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn text(&self) -> &str {
        self.members.text()
    }

    /// The value of one header, within `limits`: from the first member on, each that still fits; the others are left out
    /// whole, and counted.
    ///
    /// Allocates only when something is left out.
    ///
    /// ```
    /// use purview_wire::{Baggage, BaggageLimits};
    ///
    /// let baggage = Baggage::parse([b"a=1,b=longer,c=3".as_slice()], BaggageLimits::READ)?;
    /// let encoded = baggage.encode(BaggageLimits { members: 64, bytes: 8 });
    /// assert_eq!((&*encoded.text, encoded.dropped), ("a=1,c=3", 1));
    /// # Ok::<(), purview_wire::BaggageError>(())
    /// ```
    pub fn encode(&self, limits: BaggageLimits) -> Encoded<'_> {
        if self.len() <= limits.members && self.text().len() <= limits.bytes {
            return Encoded { text: Cow::Borrowed(self.text()), dropped: 0 };
        }
        let mut kept = Self::new();
        for member in self.iter() {
            if kept.room(member.as_str().len(), limits).is_ok() {
                kept.push_member(member);
            }
        }
        Encoded { dropped: self.len() - kept.len(), text: Cow::Owned(kept.members.into_text()) }
    }
}

impl fmt::Debug for Baggage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
