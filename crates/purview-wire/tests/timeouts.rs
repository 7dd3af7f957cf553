//! What each header of a deadline means, row by row; beside each row, what other implementations make of it.

use purview_wire::Format::{
    ConnectTimeoutMs, EnvoyExpectedMs, GrpcTimeout, Millis, PreferWait, RequestTimeout,
};
use purview_wire::TimeoutProblem::{self, BadUnit, Empty, NotANumber, TooLong, TooManyDigits};
use purview_wire::{Format, MAX_TIMEOUT};
use std::time::Duration;

type Read = Result<Option<Duration>, TimeoutProblem>;

#[expect(clippy::unnecessary_wraps, reason = "a row states what decoding gives")]
const fn nanos(count: u64) -> Read {
    Ok(Some(Duration::from_nanos(count)))
}

#[expect(clippy::unnecessary_wraps, reason = "a row states what decoding gives")]
const fn micros(count: u64) -> Read {
    Ok(Some(Duration::from_micros(count)))
}

#[expect(clippy::unnecessary_wraps, reason = "a row states what decoding gives")]
const fn millis(count: u64) -> Read {
    Ok(Some(Duration::from_millis(count)))
}

#[expect(clippy::unnecessary_wraps, reason = "a row states what decoding gives")]
const fn seconds(count: u64) -> Read {
    Ok(Some(Duration::from_secs(count)))
}

const NO_LIMIT: Read = Ok(None);
const FOREVER: Read = Ok(Some(Duration::MAX));

/// The value; what others make of it; what we make of it strictly, and leniently.
type Row = (&'static str, &'static str, Read, Read);

fn hold(format: Format, rows: &[Row]) {
    for (value, others, strict, lenient) in rows {
        let read = format.decode(value.as_bytes()).map_err(|error| error.problem());
        assert_eq!(read, *strict, "strictly, {format:?} {value:?}, of which others make: {others}");
        let read = format.decode_lenient(value.as_bytes()).map_err(|error| error.problem());
        assert_eq!(read, *lenient, "leniently, {format:?} {value:?}, of which others make: {others}");
    }
}

