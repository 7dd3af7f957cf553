//! Members of a header in order, as one text.

use std::borrow::Cow;

/// Members without commas in them, joined by commas: one allocation however many there are.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct List {
    text: String,
    len: usize,
}

impl List {
    pub(crate) const fn new() -> Self {
        Self { text: String::new(), len: 0 }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// How many bytes the text would have with a member of `more` bytes.
    pub(crate) fn bytes_with(&self, more: usize) -> usize {
        self.text.len() + usize::from(self.len > 0) + more
    }

    pub(crate) fn reserve(&mut self, more: usize) {
        self.text.reserve(more);
    }

    /// Has `write` append a member.
    pub(crate) fn push_with(&mut self, write: impl FnOnce(&mut String)) {
        if self.len > 0 {
            self.text.push(',');
        }
        self.len += 1;
        write(&mut self.text);
    }

    pub(crate) fn push(&mut self, member: &str) {
        self.push_with(|text| text.push_str(member));
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &str> + Clone {
        // An empty text is no member, not one empty member.
        self.text.split(',').filter(|member| !member.is_empty())
    }

    /// Puts a member in front.
    pub(crate) fn insert_first(&mut self, member: &str) {
        let mut list = Self::new();
        list.reserve(self.bytes_with(member.len()));
        list.push(member);
        self.iter().for_each(|member| list.push(member));
        *self = list;
    }

    /// Those for which `keep` says so, in order.
    pub(crate) fn filtered(&self, mut keep: impl FnMut(&str) -> bool) -> Self {
        let mut kept = Self::new();
        kept.reserve(self.text.len());
        self.iter().filter(|member| keep(member)).for_each(|member| kept.push(member));
        kept
    }
}

/// A header's value, and how many members had to be left out of it.
///
/// ```
/// use purview_wire::{Baggage, BaggageLimits};
///
/// let mut baggage = Baggage::new();
/// baggage.push("a", "1")?;
/// baggage.push("b", "2")?;
/// let limits = BaggageLimits { members: 1, ..BaggageLimits::SEND };
/// let encoded = baggage.encode(limits);
/// assert_eq!((&*encoded.text, encoded.dropped), ("a=1", 1));
/// # Ok::<(), purview_wire::BaggageError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded<'a> {
    /// The value; empty when nothing is to be sent. Borrowed when nothing was left out.
    pub text: Cow<'a, str>,
    /// How many members were left out.
    pub dropped: usize,
}
