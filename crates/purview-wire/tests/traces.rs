//! What trace headers mean, row by row.

use purview_wire::TraceProblem::{self, BadKey, BadValue, Length, NotHex, TooManyMembers, Version, ZeroId};
use purview_wire::{TraceParent, TraceState};

#[test]
fn traceparent_is_read_to_the_letter() {
    let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let rows: [(&str, Result<&str, TraceProblem>); 22] = [
        (good, Ok(good)),
        (
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
            Ok("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"),
        ),
        (
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03",
            Ok("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03"),
        ),
        // Flags are bits: those without a meaning are not sent on. opentelemetry-js takes 255.
        (
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff",
            Ok("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03"),
        ),
        (
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-08",
            Ok("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"),
        ),
        // A later version: what is known of it, sent on as ours.
        ("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Ok(good)),
        ("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-extra", Ok(good)),
        ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-", Ok(good)),
        ("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x", Err(Length)),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-extra", Err(Length)),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 ", Err(Length)),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1", Err(Length)),
        ("", Err(Length)),
        ("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Err(Version)),
        ("0G-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Err(Version)),
        ("0A-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Err(Version)),
        ("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", Err(NotHex)),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333Z-01", Err(NotHex)),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0.", Err(NotHex)),
        ("00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Err(NotHex)),
        ("00-00000000000000000000000000000000-b7ad6b7169203331-01", Err(ZeroId)),
        ("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", Err(ZeroId)),
    ];
    for (header, expected) in rows {
        let read = TraceParent::parse(header.as_bytes());
        let read = read.map(|parent| parent.to_string()).map_err(|error| error.problem());
        assert_eq!(read, expected.map(str::to_owned), "{header:?}");
    }
}

#[test]
fn continuing_a_trace_keeps_its_flags() {
    let parent = TraceParent::parse(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-02").unwrap();
    assert!(parent.random() && !parent.sampled());
    let child = parent.with_parent_id([9; 8]).unwrap().with_sampled(true);
    assert!(child.random() && child.sampled());
    assert_eq!(child.trace_id(), parent.trace_id());
    let neither = child.with_random(false).with_sampled(false);
    let random = neither.with_random(true);
    assert!(!neither.random() && !neither.sampled() && random.random() && !random.sampled());
}

fn state(header: &str) -> Result<TraceState, TraceProblem> {
    TraceState::parse([header.as_bytes()]).map_err(|error| error.problem())
}

#[test]
fn tracestate_is_read_to_the_letter() {
    let long_key = format!("{}=1", "k".repeat(256));
    let long_value = format!("k={}", "v".repeat(256));
    let many = vec!["k=v"; 32].join(",");
    let good = [
        ("a=1,b=2", "a=1,b=2"),
        ("a=1 ,\tb=2", "a=1,b=2"),
        (",a=1,,b=2, ,", "a=1,b=2"),
        ("0=1", "0=1"),
        ("tenant@vendor=1", "tenant@vendor=1"),
        ("a_-*/@z=1", "a_-*/@z=1"),
        ("a= 1 2", "a= 1 2"),
        ("a=~!\"#;\\", "a=~!\"#;\\"),
        ("a=1,a=2", "a=1,a=2"),
        ("", ""),
        (&long_key, &long_key),
        (&long_value, &long_value),
        (&many, &many),
    ];
    for (header, kept) in good {
        assert_eq!(state(header).unwrap().encode(usize::MAX).text, kept, "{header:?}");
    }
    let bad = [
        ("a", BadKey),
        ("=1", BadKey),
        ("A=1", BadKey),
        ("_a=1", BadKey),
        ("@v=1", BadKey),
        ("a b=1", BadKey),
        ("a =1", BadKey),
        ("a=", BadValue),
        ("a=1=2", BadValue),
        ("a=é", BadValue),
        ("a=1\t2", BadValue),
        (&format!("k{long_key}"), BadKey),
        (&format!("{long_value}v"), BadValue),
        (&format!("{many},k=v"), TooManyMembers),
    ];
    for (header, problem) in bad {
        assert_eq!(state(header), Err(problem), "{header:?}");
    }
}

#[test]
fn tracestate_headers_are_joined_in_order_and_a_change_moves_to_the_front() {
    let mut joined = TraceState::parse([b"a=1,b=2".as_slice(), b"", b"c=3,b=4"]).unwrap();
    joined.set("b", "5").unwrap();
    assert_eq!(joined.encode(512).text, "b=5,a=1,c=3");
    for (key, value) in [("B", "1"), ("b", ""), ("b", "1 "), ("b", "1,c=2"), ("", "1")] {
        assert!(joined.set(key, value).is_err(), "{key:?} {value:?}");
    }
    assert_eq!(joined.encode(512).text, "b=5,a=1,c=3", "what was refused changed nothing");
}

#[test]
fn a_full_tracestate_loses_its_last_member_to_a_new_one() {
    let members: Vec<_> = (0..32).map(|at| format!("k{at}=v")).collect();
    let mut full = state(&members.join(",")).unwrap();
    full.set("new", "1").unwrap();
    assert_eq!(full.len(), 32);
    assert_eq!((full.iter().next(), full.iter().last()), (Some(("new", "1")), Some(("k30", "v"))));
}

#[test]
fn a_member_of_128_bytes_is_not_a_long_one() {
    let brim = format!("x={}", "v".repeat(126));
    let full = state(&format!("{brim},a=1")).unwrap();
    assert_eq!((brim.len(), full.encode(128).text.as_ref()), (128, brim.as_str()));
}

#[test]
fn truncating_takes_long_members_first_then_the_last_ones() {
    let long = |key: &str| format!("{key}={}", "v".repeat(127));
    let (first, last) = (long("x"), long("y"));
    assert_eq!(first.len(), 129);
    let header = format!("a=1,{first},b=2,{last},c=3");
    let full = state(&header).unwrap();
    let rows = [
        (header.len(), header.clone(), 0),
        (header.len() - 1, format!("a=1,{first},b=2,c=3"), 1),
        (header.len() - 130, format!("a=1,{first},b=2,c=3"), 1),
        (header.len() - 131, "a=1,b=2,c=3".to_owned(), 2),
        (10, "a=1,b=2".to_owned(), 3),
        (3, "a=1".to_owned(), 4),
        (2, String::new(), 5),
        (0, String::new(), 5),
    ];
    for (bytes, text, dropped) in rows {
        let encoded = full.encode(bytes);
        assert_eq!((&*encoded.text, encoded.dropped), (&*text, dropped), "{bytes} bytes");
    }
}
