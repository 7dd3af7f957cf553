//! Values, baggage and traces: what comes in, what goes out, and what never does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use purview::{Codec, Context, Key};
use purview_propagate::{
    Event, Extract, Inject, Malformed, Policy, Refused, Switch, TRACE, extract, inject, inject_to,
};
use purview_test::unwoken_root;
use purview_wire::Format;

const TEXT: Codec<String> = Codec { encode: |text| Some(text.clone()), decode: |text| Ok(text.to_owned()) };

static TENANT: Key<String> = Key::new("tenant").crossing(TEXT);
static USER: Key<String> = Key::new("user").crossing(TEXT);
static LIMIT: Key<u32> = Key::new("limit").crossing(Codec {
    encode: |limit| Some(limit.to_string()),
    decode: |text| text.parse().map_err(|_| format!("limit {text:?} is no number").into()),
});
static SECRET: Key<String> = Key::new("secret");
static SHY: Key<String> =
    Key::new("shy").crossing(Codec { encode: |_| None, decode: |text| Ok(text.to_owned()) });

type Message = HashMap<String, String>;

fn baggage(text: &str) -> Message {
    Message::from([("baggage".to_owned(), text.to_owned())])
}

fn background() -> Context {
    Context::background()
}

/// What is sent of `ctx` under `policy`.
fn sent(ctx: &Context, policy: &Policy) -> Message {
    let mut message = Message::new();
    inject(ctx, &mut message, policy).unwrap();
    message
}

#[test]
fn a_key_can_be_allowed_only_if_it_crosses_and_has_a_name_that_is_free() {
    static SPACE: Key<String> = Key::new("two words").crossing(TEXT);
    static EMPTY: Key<String> = Key::new("").crossing(TEXT);
    static CUT: Key<String> = Key::new("a=b,c\r\n").crossing(TEXT);
    static GRPC: Key<String> = Key::new("GRPC-status").crossing(TEXT);
    static OURS: Key<String> = Key::new("purview-x").crossing(TEXT);
    static OTHER_TENANT: Key<String> = Key::new("tenant").crossing(TEXT);
    let refusal = |key| Policy::trusted().allow(key).unwrap_err().to_string();
    assert!(refusal(&SECRET).contains("has no codec"));
    for key in [&SPACE, &EMPTY, &CUT] {
        assert!(refusal(key).contains("cannot be a key in baggage"), "{}", refusal(key));
    }
    for key in [&GRPC, &OURS] {
        assert!(refusal(key).contains("belongs to a protocol"), "{}", refusal(key));
    }
    let twice = Policy::trusted().allow_inbound(&TENANT).unwrap().allow_outbound(&OTHER_TENANT).unwrap_err();
    assert!(twice.to_string().contains("is allowed already"), "{twice}");
}

#[test]
fn only_allowed_keys_go_out_and_only_values_that_are_set_and_cross() {
    let policy = Policy::trusted().allow(&TENANT).unwrap().allow(&LIMIT).unwrap().allow(&SHY).unwrap();
    let ctx = background()
        .with_value(&TENANT, "acme".to_owned())
        .with_value(&USER, "ada".to_owned())
        .with_value(&SECRET, "s3cret".to_owned())
        .with_value(&SHY, "shy".to_owned());
    assert_eq!(sent(&ctx, &policy), baggage("tenant=acme"));
    assert_eq!(sent(&ctx.with_value(&LIMIT, 7), &policy), baggage("tenant=acme,limit=7"));
    assert!(sent(&background(), &policy).is_empty());
}

