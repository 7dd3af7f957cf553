//! Values, as members of W3C baggage.

use crate::carrier::{Extract, Inject};
use crate::crossing::{self, AllowedKey, Put};
use crate::event::{Dropped, Event};
use crate::policy::{Malformed, Rules};
use crate::refused::Refused;
use purview::{Context, Key};
use purview_wire::{BAGGAGE_HEADER, Baggage, BaggageProblem};

/// What came from a trusted peer and is nobody's here: it is passed on as it is.
static PASSED: Key<Baggage> = Key::new("baggage");

/// # Inbound
impl Rules {
    fn reads_baggage(&self) -> bool {
        self.unknown_baggage || self.keys.iter().any(|key| key.inbound)
    }

    /// Reads the values of allowed keys, and what is to be passed on.
    pub(crate) fn read_baggage(
        &self,
        carrier: &impl Extract,
        values: &mut Vec<Box<dyn Put>>,
    ) -> Result<(), Refused> {
        if !self.reads_baggage() {
            return Ok(());
        }
        let mut baggage = self.parse(carrier)?;
        if baggage.is_empty() {
            return Ok(());
        }
        let ours = |name: &str| self.keys.iter().any(|key| key.inbound && key.name == name);
        for key in self.keys.iter().filter(|key| key.inbound) {
            if let Some(member) = baggage.get(key.name) {
                values.extend(self.decode_value(key, &member.value())?);
            }
        }
        baggage.retain(|member| !ours(member.key()));
        if self.unknown_baggage && !baggage.is_empty() {
            values.push(crossing::value(&PASSED, baggage));
        } else if !baggage.is_empty() {
            self.tell(&Event::Dropped(Dropped::NotAllowed, baggage.len()));
        }
        Ok(())
    }

    /// All headers together. What is beyond the limits is dropped, not refused: the specification lets everybody do so.
    fn parse(&self, carrier: &impl Extract) -> Result<Baggage, Refused> {
        let headers = || carrier.values_of(BAGGAGE_HEADER);
        match Baggage::parse(headers(), self.read_limits) {
            Ok(baggage) => return Ok(baggage),
            Err(error) => match error.problem() {
                BaggageProblem::TooManyMembers | BaggageProblem::TooManyBytes => {}
                _ if self.malformed == Malformed::Reject => {
                    self.tell(&Event::MalformedBaggage(1));
                    return Err(Refused::Baggage(error));
                }
                _ => {}
            },
        }
        let (baggage, dropped) = Baggage::parse_lossy(headers(), self.read_limits);
        if dropped.malformed > 0 {
            self.tell(&Event::MalformedBaggage(dropped.malformed));
        }
        if dropped.over_limits > 0 {
            self.tell(&Event::Dropped(Dropped::TooLarge, dropped.over_limits));
        }
        Ok(baggage)
    }

    fn decode_value(&self, key: &AllowedKey, text: &str) -> Result<Option<Box<dyn Put>>, Refused> {
        if text.len() > self.max_value_bytes {
            self.tell(&Event::Dropped(Dropped::TooLarge, 1));
            return Ok(None);
        }
        match key.key.decode(text) {
            Ok(value) => Ok(Some(value)),
            Err(error) => {
                self.tell(&Event::MalformedValue(key.name));
                match self.malformed {
                    Malformed::Reject => Err(Refused::Value { key: key.name, error }),
                    Malformed::Ignore | Malformed::Lenient => Ok(None),
                }
            }
        }
    }
}

/// # Outbound
impl Rules {
    pub(crate) fn writes_baggage(&self) -> bool {
        self.unknown_baggage || self.keys.iter().any(|key| key.outbound)
    }

    /// The keys whose values in `ctx` go out.
    fn outbound<'a>(&'a self, ctx: &'a Context) -> impl Iterator<Item = &'a AllowedKey> {
        self.keys.iter().filter(|key| key.outbound && key.key.is_in(ctx))
    }

    fn passed<'a>(&self, ctx: &'a Context) -> Option<&'a Baggage> {
        if self.unknown_baggage { ctx.value(&PASSED) } else { None }
    }

    /// First our own values, then what is passed on; of one name ours alone.
    pub(crate) fn write_baggage<C: Inject + ?Sized>(&self, ctx: &Context, carrier: &mut C) {
        let mut own = Baggage::new();
        for key in self.outbound(ctx) {
            let Some(text) = key.key.encode(ctx) else { continue };
            // The name was found to be right when the key was allowed.
            if text.len() > self.max_value_bytes || own.push(key.name, &text).is_err() {
                self.tell(&Event::Dropped(Dropped::TooLarge, 1));
            }
        }
        let passed = self.passed(ctx);
        if self.outbound(ctx).next().is_none() {
            if let Some(passed) = passed {
                self.set_baggage(carrier, passed);
            }
            return;
        }
        let foreign = passed.into_iter().flat_map(Baggage::iter);
        for member in foreign.filter(|member| self.outbound(ctx).all(|key| key.name != member.key())) {
            own.push_member(member);
        }
        self.set_baggage(carrier, &own);
    }

    fn set_baggage<C: Inject + ?Sized>(&self, carrier: &mut C, baggage: &Baggage) {
        let encoded = baggage.encode(self.send_limits);
        if encoded.dropped > 0 {
            self.tell(&Event::Dropped(Dropped::TooLarge, encoded.dropped));
        }
        if !encoded.text.is_empty() {
            self.set(carrier, BAGGAGE_HEADER, &encoded.text);
        }
    }

    /// Tells how much of `ctx` a destination does not get.
    pub(crate) fn withhold(&self, ctx: &Context) {
        let baggage = self.outbound(ctx).count() + self.passed(ctx).map_or(0, Baggage::len);
        let members = baggage + usize::from(self.has_trace(ctx));
        if members > 0 {
            self.tell(&Event::Dropped(Dropped::Destination, members));
        }
    }
}
