//! The time that comes in: who may ask for what, and what is done about what cannot be read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use purview::{Context, ManualClock, Reason};
use purview_propagate::{Event, Malformed, Policy, Refused, Switch, extract};
use purview_wire::Format;

/// Headers as they came: a name may come more than once.
struct Headers<'a>(&'a [(&'a str, &'a str)]);

impl purview_propagate::Extract for Headers<'_> {
    fn values_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |(key, _)| *key == name).map(|(_, value)| value.as_bytes())
    }
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// What a request with `headers` gets.
fn timeout(policy: &Policy, headers: &[(&str, &str)]) -> Option<Duration> {
    policy.read(&Headers(headers)).unwrap().timeout()
}

#[test]
fn of_the_cap_the_default_and_what_is_asked_for_the_least_holds() {
    let plain = Policy::untrusted();
    let capped = plain.clone().cap(millis(2_000));
    let with_default = plain.clone().default_timeout(millis(10_000));
    let both = capped.clone().default_timeout(millis(500));
    let default_above_cap = capped.clone().default_timeout(millis(10_000));
    let table = [
        (&plain, None, None),
        (&plain, Some("300m"), Some(300)),
        (&plain, Some("99999999H"), Some(359_999_996_400_000)),
        (&capped, None, Some(2_000)),
        (&capped, Some("300m"), Some(300)),
        (&capped, Some("2S"), Some(2_000)),
        (&capped, Some("1H"), Some(2_000)),
        (&with_default, None, Some(10_000)),
        (&with_default, Some("1H"), Some(3_600_000)),
        (&both, None, Some(500)),
        (&both, Some("1S"), Some(1_000)),
        (&both, Some("1H"), Some(2_000)),
        (&default_above_cap, None, Some(2_000)),
    ];
    for (policy, asked, wanted) in table {
        let header = asked.map(|text| ("grpc-timeout", text));
        let got = timeout(policy, header.as_slice());
        assert_eq!(got, wanted.map(millis), "asked for {asked:?} under {policy:?}");
    }
}

#[test]
fn the_parents_deadline_holds_where_it_is_earlier() {
    let clock = ManualClock::new();
    let (parent, _canceler) = Context::root(&clock).with_timeout(millis(100));
    for (asked, wanted) in [("1S", 100), ("50m", 50)] {
        let ctx = extract(&Headers(&[("grpc-timeout", asked)]), &parent, &Policy::trusted()).unwrap();
        assert_eq!(ctx.remaining(), Some(millis(wanted)), "{asked}");
    }
}

#[test]
fn a_context_counts_from_its_begin_by_the_clock_of_its_parent() {
    let clock = ManualClock::new();
    let root = Context::root(&clock);
    let arrived = Policy::untrusted().read(&Headers(&[("grpc-timeout", "200m")])).unwrap();
    clock.advance(millis(1_000));
    let (ctx, _canceler) = arrived.begin(&root);
    clock.advance(Duration::from_nanos(199_999_999));
    assert!(ctx.check_exact().is_ok());
    clock.advance(Duration::from_nanos(1));
    assert_eq!(ctx.err(), Some(Reason::DeadlineExceeded));
}

#[test]
fn a_time_of_zero_is_over_at_once_and_one_beyond_all_counting_is_none_to_worry_about() {
    let root = Context::root(ManualClock::new());
    for name in ["grpc-timeout", "connect-timeout-ms", "request-timeout", "x-request-timeout-ms"] {
        let text = if name == "grpc-timeout" { "0n" } else { "0" };
        let ctx = extract(&Headers(&[(name, text)]), &root, &Policy::untrusted()).unwrap();
        assert_eq!(ctx.err(), Some(Reason::DeadlineExceeded), "{name}");
    }
    let ctx = extract(&Headers(&[("grpc-timeout", "99999999H")]), &root, &Policy::untrusted()).unwrap();
    assert!(!ctx.is_done() && ctx.deadline().is_some());
}

#[test]
fn of_several_headers_and_values_the_least_counts() {
    let policy = Policy::untrusted();
    let table: &[(&[(&str, &str)], u64)] = &[
        (&[("grpc-timeout", "5S"), ("grpc-timeout", "200m")], 200),
        (&[("grpc-timeout", "200m"), ("grpc-timeout", "5S")], 200),
        (&[("grpc-timeout", "5S"), ("connect-timeout-ms", "300")], 300),
        (&[("x-request-timeout-ms", "100"), ("request-timeout", "1"), ("prefer", "wait=2")], 100),
        (&[("prefer", "respond-async, wait=2"), ("request-timeout", "3")], 2_000),
        (&[("prefer", "respond-async"), ("request-timeout", "3")], 3_000),
    ];
    for (headers, wanted) in table {
        assert_eq!(timeout(&policy, headers), Some(millis(*wanted)), "{headers:?}");
    }
}