#[test]
fn the_default_of_a_key_is_not_sent_and_does_not_hide_what_passes() {
    static RETRIES: Key<u32> = Key::new("retries").with_default(&3).crossing(Codec {
        encode: |retries| Some(retries.to_string()),
        decode: |text| text.parse().map_err(|_| "no number".into()),
    });
    let policy = Policy::trusted().allow_outbound(&RETRIES).unwrap();
    assert!(sent(&background(), &policy).is_empty());
    let ctx = extract(&baggage("retries=9"), &background(), &policy).unwrap();
    assert_eq!((ctx.value(&RETRIES), sent(&ctx, &policy)), (Some(&3), baggage("retries=9")));
    assert_eq!(sent(&ctx.with_value(&RETRIES, 3), &policy), baggage("retries=3"), "set to the default");
    let nobody = policy.destinations(["example.com"]).unwrap();
    assert!(sent(&background(), &nobody).is_empty());
    assert_eq!(nobody.counts().dropped, 0, "nothing was withheld");
}

#[test]
fn the_untrusted_take_and_give_nothing_unless_a_key_is_allowed() {
    let came = baggage("tenant=acme,user=ada");
    let ctx = extract(&came, &background(), &Policy::untrusted()).unwrap();
    assert_eq!(ctx.value(&TENANT), None);
    assert!(sent(&ctx, &Policy::trusted()).is_empty(), "nothing was kept");

    let policy = Policy::untrusted().allow(&TENANT).unwrap();
    let ctx = extract(&came, &background(), &policy).unwrap();
    assert_eq!((ctx.value(&TENANT).map(String::as_str), ctx.value(&USER)), (Some("acme"), None));
    assert_eq!(policy.counts().dropped, 1, "the user");
    assert!(sent(&ctx, &policy).is_empty(), "no destination is allowed");
    assert_eq!(policy.counts().dropped, 2, "and the tenant that was not sent");
    assert_eq!(sent(&ctx, &policy.any_destination()), baggage("tenant=acme"));
}

#[test]
fn unknown_baggage_of_a_trusted_peer_passes_byte_for_byte() {
    let policy = Policy::trusted().allow(&TENANT).unwrap();
    for odd in ["a=1", "a=%zz;p;q = 2", "k = v ;p", "a=1,A=2,a=3", "x=a=b=c", "x=,y=%2C%20+%", "K%20=1"] {
        let ctx = extract(&baggage(odd), &background(), &policy).unwrap();
        assert_eq!(sent(&ctx, &policy), baggage(odd));
    }
    let ctx = extract(&baggage("a=1, tenant=acme ,b=2"), &background(), &policy).unwrap();
    assert_eq!(sent(&ctx, &policy), baggage("tenant=acme,a=1,b=2"));
    let ctx = ctx.with_value(&TENANT, "other".to_owned());
    assert_eq!(sent(&ctx, &policy), baggage("tenant=other,a=1,b=2"), "the nearest value");
    assert_eq!(policy.counts().dropped, 0);
}

#[test]
fn a_tab_in_unknown_baggage_goes_on_as_the_space_that_grpc_takes() {
    let policy = Policy::trusted();
    let ctx = extract(&baggage("\tk\t=\tv\t;\tp\t=\t1\t"), &background(), &policy).unwrap();
    assert_eq!(sent(&ctx, &policy), baggage("k = v ; p = 1"));
    assert_eq!(policy.counts().dropped, 0);
}

#[test]
fn of_one_name_our_own_value_goes_out_and_not_one_that_only_passes() {
    let policy = Policy::trusted().allow_outbound(&TENANT).unwrap();
    let ctx = extract(&baggage("tenant=theirs,a=1"), &background(), &policy).unwrap();
    assert_eq!(ctx.value(&TENANT), None, "it may not come in");
    assert_eq!(sent(&ctx, &policy), baggage("tenant=theirs,a=1"));
    let ctx = ctx.with_value(&TENANT, "ours".to_owned());
    assert_eq!(sent(&ctx, &policy), baggage("tenant=ours,a=1"));
}

#[test]
fn the_last_of_several_values_counts_and_keys_are_case_sensitive() {
    let policy = Policy::trusted().allow(&TENANT).unwrap();
    let ctx = extract(&baggage("tenant=a,Tenant=b,tenant=c"), &background(), &policy).unwrap();
    assert_eq!(ctx.value(&TENANT).unwrap(), "c");
    assert_eq!(sent(&ctx, &policy), baggage("tenant=c,Tenant=b"));
}

