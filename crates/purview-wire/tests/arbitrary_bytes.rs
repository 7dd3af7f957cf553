//! Whatever arrives: nothing panics, nothing grows, and what was written is read back.

use proptest::prelude::*;
use purview_wire::{
    Baggage, BaggageLimits, ExpiresAt, Format, MAX_TIMEOUT, TraceParent, TraceState, decode_grpc_message,
    encode_grpc_message,
};
use std::time::Duration;

/// Bytes that are more often nearly right than not.
fn bytes(alphabet: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![9 => proptest::sample::select(alphabet), 1 => any::<u8>()];
    proptest::collection::vec(byte, 0..300)
}

fn format() -> impl Strategy<Value = Format> {
    proptest::sample::select(&Format::ALL[..])
}

/// Every order of magnitude as often as the next.
fn left() -> impl Strategy<Value = Duration> {
    (any::<u128>(), 0..94_u32).prop_map(|(bits, shift)| {
        let nanos = (bits >> 34) >> shift;
        let seconds = u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX);
        Duration::new(seconds, u32::try_from(nanos % 1_000_000_000).unwrap_or(0))
    })
}

/// The unit that `text` counts in.
fn unit(format: Format, text: &str) -> Duration {
    match format {
        Format::GrpcTimeout => match text.as_bytes().last() {
            Some(b'n') => Duration::from_nanos(1),
            Some(b'u') => Duration::from_micros(1),
            Some(b'm') => Duration::from_millis(1),
            _ => Duration::from_secs(1),
        },
        Format::RequestTimeout | Format::PreferWait => Duration::from_secs(1),
        _ => Duration::from_millis(1),
    }
}

