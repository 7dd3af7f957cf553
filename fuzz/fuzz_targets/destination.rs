//! Where values may go, a host a line: the first line is what a policy allows, and nothing that is not at or below it is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use purview_propagate::Policy;

fuzz_target!(|text: &str| {
    let (allowed, others) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(policy) = Policy::trusted().destinations([allowed]) else { return };
    assert!(policy.sends_values_to(allowed), "a host is at itself");
    assert!(!policy.sends_values_to(&format!("evil-{allowed}")));
    let name = |host: &str| host.split(':').next().unwrap_or("").trim_end_matches('.').to_ascii_lowercase();
    let longer = format!("{}.evil.invalid", name(allowed));
    assert!("evil.invalid".ends_with(&name(allowed)) || !policy.sends_values_to(&longer));
    for other in others.lines().filter(|other| policy.sends_values_to(other)) {
        assert!(
            other.starts_with('[') || name(other).ends_with(&name(allowed)),
            "{other} is not below {allowed}"
        );
    }
});