#[test]
fn whatever_a_value_holds_it_comes_back_and_no_header_can_be_made_with_it() {
    let policy = Policy::trusted().allow(&TENANT).unwrap();
    for nasty in [
        "",
        " ",
        "a b",
        "a=b;c,d",
        "100%",
        "%41",
        "+",
        "\r\nx-evil: 1",
        "\0\u{7f}",
        "\"\\",
        "\u{1f600}\u{e4}",
    ] {
        let ctx = background().with_value(&TENANT, nasty.to_owned());
        let message = sent(&ctx, &policy);
        assert!(message["baggage"].bytes().all(|byte| byte.is_ascii_graphic()), "{message:?}");
        let came = extract(&message, &background(), &policy).unwrap();
        assert_eq!(came.value(&TENANT).unwrap(), nasty);
    }
}

#[test]
fn what_is_not_baggage_or_no_value_of_its_key_is_refused_or_dropped_alone() {
    let table =
        [("limit=many,tenant=acme", true), ("two words=1,tenant=acme", false), ("x,tenant=acme", false)];
    for (text, is_value) in table {
        let policy = Policy::untrusted().allow(&TENANT).unwrap().allow(&LIMIT).unwrap();
        let refused = policy.read(&baggage(text)).expect_err(text);
        match &refused {
            Refused::Value { key, error } => {
                assert!(is_value && *key == "limit");
                assert!(error.to_string().contains("many"), "whoever asks the codec's error is told");
            }
            Refused::Baggage(_) => assert!(!is_value),
            _ => panic!("{refused}"),
        }
        let shown = format!("{refused} {refused:?} {:?}", std::error::Error::source(&refused));
        assert!(!shown.contains("many"), "no value is shown: {shown}");
        assert_eq!((policy.counts().malformed, policy.counts().refused), (1, 1));

        let policy = policy.malformed(Malformed::Ignore);
        let ctx = extract(&baggage(text), &background(), &policy).unwrap();
        assert_eq!((ctx.value(&TENANT).unwrap().as_str(), ctx.value(&LIMIT)), ("acme", None));
        assert_eq!(policy.counts().malformed, 2);
    }
}

#[test]
fn events_never_hold_a_value() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&log);
    let policy = Policy::trusted()
        .malformed(Malformed::Ignore)
        .max_value_bytes(10)
        .allow(&TENANT)
        .and_then(|policy| policy.allow(&LIMIT))
        .unwrap()
        .observer(move |event: &Event<'_>| seen.lock().unwrap().push(format!("{event:?}")));
    for text in ["limit=s3cret", "s3cret;;", "tenant=s3cret-s3cret-s3cret"] {
        let ctx = extract(&baggage(text), &background(), &policy).unwrap();
        let _ = inject_to(&ctx, &mut Message::new(), &policy, "s3cret@evil");
    }
    let log = log.lock().unwrap();
    assert_eq!(log.len(), 3, "{log:#?}");
    assert!(!log.concat().contains("s3cret"), "{log:#?}");
}

#[test]
fn what_is_too_large_is_dropped_by_whole_members_and_counted() {
    let policy = Policy::trusted().allow(&TENANT).unwrap().max_value_bytes(5);
    let ctx = extract(&baggage("tenant=123456,a=1"), &background(), &policy).unwrap();
    assert_eq!((ctx.value(&TENANT), policy.counts().dropped), (None, 1));
    let ctx = ctx.with_value(&TENANT, "123456".to_owned());
    assert!(!sent(&ctx, &policy)["baggage"].contains("tenant"));
    assert_eq!(policy.counts().dropped, 2);

    let many = (0..400).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join(",");
    let policy = Policy::trusted();
    let ctx = extract(&baggage(&many), &background(), &policy).unwrap();
    assert_eq!(policy.counts().dropped, 400 - 180, "the grammar ends at 180");
    assert_eq!(sent(&ctx, &policy)["baggage"].split(',').count(), 64);
    assert_eq!(policy.counts().dropped, 400 - 180 + 180 - 64);

    let huge = "a=1,b=".to_owned() + &"x".repeat(1 << 20);
    let ctx = extract(&baggage(&huge), &background(), &policy).unwrap();
    assert_eq!(sent(&ctx, &policy), baggage("a=1"));
}