const GRPC: &[Row] = &[
    ("200m", "all agree", millis(200), millis(200)),
    ("200000u", "all agree", millis(200), millis(200)),
    ("1H", "all agree", seconds(3_600), seconds(3_600)),
    ("1M", "all agree", seconds(60), seconds(60)),
    ("1S", "all agree", seconds(1), seconds(1)),
    ("0n", "expired; grpc-js enters the handler, tonic polls once and says CANCELLED", nanos(0), nanos(0)),
    ("0S", "as 0n", nanos(0), nanos(0)),
    ("1n", "kept exactly by grpc-go, -java, tonic; 1 ms in grpcio, 0 ms in grpc-js", nanos(1), nanos(1)),
    (
        "999999n",
        "sub-millisecond: up to 1 ms in grpcio, down to 0 in grpc-js",
        nanos(999_999),
        nanos(999_999),
    ),
    ("5", "INTERNAL everywhere; tonic ignores it; connect-go invalid_argument", Err(BadUnit), Err(BadUnit)),
    ("S", "as 5", Err(NotANumber), Err(NotANumber)),
    ("", "as 5", Err(Empty), Err(Empty)),
    ("100X", "as 5", Err(BadUnit), Err(BadUnit)),
    ("1e2m", "as 5", Err(NotANumber), Err(NotANumber)),
    ("100s", "as 5: units are case-sensitive", Err(BadUnit), Err(BadUnit)),
    ("100ms", "as 5", Err(BadUnit), Err(BadUnit)),
    (
        "-5m",
        "expired in grpc-java and old grpc-go, 5 ms in grpc-js, refused or ignored elsewhere",
        Err(NotANumber),
        Err(NotANumber),
    ),
    (
        "+5m",
        "5 ms in grpc-java, grpc-js, tonic, connect-go; INTERNAL in grpc-go and grpcio",
        Err(NotANumber),
        Err(NotANumber),
    ),
    ("1.5S", "5 s in grpc-js, INTERNAL elsewhere, ignored by tonic", Err(NotANumber), millis(1_500)),
    ("100 m", "100 ms in grpcio and grpc-js, refused elsewhere", Err(NotANumber), millis(100)),
    (" 100m", "accepted by grpcio, ignored by grpc-js and tonic", Err(NotANumber), millis(100)),
    (
        "000000100m",
        "100 ms in grpcio, grpc-js, connect-go; 9 digits are refused elsewhere",
        Err(TooManyDigits),
        millis(100),
    ),
    ("00000100m", "eight digits are right", millis(100), millis(100)),
    (
        "123456789m",
        "123,456.789 s in grpcio, 23,456.789 s in grpc-js, refused elsewhere",
        Err(TooManyDigits),
        millis(123_456_789),
    ),
    (
        "12345678901234m",
        "endless in grpcio, the last 8 digits in grpc-js, refused elsewhere",
        Err(TooManyDigits),
        millis(12_345_678_901_234),
    ),
    (
        "99999999H",
        "the longest: clamped in grpc-go, 24 days in grpc-js, endless in connect-go",
        seconds(99_999_999 * 3_600),
        seconds(99_999_999 * 3_600),
    ),
    ("596H", "all agree", seconds(596 * 3_600), seconds(596 * 3_600)),
    ("597H", "at once in grpc-js, whose timer wraps", seconds(597 * 3_600), seconds(597 * 3_600)),
    ("600H", "as 597H", seconds(600 * 3_600), seconds(600 * 3_600)),
    ("27000H", "as 597H; the longest that grpcio sends", seconds(27_000 * 3_600), seconds(27_000 * 3_600)),
    ("200.7m", "what connect-es sends", Err(NotANumber), micros(200_700)),
    ("31536000000m", "what connect-es sends", Err(TooManyDigits), millis(31_536_000_000)),
    ("100000000S", "what grpc-js sends for 99,999,999,500 ms", Err(TooManyDigits), seconds(100_000_000)),
    ("99999999999999999999999999999999999999999999H", "any length saturates", Err(TooManyDigits), FOREVER),
    ("0.0000000000000000001n", "a fraction rounds up to a nanosecond", Err(NotANumber), nanos(1)),
    ("1.S", "no digit after the point", Err(NotANumber), Err(NotANumber)),
    (".5S", "no digit before the point", Err(NotANumber), Err(NotANumber)),
    ("1.2.3S", "two points", Err(NotANumber), Err(NotANumber)),
    ("5m\0", "a NUL", Err(BadUnit), Err(BadUnit)),
    ("٥m", "digits that are not ASCII", Err(NotANumber), Err(NotANumber)),
];

#[test]
fn grpc_timeouts_are_read_as_the_specification_has_it() {
    hold(GrpcTimeout, GRPC);
}

#[test]
fn connect_timeouts_have_one_to_ten_digits() {
    hold(
        ConnectTimeoutMs,
        &[
            ("200", "all agree", millis(200), millis(200)),
            ("0", "expired in connect-go", nanos(0), nanos(0)),
            (
                "9999999999",
                "the longest; at once in connect-node, whose timer wraps",
                millis(9_999_999_999),
                millis(9_999_999_999),
            ),
            ("12345678901", "invalid_argument", Err(TooManyDigits), millis(12_345_678_901)),
            ("-5", "expired in connect-go, refused by connect-node", Err(NotANumber), Err(NotANumber)),
            (
                "200.7",
                "what connect-node's client sends and its server refuses",
                Err(NotANumber),
                micros(200_700),
            ),
            ("200m", "refused", Err(NotANumber), Err(NotANumber)),
            ("", "refused", Err(Empty), Err(Empty)),
        ],
    );
}

#[test]
fn envoys_zero_sets_no_limit() {
    hold(
        EnvoyExpectedMs,
        &[
            ("15000", "the default of a route", millis(15_000), millis(15_000)),
            ("0", "no limit, in Envoy", NO_LIMIT, NO_LIMIT),
            ("0.0", "not what Envoy writes", Err(NotANumber), NO_LIMIT),
            ("1", "", millis(1), millis(1)),
            ("9999999999999999", "16 digits", millis(9_999_999_999_999_999), millis(9_999_999_999_999_999)),
            ("10000000000000000", "17 digits", Err(TooManyDigits), millis(10_000_000_000_000_000)),
            ("18446744073709551615", "2^64 - 1", Err(TooManyDigits), millis(u64::MAX)),
            ("-1", "", Err(NotANumber), Err(NotANumber)),
        ],
    );
}

