//! A message, a header a line, read by several policies: nothing is beyond what a policy grants, and what is handed on reads the
//! same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use purview::{Codec, Context, Key, ManualClock};
use purview_propagate::{Extract, Malformed, Policy, Refused, inject_stored};
use std::collections::HashMap;
use std::time::{Duration, UNIX_EPOCH};

const CAP: Duration = Duration::from_secs(5);
const NOW: Duration = Duration::from_secs(1_700_000_000);

static TENANT: Key<String> = Key::new("tenant")
    .crossing(Codec { encode: |tenant| Some(tenant.clone()), decode: |text| Ok(text.to_owned()) });
static LIMIT: Key<u32> = Key::new("limit").crossing(Codec {
    encode: |limit| Some(limit.to_string()),
    decode: |text| text.parse().map_err(|_| "no number".into()),
});

/// Lines of a name, a colon and a value.
struct Lines<'a>(&'a [u8]);

impl Extract for Lines<'_> {
    fn values_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let lines = self.0.split(|byte| *byte == b'\n');
        lines.filter_map(move |line| line.strip_prefix(name.as_bytes())?.strip_prefix(b":"))
    }
}

fn policies() -> impl Iterator<Item = Policy> {
    [Malformed::Reject, Malformed::Ignore, Malformed::Lenient].into_iter().map(|malformed| {
        let policy = Policy::trusted().allow(&TENANT).unwrap().allow(&LIMIT).unwrap().any_destination();
        policy
            .cap(CAP)
            .skew(Duration::from_millis(200))
            .malformed(malformed)
            .unknown_baggage(true)
            .traces(true)
    })
}

fn check(message: &impl Extract, policy: &Policy) -> Result<(), Refused> {
    let now = UNIX_EPOCH + NOW;
    let root = Context::root(ManualClock::new());
    for arrived in [policy.read(message)?, policy.read_stored(message, now)?] {
        assert!(arrived.timeout().is_some_and(|timeout| timeout <= CAP));
        let ctx = arrived.build(&root);
        assert!(ctx.remaining().is_some_and(|left| left <= CAP));
        let mut onward = HashMap::<String, String>::new();
        if inject_stored(&ctx, &mut onward, policy, now).is_err() {
            assert!(ctx.is_done(), "a context that is live can be handed on");
            continue;
        }
        assert!(onward.values().all(|text| text.bytes().all(|byte| matches!(byte, b' '..=b'~'))));
        let again = policy.read_stored(&onward, now).unwrap().build(&root);
        assert_eq!(again.value(&TENANT), ctx.value(&TENANT));
        assert_eq!(again.value(&LIMIT), ctx.value(&LIMIT));
        // Rounded up to a millisecond, and with the skew of the clocks.
        assert!(again.remaining() >= ctx.remaining() || again.remaining() == Some(CAP));
    }
    Ok(())
}

fuzz_target!(|message: &[u8]| {
    for policy in policies() {
        if let Err(refused) = check(&Lines(message), &policy) {
            assert!(refused.to_string().len() < 400);
        }
    }
});