#[test]
fn whoever_gets_no_values_gets_the_deadline_unless_the_policy_says_no() {
    let root = Context::root(purview::ManualClock::new());
    let ctx = root.derive().timeout(Duration::from_secs(2)).value(&TENANT, "acme".to_owned()).build();
    let policy = Policy::trusted().allow(&TENANT).unwrap().destinations(["ours.example"]).unwrap();
    for (policy, authority, names) in [
        (&policy, "ours.example", &["baggage", "x-request-timeout-ms"][..]),
        (&policy, "theirs.example", &["x-request-timeout-ms"]),
        (&policy.clone().deadline_everywhere(false), "ours.example", &["baggage", "x-request-timeout-ms"]),
        (&policy.clone().deadline_everywhere(false), "theirs.example", &[]),
        (&policy.clone().send(None), "ours.example", &["baggage"]),
    ] {
        let mut message = std::collections::BTreeMap::<String, String>::new();
        inject_to(&ctx, &mut message, policy, authority).unwrap();
        assert_eq!(message.keys().collect::<Vec<_>>(), names, "{authority} by {policy:?}");
    }
}

#[test]
fn a_value_of_the_most_bytes_crosses_both_ways_and_one_byte_more_does_not() {
    let policy = Policy::trusted().unknown_baggage(false).allow(&TENANT).unwrap();
    for (policy, most) in [(policy.clone(), 1_024), (policy.max_value_bytes(5), 5)] {
        for (bytes, crosses) in [(most, true), (most + 1, false)] {
            let value = " ".repeat(bytes); // three times as long in the header
            let ctx = background().with_value(&TENANT, value.clone());
            assert_eq!(sent(&ctx, &policy).contains_key("baggage"), crosses, "{bytes} bytes go out");
            let came = baggage(&format!("tenant={}", "%20".repeat(bytes)));
            let ctx = extract(&came, &background(), &policy).unwrap();
            assert_eq!(ctx.value(&TENANT), crosses.then_some(&value), "{bytes} bytes come in");
        }
    }
}

#[test]
fn stale_headers_go_first_whatever_then_happens() {
    let stale = || {
        let mut message = baggage("tenant=old");
        for name in ["x-request-timeout-ms", "traceparent", "tracestate", "Traceparent"] {
            message.insert(name.to_owned(), "old".to_owned());
        }
        message.insert("kept".to_owned(), "1".to_owned());
        message
    };
    let only_kept = Message::from([("kept".to_owned(), "1".to_owned())]);
    let switch = Switch::new();
    let policy = Policy::trusted().allow(&TENANT).unwrap().destinations(["ours.example"]).unwrap();
    let policy = policy.switched_by(&switch);
    let ctx = background().with_value(&TENANT, "new".to_owned());

    let mut message = stale();
    inject_to(&ctx, &mut message, &policy, "evil.example").unwrap();
    assert_eq!(message, only_kept, "a redirect to somebody else");
    let mut message = stale();
    inject_to(&ctx, &mut message, &policy, "ours.example").unwrap();
    assert_eq!((message.len(), message["baggage"].as_str()), (2, "tenant=new"));

    let (done, canceler) = ctx.with_timeout(Duration::from_secs(3_600));
    canceler.cancel_with("enough");
    let mut message = stale();
    let error = inject_to(&done, &mut message, &policy, "ours.example").unwrap_err();
    assert_eq!((error.cause().to_string().as_str(), message), ("enough", only_kept.clone()));

    switch.set_outbound(false);
    let mut message = stale();
    inject_to(&ctx, &mut message, &policy, "ours.example").unwrap();
    assert_eq!(message, only_kept);
}