#[test]
fn plain_http_has_seconds_or_milliseconds() {
    hold(
        RequestTimeout,
        &[
            ("30", "whole seconds", seconds(30), seconds(30)),
            ("0", "expired", nanos(0), nanos(0)),
            ("1.5", "not in the draft", Err(NotANumber), millis(1_500)),
            (
                "5m",
                "duration text, as Gerrit and Linkerd have it under other names",
                Err(NotANumber),
                Err(NotANumber),
            ),
            ("9999999999999999", "16 digits", seconds(9_999_999_999_999_999), seconds(9_999_999_999_999_999)),
            ("99999999999999999999999999", "more than a Duration holds", Err(TooManyDigits), FOREVER),
        ],
    );
    hold(
        Millis,
        &[
            ("250", "as userver's X-YaTaxi-Client-TimeoutMs", millis(250), millis(250)),
            ("0", "expired", nanos(0), nanos(0)),
            ("soon", "", Err(NotANumber), Err(NotANumber)),
            ("250 ", "white space is the carrier's to take off", Err(NotANumber), millis(250)),
        ],
    );
}

#[test]
fn prefer_has_its_first_wait_read_and_the_rest_left_alone() {
    hold(
        PreferWait,
        &[
            ("wait=10", "RFC 7240, section 4.3", seconds(10), seconds(10)),
            ("respond-async, wait=10", "RFC 7240, section 4.3", seconds(10), seconds(10)),
            ("Wait = 10", "names have no case, white space is allowed", seconds(10), seconds(10)),
            ("wait=10; foo=\"a, b\", wait=5", "the first counts", seconds(10), seconds(10)),
            ("foo=\"wait=1, wait=2\", wait=3", "not in a quoted string", seconds(3), seconds(3)),
            ("foo=\"\\\", wait=1\", wait=3", "nor after an escaped quote", seconds(3), seconds(3)),
            ("foo; wait=1", "a parameter of another preference", NO_LIMIT, NO_LIMIT),
            ("return=minimal", "no wait", NO_LIMIT, NO_LIMIT),
            ("await=1", "another name", NO_LIMIT, NO_LIMIT),
            ("wait", "no value", Err(NotANumber), Err(NotANumber)),
            ("wait=\"10\"", "a number is no string", Err(NotANumber), Err(NotANumber)),
            ("wait=1.5", "whole seconds", Err(NotANumber), millis(1_500)),
            ("wait=-1", "", Err(NotANumber), Err(NotANumber)),
            ("", "no preference", NO_LIMIT, NO_LIMIT),
            (" ", "no preference", NO_LIMIT, NO_LIMIT),
            (",,,", "empty elements", NO_LIMIT, NO_LIMIT),
        ],
    );
}

#[test]
fn more_than_a_kilobyte_is_not_looked_at() {
    for format in Format::ALL {
        let long = vec![b'0'; 1_025];
        assert_eq!(format.decode(&long).unwrap_err().problem(), TooLong);
        let error = format.decode_lenient(&long).unwrap_err();
        assert_eq!(error.problem(), TooLong);
        assert!(error.to_string().len() < 200, "the error shows a part of the input: {error}");
    }
}

#[test]
fn a_kilobyte_is_looked_at_to_its_end() {
    let padded = |before: &str, after: &str| {
        let zeros = 1_024 - before.len() - after.len();
        [before.as_bytes(), &vec![b'0'; zeros], after.as_bytes()].concat()
    };
    for (format, value, read) in [
        (GrpcTimeout, padded("", "1S"), seconds(1)),
        (ConnectTimeoutMs, padded("", "7"), millis(7)),
        (EnvoyExpectedMs, padded("", "7"), millis(7)),
        (RequestTimeout, padded("", "7"), seconds(7)),
        (PreferWait, padded("wait=", "7"), seconds(7)),
        (Millis, padded("", "7"), millis(7)),
    ] {
        assert_eq!(format.decode_lenient(&value).map_err(|error| error.problem()), read, "{format:?}");
        assert_eq!(format.decode(&value).unwrap_err().problem(), TooManyDigits, "{format:?}");
    }
}

