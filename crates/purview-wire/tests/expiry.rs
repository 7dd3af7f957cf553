//! What an absolute deadline means, row by row.

use purview_wire::ExpiresAt;
use purview_wire::TimeoutProblem::{self, Empty, NotANumber, TooManyDigits};
use std::time::Duration;

const MAX: u64 = (1 << 53) - 1;

#[test]
fn an_expiry_is_one_to_sixteen_digits_and_nothing_else() {
    let rows: [(&str, Result<u64, TimeoutProblem>); 15] = [
        ("0", Ok(0)),
        ("1700000030000", Ok(1_700_000_030_000)),
        ("0000000000000001", Ok(1)),
        ("9007199254740991", Ok(MAX)),
        ("9007199254740992", Ok(MAX)),
        ("9999999999999999", Ok(MAX)),
        ("10000000000000000", Err(TooManyDigits)),
        ("00000000000000001", Err(TooManyDigits)),
        ("", Err(Empty)),
        ("-1", Err(NotANumber)),
        ("+1", Err(NotANumber)),
        (" 1", Err(NotANumber)),
        ("1.5", Err(NotANumber)),
        ("1e3", Err(NotANumber)),
        ("1970-01-01T00:00:00Z", Err(NotANumber)),
    ];
    for (text, expected) in rows {
        let read = ExpiresAt::parse(text.as_bytes());
        let read = read.map(ExpiresAt::unix_ms).map_err(|error| error.problem());
        assert_eq!(read, expected, "{text:?}");
    }
    let error = ExpiresAt::parse(&b"7".repeat(100_000)).unwrap_err();
    assert!(error.problem() == TooManyDigits && error.to_string().len() < 200, "{error}");
}

#[test]
fn what_is_left_is_the_way_to_it_and_the_skew_more() {
    let millis = Duration::from_millis;
    // Expiry, now, skew, what is left.
    let rows = [
        (1_000, 900, 0, 100),
        (1_000, 1_000, 0, 0),
        (1_000, 1_001, 0, 0),
        (1_000, 900, 50, 150),
        (1_000, 1_050, 50, 0),
        (1_000, 1_049, 50, 1),
        (1_000, u64::MAX, 50, 0),
        (MAX, 0, 0, MAX),
        (MAX, 0, 1, MAX + 1),
    ];
    for (at, now, skew, left) in rows {
        let row = format!("at {at}, now {now}, skew {skew}");
        assert_eq!(ExpiresAt::from_unix_ms(at).left(now, millis(skew)), millis(left), "{row}");
    }
    assert_eq!(ExpiresAt::MAX.left(0, Duration::MAX), Duration::MAX, "it saturates");
}

#[test]
fn an_expiry_is_written_rounded_up_and_never_beyond_what_is_read() {
    let rows = [
        (0, Duration::ZERO, 0),
        (5, Duration::from_nanos(1), 6),
        (5, Duration::from_millis(1), 6),
        (MAX, Duration::from_nanos(1), MAX),
        (u64::MAX, Duration::MAX, MAX),
    ];
    for (now, left, at) in rows {
        let written = ExpiresAt::after(now, left);
        assert_eq!(written.unix_ms(), at, "{left:?} at {now}");
        assert_eq!(ExpiresAt::parse(written.encode().as_bytes()), Ok(written));
    }
}
