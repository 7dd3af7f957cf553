//! Time as a moment, for what lies in a queue: which one holds, and what the clocks do to it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use purview::{Context, ManualClock};
use purview_propagate::{Extract, Malformed, Policy, Refused, inject, inject_stored};

const MOMENT: &str = "x-request-expires-at-ms";
const LEFT: &str = "x-request-timeout-ms";

type Headers<'a> = &'a [(&'a str, &'a str)];

struct Pairs<'a>(Headers<'a>);

impl Extract for Pairs<'_> {
    fn values_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |(key, _)| *key == name).map(|(_, value)| value.as_bytes())
    }
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn at(unix_ms: u64) -> SystemTime {
    UNIX_EPOCH + millis(unix_ms)
}

#[test]
fn the_least_moment_holds_and_what_is_left_only_where_none_came() {
    let rows: [(Headers<'_>, Option<u64>); 7] = [
        (&[], None),
        (&[(LEFT, "70")], Some(70)),
        (&[(MOMENT, "1300")], Some(300)),
        (&[(MOMENT, "1300"), (LEFT, "70")], Some(300)),
        (&[(MOMENT, "1300"), (MOMENT, "1200"), (MOMENT, "1900")], Some(200)),
        (&[(MOMENT, "900")], Some(0)),
        (&[(MOMENT, "900"), (LEFT, "70")], Some(0)),
    ];
    for (headers, left) in rows {
        let arrived = Policy::trusted().read_stored(&Pairs(headers), at(1_000)).unwrap();
        assert_eq!(arrived.timeout(), left.map(millis), "{headers:?}");
    }
    let now = Policy::trusted().read(&Pairs(&[(MOMENT, "1300")])).unwrap();
    assert_eq!(now.timeout(), None, "only a message that was stored goes by a moment");
}

#[test]
fn a_moment_is_within_the_rules_of_the_policy_as_any_time_is() {
    let far = [(MOMENT, "9007199254740991")];
    let policy = Policy::untrusted().cap(millis(50));
    assert_eq!(policy.read_stored(&Pairs(&far), at(0)).unwrap().timeout(), Some(millis(50)));
    let policy = Policy::untrusted().skew(millis(25));
    for (now, left) in [(1_000, 325), (1_320, 5), (1_325, 0)] {
        let arrived = policy.read_stored(&Pairs(&[(MOMENT, "1300")]), at(now)).unwrap();
        assert_eq!(arrived.timeout(), Some(millis(left)), "at {now}");
    }
    let policy = Policy::untrusted().skew(Duration::MAX);
    let ctx = policy.read_stored(&Pairs(&far), at(0)).unwrap().build(&Context::root(ManualClock::new()));
    assert!(!ctx.is_done(), "more than can be counted");
    let policy = Policy::untrusted().min_budget(millis(5));
    let refused = policy.read_stored(&Pairs(&[(MOMENT, "1004")]), at(1_000)).unwrap_err();
    assert!(matches!(refused, Refused::TooLittleTime { .. }), "{refused}");
    let before_1970 = UNIX_EPOCH - millis(1_000);
    let policy = Policy::untrusted().cap(millis(70));
    let arrived = policy.read_stored(&Pairs(&[(MOMENT, "50")]), before_1970).unwrap();
    assert_eq!(arrived.timeout(), Some(millis(50)), "a clock before 1970 is one at 1970");
}

#[test]
fn a_moment_that_cannot_be_read_is_refused_or_as_if_it_had_not_come() {
    for bad in ["", "soon", "-1", "1.5", "10000000000000000", "1\r\n2"] {
        let headers = [(MOMENT, bad), (LEFT, "70")];
        let policy = Policy::untrusted();
        let refused = policy.read_stored(&Pairs(&headers), at(0)).expect_err(bad);
        assert!(matches!(refused, Refused::Expiry(_)), "{refused}");
        assert_eq!((policy.counts().malformed, policy.counts().refused), (1, 1));
        for malformed in [Malformed::Ignore, Malformed::Lenient] {
            let policy = Policy::untrusted().malformed(malformed);
            let arrived = policy.read_stored(&Pairs(&headers), at(0)).unwrap();
            assert_eq!((arrived.timeout(), policy.counts().malformed), (Some(millis(70)), 1), "{bad:?}");
        }
    }
}

#[test]
fn a_moment_goes_out_with_the_time_that_is_left_or_not_at_all() {
    type Message = std::collections::BTreeMap<String, String>;
    let root = Context::root(ManualClock::new());
    let (ctx, _canceler) = root.with_timeout(millis(300));
    let stale = || Message::from([(MOMENT.to_owned(), "1".to_owned()), (LEFT.to_owned(), "1".to_owned())]);
    let write = |ctx, policy: &Policy| {
        let mut message = stale();
        inject_stored(ctx, &mut message, policy, at(1_000)).unwrap();
        message.into_values().collect::<Vec<_>>()
    };
    assert_eq!(write(&ctx, &Policy::trusted()), ["1300", "300"]);
    assert!(write(&root, &Policy::trusted()).is_empty(), "no deadline, and nothing stale");
    assert_eq!(write(&ctx, &Policy::trusted().send(None)), ["1"], "the other header is not this policy's");
    assert!(write(&ctx, &Policy::untrusted().deadline_everywhere(false)).is_empty());
    let off = Policy::trusted();
    off.switch().set_outbound(false);
    assert!(write(&ctx, &off).is_empty());

    let mut message = Message::new();
    inject(&ctx, &mut message, &Policy::untrusted().deadline_everywhere(false)).unwrap();
    assert!(message.is_empty());
    let (done, canceler) = ctx.with_cancel();
    canceler.cancel();
    let mut message = stale();
    assert!(inject_stored(&done, &mut message, &Policy::trusted(), at(0)).is_err());
    assert!(message.is_empty(), "nothing stale goes with a context that is done: {message:?}");
}
