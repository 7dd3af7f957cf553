//! What a carrier of ours takes, and what it has where it takes nothing.
#![cfg(feature = "http")]

use http::{HeaderMap, HeaderName, HeaderValue};
use purview_propagate::Inject;

#[test]
fn a_header_map_has_no_value_of_a_name_that_it_took_none_for() {
    let mut headers = HeaderMap::new();
    for bad in ["a\r\nx-evil: 1", "\0", "\u{7f}"] {
        assert!(headers.set("baggage", "old"));
        assert!(!headers.set("baggage", bad), "{bad:?}");
        assert!(headers.is_empty(), "{bad:?}");
    }
}

#[test]
fn a_header_map_takes_no_name_that_is_none() {
    let mut headers = HeaderMap::new();
    for bad in ["Baggage", "no name", "", "a\r\nb", "a:"] {
        assert!(!headers.set(bad, "a=1"), "{bad:?}");
    }
    assert!(headers.is_empty());
}

#[test]
fn who_prints_a_header_map_prints_no_values_of_ours() {
    let mut headers = HeaderMap::new();
    assert!(headers.set("baggage", "token=s3cret") && headers.set("x-request-timeout-ms", "5"));
    let shown = format!("{headers:?}");
    assert!(!shown.contains("s3cret") && shown.contains("\"5\""), "{shown}");
    assert_eq!(headers["baggage"], "token=s3cret");
}

#[test]
fn a_full_header_map_says_so() {
    let mut headers = HeaderMap::new();
    let names = (0..40_000).map(|at| HeaderName::try_from(format!("x-{at}")).unwrap());
    let full = names.into_iter().any(|name| headers.try_insert(name, HeaderValue::from_static("1")).is_err());
    assert!(full && !headers.set("baggage", "a=1") && !headers.contains_key("baggage"));
}
