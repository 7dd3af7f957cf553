//! What baggage means, row by row; beside each row, what other implementations make of it.

use purview_wire::BaggageProblem::{
    self, BadKey, BadProperty, BadValue, NoValue, TooManyBytes, TooManyMembers,
};
use purview_wire::{Baggage, BaggageLimits};

const READ: BaggageLimits = BaggageLimits::READ;
const SEND: BaggageLimits = BaggageLimits::SEND;

fn parse(header: &str) -> Result<Baggage, BaggageProblem> {
    Baggage::parse([header.as_bytes()], READ).map_err(|error| error.problem())
}

#[test]
fn values_are_encoded_so_that_every_reader_gets_them_back() {
    // The value; what others write; what we write.
    let rows = [
        ("a b", "a+b in opentelemetry-python", "a%20b"),
        ("100%", "100% in opentelemetry_sdk for Rust, which does not come back", "100%25"),
        ("50%25", "50%25 there, which comes back as 50%", "50%2525"),
        ("a=b", "a%3Db everywhere; a bare = is allowed, but some split on each", "a%3Db"),
        ("a+b", "a bare + is allowed, but opentelemetry-python reads a space", "a%2Bb"),
        ("a\"b,c;d\\e", "", "a%22b%2Cc%3Bd%5Ce"),
        ("é\u{1f600}", "", "%C3%A9%F0%9F%98%80"),
        ("\r\n\0\x7f", "", "%0D%0A%00%7F"),
        ("", "", ""),
        ("!#$&'()*-./09:<>?@AZ[]^_`az{|}~", "", "!#$&'()*-./09:<>?@AZ[]^_`az{|}~"),
    ];
    for (value, others, written) in rows {
        let mut baggage = Baggage::new();
        baggage.push("k", value).unwrap();
        let encoded = baggage.encode(SEND);
        assert_eq!(encoded.text, format!("k={written}"), "for {value:?} others write: {others}");
        let back = parse(&encoded.text).unwrap();
        assert_eq!(back.get("k").unwrap().value(), value);
    }
}

#[test]
fn values_are_decoded_to_the_letter() {
    // The header; what others make of it; the last value of k.
    let rows = [
        ("k=a=b", "a in opentelemetry_sdk for Rust, which splits on every =", "a=b"),
        ("k=a+b", "a b in opentelemetry-python", "a+b"),
        ("k=%ff", "the member is dropped in opentelemetry-js and -rust", "\u{fffd}"),
        ("k=%", "dropped in opentelemetry-js", "%"),
        ("k=%4", "", "%4"),
        ("k=%zz", "", "%zz"),
        ("k=%%41", "", "%A"),
        ("k=%c3%A9", "either case", "é"),
        ("k=%e2%82", "cut in the middle", "\u{fffd}"),
        ("k=v,k=w", "the last wins everywhere", "w"),
        ("k=", "", ""),
        ("k", "no value", "-"),
        ("\tk \t=\t v ;p", "white space around all of it", "v"),
        ("k=v;p=1;q", "", "v"),
        ("K=v", "names have their case", "-"),
        ("K%20=v", "decoded and trimmed to K in opentelemetry-python", "-"),
    ];
    for (header, others, value) in rows {
        let baggage = Baggage::parse_lossy([header.as_bytes()], READ).0;
        let found = baggage.get("k").map_or("-".to_owned(), |member| member.value().into_owned());
        assert_eq!(found, value, "of {header:?} others make: {others}");
    }
    assert_eq!(parse("K%20=v").unwrap().iter().next().unwrap().key(), "K%20", "keys are never decoded");
}