/// `MAX_TIMEOUT` in whole units.
fn longest(unit: Duration) -> Duration {
    if unit == Duration::from_secs(1) { Duration::from_secs(MAX_TIMEOUT.as_secs()) } else { MAX_TIMEOUT }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn what_is_written_is_read_as_no_less_and_less_than_one_unit_more(format in format(), left in left()) {
        prop_assume!(!left.is_zero());
        let text = format.encode(left).unwrap();
        let read = format.decode(text.as_bytes()).unwrap().unwrap();
        let unit = unit(format, &text);
        let meant = left.min(longest(unit));
        prop_assert!(read >= meant, "{text} is less than {left:?}");
        prop_assert!(read < meant + unit, "{text} is more than {left:?}");
        prop_assert!(!read.is_zero() && read <= MAX_TIMEOUT);
        prop_assert_eq!(format.decode_lenient(text.as_bytes()), Ok(Some(read)));
    }

    #[test]
    fn a_shorter_time_is_never_written_as_a_longer_one(format in format(), one in left(), other in left()) {
        let read = |left| format.encode(left).and_then(|text| format.decode(text.as_bytes()).unwrap());
        // Seconds are clamped to whole ones: the order holds to within the clamp.
        prop_assert!(one > other || read(one) <= read(other));
    }

    #[test]
    fn timeouts_never_panic_and_what_is_strictly_right_is_leniently_the_same(
        format in format(),
        value in bytes(b"0123456789HMSmun.=, \twait\";"),
    ) {
        let lenient = format.decode_lenient(&value);
        match format.decode(&value) {
            Ok(read) => prop_assert_eq!(lenient, Ok(read)),
            Err(error) => prop_assert!(error.to_string().len() < 300),
        }
    }

    #[test]
    fn baggage_stays_within_its_limits_and_loses_nothing_uncounted(
        headers in proptest::collection::vec(bytes(b"abk=,;v%4 "), 0..4),
        members in 0..40_usize,
        size in 0..400_usize,
    ) {
        let limits = BaggageLimits { members, bytes: size };
        let parts = || headers.iter().map(Vec::as_slice);
        let (baggage, dropped) = Baggage::parse_lossy(parts(), limits);
        let encoded = baggage.encode(limits);
        prop_assert_eq!(encoded.dropped, 0);
        prop_assert!(baggage.len() <= members && encoded.text.len() <= size);
        let arrived = parts()
            .flat_map(|header| header.split(|byte| *byte == b','))
            .filter(|member| member.iter().any(|byte| !b" \t".contains(byte)))
            .count();
        prop_assert_eq!(baggage.len() + dropped.malformed + dropped.over_limits, arrived);
        match Baggage::parse(parts(), limits) {
            Ok(strict) => prop_assert_eq!(&strict, &baggage),
            Err(error) => prop_assert!(baggage.len() < arrived && error.to_string().len() < 300),
        }
        let again = Baggage::parse([encoded.text.as_bytes()], limits);
        prop_assert_eq!(again.as_ref(), Ok(&baggage), "what was read is read again");
        for member in baggage.iter() {
            prop_assert!(member.value().len() <= 3 * member.raw_value().len());
            prop_assert!(!member.key().is_empty());
        }
    }

    #[test]
    fn any_value_comes_back_from_baggage(values in proptest::collection::vec(any::<String>(), 0..5)) {
        let mut baggage = Baggage::new();
        for value in &values {
            baggage.push("key", value).unwrap();
        }
        let limits = BaggageLimits { bytes: usize::MAX, ..BaggageLimits::READ };
        let encoded = baggage.encode(limits);
        let read = Baggage::parse([encoded.text.as_bytes()], limits).unwrap();
        prop_assert!(read.iter().map(|member| member.value().into_owned()).eq(values));
    }

    #[test]
    fn traceparent_never_panics_and_comes_back(value in bytes(b"0123456789abcdef-f"), ids in any::<([u8; 16], [u8; 8], bool)>()) {
        if let Ok(parent) = TraceParent::parse(&value) {
            prop_assert_eq!(TraceParent::parse(parent.encode().as_bytes()), Ok(parent));
        }
        let (trace, span, sampled) = ids;
        if let Some(parent) = TraceParent::new(trace, span, sampled) {
            prop_assert_eq!(TraceParent::parse(parent.encode().as_bytes()), Ok(parent));
        }
    }

    #[test]
    fn tracestate_never_panics_comes_back_and_fits(
        headers in proptest::collection::vec(bytes(b"ab0=,=,v@ "), 0..3),
        size in 0..600_usize,
    ) {
        if let Ok(state) = TraceState::parse(headers.iter().map(Vec::as_slice)) {
            let all = state.encode(usize::MAX);
            let again = TraceState::parse([all.text.as_bytes()]);
            prop_assert_eq!(again.as_ref(), Ok(&state));
            let cut = state.encode(size);
            prop_assert!(cut.text.len() <= size);
            prop_assert_eq!(TraceState::parse([cut.text.as_bytes()]).unwrap().len() + cut.dropped, state.len());
        }
    }

    #[test]
    fn an_expiry_is_read_as_written_and_leaves_no_less_than_was_left(now in 0..(1_u64 << 53), left in left()) {
        let at = ExpiresAt::after(now, left);
        prop_assert_eq!(ExpiresAt::parse(at.encode().as_bytes()), Ok(at));
        let read = at.left(now, Duration::ZERO);
        prop_assert!(at == ExpiresAt::MAX || (read >= left && read < left + Duration::from_millis(1)));
    }

    #[test]
    fn an_expiry_never_panics(value in bytes(b"0123456789"), now in any::<u64>(), skew in left()) {
        match ExpiresAt::parse(&value) {
            Ok(at) => prop_assert!(at.left(now, skew) >= at.left(now, Duration::ZERO)),
            Err(error) => prop_assert!(error.to_string().len() < 300),
        }
    }

    #[test]
    fn any_text_comes_back_from_a_grpc_message(text in any::<String>(), value in bytes(b"%0Ff a")) {
        let encoded = encode_grpc_message(&text);
        prop_assert!(encoded.bytes().all(|byte| matches!(byte, b' '..=b'~')));
        prop_assert_eq!(decode_grpc_message(encoded.as_bytes()), text.as_str());
        prop_assert!(decode_grpc_message(&value).len() <= 3 * value.len());
    }
}