#[test]
fn envoys_header_is_read_from_those_who_are_trusted_only() {
    let headers = [("x-envoy-expected-rq-timeout-ms", "150")];
    assert_eq!(timeout(&Policy::untrusted(), &headers), None);
    assert_eq!(timeout(&Policy::trusted(), &headers), Some(millis(150)));
}

#[test]
fn only_the_formats_of_the_list_are_read() {
    let headers = [("grpc-timeout", "1S"), ("x-budget", "2000"), ("x-request-timeout-ms", "10")];
    let policy = Policy::untrusted().timeout_header("x-budget").unwrap();
    assert_eq!(timeout(&policy.clone().read_formats([Format::Millis]), &headers), Some(millis(2_000)));
    assert_eq!(timeout(&policy.clone().read_formats([Format::GrpcTimeout]), &headers), Some(millis(1_000)));
    assert_eq!(timeout(&policy.read_formats([]), &headers), None);
}

/// What cannot be read strictly, and what it is if read leniently.
const MALFORMED: &[(&str, &str, Option<Duration>)] = &[
    ("grpc-timeout", "", None),
    ("grpc-timeout", "S", None),
    ("grpc-timeout", "5", None),
    ("grpc-timeout", "-5m", None),
    ("grpc-timeout", "+5m", None),
    ("grpc-timeout", "100X", None),
    ("grpc-timeout", "1e2m", None),
    ("grpc-timeout", "200.7m", Some(Duration::from_micros(200_700))),
    ("grpc-timeout", " 100m", Some(millis(100))),
    ("grpc-timeout", "123456789m", Some(millis(123_456_789))),
    ("connect-timeout-ms", "200.7", Some(Duration::from_micros(200_700))),
    ("connect-timeout-ms", "-1", None),
    ("x-request-timeout-ms", "soon", None),
    ("request-timeout", "1 2", None),
    ("grpc-timeout", "\u{0}\u{7f}", None),
];

#[test]
fn what_cannot_be_read_is_refused_ignored_or_read_leniently_as_the_policy_says() {
    for (name, value, lenient) in MALFORMED {
        let headers = Headers(&[(name, value)]);
        let policy = Policy::untrusted().default_timeout(millis(7));
        let refused = policy.read(&headers).expect_err(value);
        assert!(matches!(&refused, Refused::Timeout(error) if refused.to_string() == error.to_string()));
        assert_eq!((policy.counts().malformed, policy.counts().refused), (1, 1), "{name}: {value:?}");

        let policy = Policy::untrusted().default_timeout(millis(7)).malformed(Malformed::Ignore);
        assert_eq!(policy.read(&headers).unwrap().timeout(), Some(millis(7)), "{name}: {value:?}");
        assert_eq!((policy.counts().malformed, policy.counts().refused), (1, 0));

        let policy = Policy::untrusted().default_timeout(millis(7)).malformed(Malformed::Lenient);
        let wanted = lenient.or(Some(millis(7)));
        assert_eq!(policy.read(&headers).unwrap().timeout(), wanted, "{name}: {value:?}");
        assert_eq!(policy.counts().malformed, u64::from(lenient.is_none()), "{name}: {value:?}");
    }
}

#[test]
fn one_bad_value_spoils_the_good_ones_only_where_it_is_refused() {
    let headers = [("grpc-timeout", "200m"), ("grpc-timeout", "soon"), ("connect-timeout-ms", "100")];
    assert!(Policy::untrusted().read(&Headers(&headers)).is_err());
    let ignoring = Policy::untrusted().malformed(Malformed::Ignore);
    assert_eq!(timeout(&ignoring, &headers), Some(millis(100)));
}

/// RFC 7240, section 2: preferences that are unknown or cannot be honored are ignored, and no error.
#[test]
fn a_preference_that_cannot_be_read_is_counted_and_never_refused() {
    let long = "odata.include-annotations=\"".to_owned() + &"x".repeat(2_000) + "\"";
    for value in ["wait=x", "wait", "wait=-1", "wait=1.5", &long] {
        let policy = Policy::untrusted().default_timeout(millis(7));
        assert_eq!(timeout(&policy, &[("prefer", value)]), Some(millis(7)), "{value:?}");
        assert_eq!((policy.counts().malformed, policy.counts().refused), (1, 0), "{value:?}");
        assert!(policy.read(&Headers(&[("prefer", value), ("grpc-timeout", "soon")])).is_err());
    }
}