#[test]
fn what_is_not_to_the_grammar_is_refused_and_lossily_left_out_whole() {
    let rows = [
        ("k", NoValue),
        ("=v", BadKey),
        ("k y=v", BadKey),
        ("\"k\"=v", BadKey),
        ("ké=v", BadKey),
        ("k=a b", BadValue),
        ("k=\"v\"", BadValue),
        ("k=a\\b", BadValue),
        ("k=é", BadValue),
        ("k=\x7f", BadValue),
        ("k=a\0b", BadValue),
        ("k=v;", BadProperty),
        ("k=v;;p", BadProperty),
        ("k=v;p q", BadProperty),
        ("k=v;p=\"1\"", BadProperty),
        ("k=v;=1", BadProperty),
    ];
    for (member, problem) in rows {
        let header = format!("a=1,{member},b=2");
        assert_eq!(parse(&header), Err(problem), "{member:?}");
        let (baggage, dropped) = Baggage::parse_lossy([header.as_bytes()], READ);
        assert_eq!(baggage.encode(SEND).text, "a=1,b=2", "{member:?}");
        assert_eq!((dropped.malformed, dropped.over_limits), (1, 0), "{member:?}");
    }
}

#[test]
fn what_arrived_passes_through_byte_for_byte_over_several_headers_in_order() {
    let headers = ["a = %e4%zz;P = %41 ; q , b=2", "", " , ", "a=1,a=1"];
    let baggage = Baggage::parse(headers.iter().map(|header| header.as_bytes()), READ).unwrap();
    assert_eq!(baggage.encode(SEND).text, "a = %e4%zz;P = %41 ; q,b=2,a=1,a=1");
    assert_eq!(baggage.len(), 4);
}

#[test]
fn members_above_the_limits_are_refused_or_dropped_whole_and_counted() {
    let many = |count: usize| vec!["k=v"; count].join(",");
    // Others: 64 are kept in opentelemetry_sdk for Rust, 180 of 185 in -python and -js.
    assert_eq!(parse(&many(180)).unwrap().len(), 180);
    assert_eq!(parse(&many(181)), Err(TooManyMembers));
    let (baggage, dropped) = Baggage::parse_lossy([many(185).as_bytes()], READ);
    assert_eq!((baggage.len(), dropped.over_limits), (180, 5));
    let encoded = baggage.encode(SEND);
    assert_eq!((encoded.text.split(',').count(), encoded.dropped), (64, 116));

    // Others drop a member above 4,096 bytes, and all of a header above 8,192.
    let value = "v".repeat(8_190);
    assert_eq!(parse(&format!("k={value}")).unwrap().encode(SEND).text.len(), 8_192);
    assert_eq!(parse(&format!("k={value}w")), Err(TooManyBytes));
    let header = format!("a=1,k={value},b=2");
    let (baggage, dropped) = Baggage::parse_lossy([header.as_bytes()], READ);
    assert_eq!((&*baggage.encode(SEND).text, dropped.over_limits), ("a=1,b=2", 1));

    // The limits are over all headers together.
    let half = format!("k={}", "v".repeat(4_094));
    assert_eq!(Baggage::parse([half.as_bytes(); 2], READ).unwrap_err().problem(), TooManyBytes);
}

#[test]
fn neither_errors_nor_debug_show_a_value() {
    let baggage = parse("password=hunter2;also=hunter2").unwrap();
    let error = Baggage::parse([b"password=hunter2 hunter2".as_slice()], READ).unwrap_err();
    let torn = Baggage::parse([b"password=a,hunter2".as_slice()], READ).unwrap_err();
    for shown in [format!("{baggage:?}"), format!("{error} {error:?}"), format!("{torn} {torn:?}")] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    assert!(error.to_string().contains("\"password\""), "{error}");
}

#[test]
fn a_key_that_is_no_token_is_not_appended() {
    let mut baggage = parse("a=1").unwrap();
    for key in ["", "two words", "k=", "k,", "k;", "é", "k\r\n"] {
        assert_eq!(baggage.push(key, "v").unwrap_err().problem(), BadKey);
    }
    assert_eq!(baggage.encode(SEND).text, "a=1");
}