#[test]
fn a_policy_leaves_headers_alone_that_it_never_writes() {
    let mut message = baggage("from=somebody");
    message.insert("traceparent".to_owned(), "theirs".to_owned());
    inject(&background(), &mut message, &Policy::untrusted()).unwrap();
    assert_eq!(message.len(), 2);
}

#[test]
fn a_request_that_is_passed_on_keeps_no_deadline_of_another_form() {
    let stale = [
        ("grpc-timeout", "1H"),
        ("connect-timeout-ms", "9"),
        ("x-envoy-expected-rq-timeout-ms", "9"),
        ("request-timeout", "9"),
        ("x-request-timeout-ms", "9"),
        ("x-request-expires-at-ms", "9"),
        ("prefer", "return=minimal, wait=9"),
    ];
    let passed_on = || Message::from(stale.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let (ctx, _canceler) = background().with_timeout(Duration::from_secs(2));
    for (format, name) in [(Format::Millis, "x-request-timeout-ms"), (Format::GrpcTimeout, "grpc-timeout")] {
        let mut message = passed_on();
        inject(&ctx, &mut message, &Policy::untrusted().send(format)).unwrap();
        assert_eq!(message.len(), 2, "{message:?}");
        assert!(message[name] != "9" && message[name] != "1H", "{message:?}");
        assert_eq!(message["prefer"], "return=minimal, wait=9", "it says other things too");
    }
    let mut message = passed_on();
    inject(&background(), &mut message, &Policy::untrusted()).unwrap();
    assert_eq!(message.len(), 1, "without a deadline there is none");
    let mut message = passed_on();
    inject(&ctx, &mut message, &Policy::untrusted().send(None)).unwrap();
    assert_eq!(message, passed_on(), "the deadline is somebody else's to send");
}

#[test]
fn a_deadline_that_has_passed_unnoticed_sends_nothing_and_not_a_request_without_limit() {
    let (root, clock) = unwoken_root();
    let (ctx, _canceler) = root.with_timeout(Duration::from_secs(1));
    assert!(!ctx.is_done(), "the first look asks the clock, and those after it do not");
    clock.pass(Duration::from_secs(1));
    let mut message = Message::new();
    let error = inject(&ctx, &mut message, &Policy::untrusted()).unwrap_err();
    assert!(error.is_deadline_exceeded() && message.is_empty());
}

#[test]
fn a_carrier_that_takes_nothing_is_counted() {
    struct Full;
    impl Inject for Full {
        fn set(&mut self, _name: &'static str, _value: &str) -> bool {
            false
        }
        fn remove(&mut self, _name: &'static str) {}
    }
    let policy = Policy::trusted().allow(&TENANT).unwrap();
    let (ctx, _canceler) =
        background().with_value(&TENANT, "acme".to_owned()).with_timeout(Duration::from_secs(60));
    inject(&ctx, &mut Full, &policy).unwrap();
    assert_eq!(policy.counts().dropped, 2);
}

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03";

#[test]
fn a_trace_passes_through_the_trusted_and_ends_at_the_untrusted() {
    let came = Message::from([
        ("traceparent".to_owned(), PARENT.to_owned()),
        ("tracestate".to_owned(), "a=1,b=2".to_owned()),
    ]);
    let arrived = Policy::trusted().read(&came).unwrap();
    assert_eq!(arrived.trace().unwrap().parent.to_string(), PARENT);
    let ctx = arrived.build(&background());
    assert_eq!(sent(&ctx, &Policy::trusted()), came);
    assert!(sent(&ctx, &Policy::untrusted()).is_empty());
    assert!(sent(&ctx, &Policy::trusted().traces(false)).is_empty());
    let ctx = extract(&came, &background(), &Policy::untrusted()).unwrap();
    assert!(ctx.value(&TRACE).is_none());
}

#[test]
fn a_trace_is_withheld_from_who_gets_no_values_and_its_state_cut_at_512_bytes() {
    let state = (0..30).map(|at| format!("k{at:02}={}", "v".repeat(20))).collect::<Vec<_>>().join(",");
    let came = Message::from([
        ("traceparent".to_owned(), PARENT.to_owned()),
        ("tracestate".to_owned(), state.clone()),
    ]);
    let ctx = extract(&came, &background(), &Policy::trusted()).unwrap();
    let policy = Policy::trusted();
    let goes = sent(&ctx, &policy);
    assert!(goes["tracestate"].len() <= 512 && state.starts_with(&goes["tracestate"]), "{goes:?}");
    let members = u64::try_from(goes["tracestate"].split(',').count()).unwrap();
    assert_eq!((members, policy.counts().dropped), (20, 10));

    let policy = Policy::trusted().destinations(["example.com"]).unwrap();
    assert!(sent(&ctx, &policy).is_empty());
    assert_eq!(policy.counts().dropped, 1, "the trace");
}

#[test]
fn a_trace_state_of_512_bytes_goes_whole_and_of_one_more_loses_a_member() {
    let member = |key: &str, bytes: usize| format!("{key}={}", "v".repeat(bytes - 2));
    for (bytes, members) in [([127, 127, 127, 128], 4), ([127, 127, 128, 128], 3)] {
        let keys = ["a", "b", "c", "d"];
        let state =
            keys.iter().zip(bytes).map(|(key, bytes)| member(key, bytes)).collect::<Vec<_>>().join(",");
        let came = Message::from([
            ("traceparent".to_owned(), PARENT.to_owned()),
            ("tracestate".to_owned(), state.clone()),
        ]);
        let ctx = extract(&came, &background(), &Policy::trusted()).unwrap();
        let goes = &sent(&ctx, &Policy::trusted())["tracestate"];
        assert_eq!(goes.split(',').count(), members, "of {} bytes", state.len());
    }
}

#[test]
fn a_key_goes_only_the_way_that_is_allowed() {
    let came = baggage("tenant=acme");
    let inbound = Policy::trusted().unknown_baggage(false).allow_inbound(&TENANT).unwrap();
    let ctx = extract(&came, &background(), &inbound).unwrap();
    assert_eq!(ctx.value(&TENANT).map(String::as_str), Some("acme"));
    assert!(sent(&ctx, &inbound).is_empty());
    let outbound = Policy::trusted().unknown_baggage(false).allow_outbound(&TENANT).unwrap();
    assert_eq!(sent(&ctx, &outbound), came);
    assert_eq!(extract(&came, &background(), &outbound).unwrap().value(&TENANT), None);

    let both = inbound.allow_outbound(&USER).unwrap();
    let ctx = extract(&baggage("tenant=acme,user=theirs"), &background(), &both).unwrap();
    assert_eq!((ctx.value(&TENANT).is_some(), ctx.value(&USER)), (true, None));
    assert_eq!(sent(&ctx.with_value(&USER, "ours".to_owned()), &both), baggage("user=ours"));
}

struct Pairs<'a>(&'a [(&'a str, &'a str)]);

impl Extract for Pairs<'_> {
    fn values_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |(key, _)| *key == name).map(|(_, value)| value.as_bytes())
    }
}

#[test]
fn a_broken_trace_is_none_and_a_broken_state_does_not_break_it() {
    let policy = Policy::trusted();
    for parents in [&[("traceparent", "00-what")][..], &[("traceparent", PARENT), ("traceparent", PARENT)]] {
        let arrived = policy.read(&Pairs(parents)).unwrap();
        assert!(arrived.trace().is_none(), "{parents:?}");
    }
    let broken = [("traceparent", PARENT), ("tracestate", "what is this?")];
    let arrived = policy.read(&Pairs(&broken)).unwrap();
    assert!(arrived.trace().unwrap().state.is_empty());
    assert_eq!((policy.counts().malformed, policy.counts().refused), (3, 0));
}
