//! Which hosts get values: a list of suffixes, read strictly and closed where in doubt.

use purview_propagate::Policy;

fn policy(hosts: &[&str]) -> Policy {
    Policy::trusted().destinations(hosts.iter().copied()).unwrap()
}

/// `(pattern, destination, whether it gets values)`.
const TABLE: &[(&str, &str, bool)] = &[
    ("example.com", "example.com", true),
    ("example.com", "api.example.com", true),
    ("example.com", "a.b.example.com", true),
    ("example.com", "evil-example.com", false),
    ("example.com", "evilexample.com", false),
    ("example.com", "example.com.evil.net", false),
    ("example.com", "example.co", false),
    ("example.com", "com", false),
    ("api.example.com", "example.com", false),
    // Case, and the dot at the end.
    ("Example.COM", "aPi.eXample.com", true),
    ("example.com", "example.com.", true),
    ("example.com.", "api.example.com", true),
    ("example.com", "example.com..", false),
    ("example.com", ".example.com", false),
    ("example.com", "a..example.com", false),
    // Ports.
    ("example.com", "example.com:8443", true),
    ("example.com:8443", "example.com:8443", true),
    ("example.com:8443", "api.example.com.:8443", true),
    ("example.com:8443", "example.com:443", false),
    ("example.com:8443", "example.com", false),
    ("example.com", "example.com:", false),
    ("example.com", "example.com:99999", false),
    ("example.com", "example.com:+80", false),
    ("example.com", "example.com:80:80", false),
    // User information, paths and other things that are no host.
    ("example.com", "user@example.com", false),
    ("example.com", "example.com@evil.net", false),
    ("example.com", "example.com:80@evil.net", false),
    ("example.com", "evil.net/example.com", false),
    ("example.com", "evil.net?.example.com", false),
    ("example.com", "evil.net#.example.com", false),
    ("example.com", "evil.net\\.example.com", false),
    ("example.com", "evil.net\0.example.com", false),
    ("example.com", "evil.net .example.com", false),
    ("example.com", " example.com", false),
    ("example.com", "https://example.com", false),
    ("example.com", "ex\u{e4}mple.com", false),
    ("example.com", "*.example.com", false),
    ("example.com", "", false),
    ("example.com", ":80", false),
    // Addresses match exactly, however they are written, and never as names.
    ("10.0.0.7", "10.0.0.7", true),
    ("10.0.0.7", "10.0.0.7:80", true),
    ("10.0.0.7:80", "10.0.0.7", false),
    ("10.0.0.7", "10.0.0.70", false),
    ("10.0.0.7", "1.10.0.0.7", false),
    ("10.0.0.7", "a.10.0.0.7", false),
    ("10.0.0.7", "10.0.0.7.", false),
    ("127.0.0.1", "127.1", false),
    ("127.0.0.1", "2130706433", false),
    ("127.0.0.1", "0x7f000001", false),
    ("127.0.0.1", "0177.0.0.1", false),
    ("127.0.0.1", "[::ffff:127.0.0.1]", false),
    ("[::1]", "[::1]", true),
    ("[::1]", "[0:0:0:0:0:0:0:1]:8080", true),
    ("[::1]", "[::2]", false),
    ("[::1]:8080", "[::1]:8080", true),
    ("[::1]:8080", "[::1]", false),
    ("[::1]", "::1", false),
    ("[::1]", "[::1", false),
    ("[::1]", "[::1]8080", false),
    ("[::1]", "[::1%25eth0]", false),
    ("localhost", "localhost", true),
    ("localhost", "evil.localhost", true),
    ("localhost", "127.0.0.1", false),
];

#[test]
fn a_destination_gets_values_if_it_is_a_listed_host_or_below_one() {
    let wrong: Vec<_> =
        TABLE.iter().filter(|(host, to, gets)| policy(&[host]).sends_values_to(to) != *gets).collect();
    assert!(wrong.is_empty(), "pattern, destination, wanted: {wrong:#?}");
}

#[test]
fn any_entry_of_the_list_will_do_and_none_is_nobody() {
    let list = policy(&["a.example", "b.example", "[::1]"]);
    assert!(list.sends_values_to("b.example") && list.sends_values_to("[::1]:1"));
    assert!(!list.sends_values_to("c.example"));
    assert!(!policy(&[]).sends_values_to("a.example"));
}

#[test]
fn what_is_no_host_cannot_be_listed() {
    let long = "a.".repeat(200) + "example";
    let bad = [
        "",
        ".",
        "*",
        "*.example.com",
        ".example.com",
        "a..b",
        "user@example.com",
        "example.com/",
        "http://a",
        "ex ample",
        "example.com:",
        "example.com:x",
        "1",
        "127.1",
        "a.1",
        "0x7f",
        "::1",
        "[::1",
        "ex\u{e4}mple",
        &long,
    ];
    for host in bad {
        let error = Policy::trusted().destinations([host]).expect_err(host);
        assert!(error.to_string().contains("is no host: accepted are"), "{error}");
    }
}

#[test]
fn a_host_of_any_length_is_looked_at_without_harm() {
    let list = policy(&["example.com"]);
    assert!(!list.sends_values_to(&("a.".repeat(100_000) + "example.com")));
    assert!(!list.sends_values_to(&("a".repeat(64) + ".example.com")), "labels have 63 bytes at most");
    assert!(list.sends_values_to(&("a".repeat(63) + ".example.com")));
}