#[test]
fn an_error_says_that_it_cut_what_it_shows_only_if_it_did() {
    for (bytes, end) in [(32, "x\" "), (33, "x...\" ")] {
        let error = Millis.decode(&vec![b'x'; bytes]).unwrap_err().to_string();
        assert!(error.starts_with(&format!("timeout \"{}{end}", "x".repeat(31))), "{error}");
    }
}

#[test]
fn an_error_shows_hostile_input_escaped_and_cut() {
    let error =
        GrpcTimeout.decode(b"\r\nevil: \xff\"\0aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaX").unwrap_err();
    let shown = r#"grpc-timeout "\r\nevil: \xff\"\x00aaaaaaaaaaaaaaaaaaaaa..." has no unit that is known: "#;
    assert!(error.to_string().starts_with(shown), "{error}");
}

#[test]
fn an_error_names_the_header_where_the_name_is_not_configured() {
    for format in Format::ALL {
        let shown = format.decode(b"wait=?").unwrap_err().to_string();
        assert!(shown.starts_with(format.header().unwrap_or("timeout \"wait=?\"")), "{shown}");
    }
}

const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 24 * 60 * 60 * SECOND;

/// Nanoseconds that are left; what others send; what we send.
#[test]
fn grpc_timeouts_are_written_in_the_finest_unit_rounded_up() {
    let rows: [(u64, &str, &str); 17] = [
        (1, "1n in grpc-go; 1m in grpcio", "1n"),
        (99_999_999, "", "99999999n"),
        (100_000_000, "", "100000u"),
        (100_000_001, "down to 100000u in grpc-java and tonic", "100001u"),
        (SECOND / 5, "200000u in grpc-go and -java, 201m in grpcio, 200.7m in connect-es", "200000u"),
        (SECOND, "1010m in grpcio, 999m in grpc-js when the wall clock moved", "1000000u"),
        (12_345 * SECOND / 1_000, "12400m in grpcio", "12345000u"),
        (30 * SECOND, "30000000u in tonic", "30000000u"),
        (99_999_999_000, "", "99999999u"),
        (99_999_999_001, "", "100000m"),
        (100 * SECOND, "101S in grpcio", "100000m"),
        (3_600 * SECOND, "3610S in grpcio", "3600000m"),
        (99_999_999_000_001, "", "100000S"),
        (DAY, "a day fits milliseconds", "86400000m"),
        (24 * DAY, "", "2073600S"),
        (365 * DAY, "8761H in grpcio; at once in a grpc-js server", "2147483S"),
        (u64::MAX, "an uncaught exception in grpc-js, a panic in tonic above 99,999,999 h", "2147483S"),
    ];
    for (left, others, sent) in rows {
        let text = GrpcTimeout.encode(Duration::from_nanos(left)).unwrap();
        assert_eq!(&*text, sent, "{left} ns, for which others send: {others}");
    }
}

#[test]
fn the_other_headers_are_written_in_their_unit_rounded_up() {
    let rows = [
        (ConnectTimeoutMs, 1, "1"),
        (ConnectTimeoutMs, 200_700_000, "201"),
        (ConnectTimeoutMs, u64::MAX, "2147483647"),
        (EnvoyExpectedMs, 15 * SECOND, "15000"),
        (Millis, 250_000_000, "250"),
        (Millis, 250_000_001, "251"),
        (Millis, 365 * DAY, "2147483647"),
        (RequestTimeout, 1, "1"),
        (RequestTimeout, SECOND, "1"),
        (RequestTimeout, SECOND + 1, "2"),
        (RequestTimeout, 365 * DAY, "2147483"),
        (PreferWait, 1, "wait=1"),
        (PreferWait, u64::MAX, "wait=2147483"),
    ];
    for (format, left, sent) in rows {
        assert_eq!(&*format.encode(Duration::from_nanos(left)).unwrap(), sent, "{format:?} {left} ns");
    }
}

#[test]
fn nothing_is_written_when_nothing_is_left_and_never_more_than_a_timer_of_31_bits_takes() {
    for format in Format::ALL {
        assert_eq!(format.encode(Duration::ZERO), None);
        let longest = format.encode(Duration::MAX).unwrap();
        let read = format.decode(longest.as_bytes()).unwrap().unwrap();
        assert!(read <= MAX_TIMEOUT && read + Duration::from_secs(1) > MAX_TIMEOUT, "{format:?} {longest}");
    }
}
