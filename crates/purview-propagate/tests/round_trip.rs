//! Any values and any time, through two processes.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;
use purview::{Codec, Context, Key, ManualClock};
use purview_propagate::{Policy, extract, inject, inject_stored};
use purview_wire::{Format, MAX_TIMEOUT};

const TEXT: Codec<String> = Codec { encode: |text| Some(text.clone()), decode: |text| Ok(text.to_owned()) };

static A: Key<String> = Key::new("a").crossing(TEXT);
static B: Key<String> = Key::new("b").crossing(TEXT);

fn policy() -> Policy {
    Policy::trusted().allow(&A).unwrap().allow(&B).unwrap().max_value_bytes(8_192)
}

/// The coarsest unit that a format writes a time of this length in.
fn unit(format: Format, left: Duration) -> Duration {
    match format {
        Format::RequestTimeout | Format::PreferWait => Duration::from_secs(1),
        Format::GrpcTimeout => left / 99_999 + Duration::from_nanos(1),
        _ => Duration::from_millis(1),
    }
}

proptest! {
    #[test]
    fn values_come_back_as_they_were_and_time_within_its_rounding(
        a in ".{0,200}",
        b in proptest::option::of("\\PC{0,50}"),
        nanos in 1_u64..3_000_000_000_000_000,
        limit in 1_u64..3_000_000_000_000_000,
        which in 0_usize..6,
    ) {
        let format = Format::ALL[which];
        let policy = policy().send(format);
        let left = Duration::from_nanos(nanos);
        let (sender, _canceler) = Context::root(ManualClock::new()).with_timeout(left);
        let sender = sender.with_value(&A, a.clone());
        let sender = b.clone().map_or(sender.clone(), |b| sender.with_value(&B, b));
        let mut message = BTreeMap::<String, String>::new();
        inject(&sender, &mut message, &policy).unwrap();

        let (parent, _canceler) = Context::root(ManualClock::new()).with_timeout(Duration::from_nanos(limit));
        let got = extract(&message, &parent, &policy).unwrap();
        prop_assert_eq!(got.value(&A), Some(&a));
        prop_assert_eq!(got.value(&B), b.as_ref());
        let remaining = got.remaining().unwrap();
        let limit = Duration::from_nanos(limit);
        let longest = Format::encode(format, Duration::MAX).unwrap();
        let most = format.decode(longest.as_bytes()).unwrap().unwrap().min(MAX_TIMEOUT);
        prop_assert!(remaining <= limit, "never later than the parent's");
        prop_assert!(remaining >= left.min(limit).min(most), "{:?} of {:?}", remaining, left);
        prop_assert!(remaining <= left + unit(format, left), "{:?} of {:?}", remaining, left);
    }

    #[test]
    fn a_moment_is_never_early_and_late_by_two_milliseconds_at_most(
        nanos in 1_u64..3_000_000_000_000_000,
        now in 0_u64..4_000_000_000_000_000_000,
        lay in 0_u64..3_000_000_000_000_000,
    ) {
        let (left, lay) = (Duration::from_nanos(nanos), Duration::from_nanos(lay));
        let now = UNIX_EPOCH + Duration::from_nanos(now);
        let (sender, _canceler) = Context::root(ManualClock::new()).with_timeout(left);
        let mut message = BTreeMap::<String, String>::new();
        inject_stored(&sender, &mut message, &policy(), now).unwrap();
        let got = policy().read_stored(&message, now + lay).unwrap().timeout().unwrap();
        let wanted = left.saturating_sub(lay);
        prop_assert!(got >= wanted && got <= wanted + Duration::from_millis(2), "{:?}, not {:?}", got, wanted);
    }

    #[test]
    fn whatever_comes_does_no_harm(
        name in 0_usize..10,
        value in proptest::collection::vec(any::<u8>(), 0..300),
        more in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        const NAMES: [&str; 10] = [
            "x-request-timeout-ms", "grpc-timeout", "connect-timeout-ms", "x-envoy-expected-rq-timeout-ms",
            "request-timeout", "prefer", "baggage", "traceparent", "tracestate", "x-request-expires-at-ms",
        ];
        let message = BTreeMap::from([(NAMES[name].to_owned(), value), (NAMES[name].to_uppercase(), more)]);
        for malformed in [purview_propagate::Malformed::Ignore, purview_propagate::Malformed::Lenient] {
            let policy = policy().malformed(malformed);
            let arrived = policy.read_stored(&message, UNIX_EPOCH).unwrap();
            let ctx = arrived.build(&Context::root(ManualClock::new()));
            let mut goes = BTreeMap::<String, String>::new();
            if inject(&ctx, &mut goes, &policy).is_ok() {
                prop_assert!(goes.values().all(|text| text.bytes().all(|byte| (b' '..=b'~').contains(&byte) || byte == b'\t')));
            }
        }
        let _ = policy().read_stored(&message, UNIX_EPOCH);
    }
}