#[test]
fn a_hostile_value_of_a_megabyte_is_refused_and_not_shown_whole() {
    let huge = "9".repeat(1 << 20);
    for name in ["grpc-timeout", "x-request-timeout-ms"] {
        let refused = Policy::untrusted().read(&Headers(&[(name, &huge)])).expect_err(name);
        assert!(refused.to_string().len() < 250, "{name}: {}", refused.to_string().len());
    }
}

#[test]
fn too_little_time_is_refused_before_any_work_and_a_floor_gives_more_instead() {
    let strict = Policy::untrusted().min_budget(millis(5));
    for (asked, passes) in [("0n", false), ("4999u", false), ("5m", true), ("1H", true)] {
        assert_eq!(strict.read(&Headers(&[("grpc-timeout", asked)])).is_ok(), passes, "{asked}");
    }
    assert_eq!((strict.counts().refused, strict.counts().malformed), (2, 0));
    assert!(strict.read(&Headers(&[])).is_ok(), "who asks for nothing asks for enough");

    let kind = Policy::untrusted().floor(millis(50)).cap(millis(200));
    for (asked, wanted) in [("1n", 50), ("50m", 50), ("60m", 60), ("1S", 200)] {
        assert_eq!(timeout(&kind, &[("grpc-timeout", asked)]), Some(millis(wanted)), "{asked}");
    }
    assert_eq!(kind.counts().clamped, 2);
    let floor_above_cap = Policy::untrusted().floor(millis(50)).cap(millis(20));
    assert_eq!(timeout(&floor_above_cap, &[("grpc-timeout", "1n")]), Some(millis(20)), "the cap holds");
    let both = Policy::untrusted().min_budget(millis(5)).floor(millis(50));
    assert!(both.read(&Headers(&[("grpc-timeout", "1m")])).is_err(), "the least is of what was asked for");
}

#[test]
fn a_switch_that_is_off_leaves_cap_and_default_and_obeys_nobody() {
    let switch = Switch::new();
    let policy = Policy::trusted().cap(millis(2_000)).min_budget(millis(5)).switched_by(&switch);
    let other = Policy::untrusted().switched_by(&switch);
    switch.set_inbound(false);
    for headers in [&[("grpc-timeout", "100m")], &[("grpc-timeout", "1n")], &[("grpc-timeout", "soon")]] {
        assert_eq!(timeout(&policy, headers), Some(millis(2_000)));
        assert_eq!(timeout(&other, headers), None);
    }
    switch.set_inbound(true);
    assert_eq!(timeout(&policy, &[("grpc-timeout", "100m")]), Some(millis(100)));
}

#[test]
fn an_observer_is_told_what_was_changed_and_counts_are_shared_by_clones() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&log);
    let policy = Policy::untrusted()
        .malformed(Malformed::Ignore)
        .min_budget(millis(1))
        .cap(millis(100))
        .floor(millis(10))
        .observer(move |event: &Event<'_>| seen.lock().unwrap().push(format!("{event:?}")));
    let clone = policy.clone();
    for asked in ["1S", "2m", "1n", "later", "50m"] {
        let _ = clone.read(&Headers(&[("grpc-timeout", asked)]));
    }
    let log = log.lock().unwrap();
    assert_eq!(log.len(), 4, "{log:#?}");
    assert_eq!(log[0], "Capped { asked: 1s, granted: 100ms }");
    assert_eq!(log[1], "Raised { asked: 2ms, granted: 10ms }");
    assert_eq!(log[2], "TooLittleTime { asked: 1ns, least: 1ms }");
    assert!(log[3].starts_with("MalformedTimeout"), "{}", log[3]);
    let counts = policy.counts();
    assert_eq!((counts.clamped, counts.refused, counts.malformed, counts.dropped), (2, 1, 1, 0));
}

#[test]
fn the_name_of_a_header_does_not_care_for_case_in_maps() {
    let map = HashMap::from([("X-Request-Timeout-Ms".to_owned(), "5".to_owned())]);
    assert_eq!(Policy::untrusted().read(&map).unwrap().timeout(), Some(millis(5)));
}

#[test]
fn a_header_that_belongs_to_somebody_else_cannot_be_configured() {
    for name in
        ["host", "content-length", "baggage", "grpc-timeout", "x-envoy-budget", "connect-x", "purview-x"]
    {
        let error = Policy::untrusted().timeout_header(name).expect_err(name);
        assert!(error.to_string().contains("belongs to a protocol"), "{error}");
    }
    for name in ["", "X-Up", "a b", "a:b", "a\r\nb", "\u{e4}", ":path"] {
        let error = Policy::untrusted().timeout_header(name).expect_err(name);
        assert!(error.to_string().contains("is no name"), "{error}");
    }
}
