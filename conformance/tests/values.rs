//! Values: the nearest wins, a key is a static, and printing shows no value that was not opted in.

use purview::{Context, Key, ManualClock};
use purview_conformance::Opaque;

/// Two keys of one name and one number are two keys.
static ONE: Key<Option<&'static str>> = Key::new("number");
static TWO: Key<&'static str> = Key::new("number");
static THREE: Key<&'static str> = Key::new("three").shown();
/// Never set.
static FOUR: Key<&'static str> = Key::new("four");

/// What a context gives for the three keys; the first may be set to none.
type Seen = (Option<Option<&'static str>>, Option<&'static str>, Option<&'static str>);

#[track_caller]
fn assert_sees(ctx: &Context, expected: Seen) {
    let seen = (ctx.value(&ONE).copied(), ctx.value(&TWO).copied(), ctx.value(&THREE).copied());
    assert_eq!(seen, expected, "values of {ctx}");
    assert_eq!(ctx.value(&FOUR), None);
}

#[test]
fn each_level_sees_exactly_what_was_set_so_far() {
    let root = Context::root(ManualClock::new());
    assert_sees(&root, (None, None, None));
    let one = root.with_value(&ONE, Some("c1k1"));
    assert_sees(&one, (Some(Some("c1k1")), None, None));
    let two = one.with_value(&TWO, "c2k2");
    assert_sees(&two, (Some(Some("c1k1")), Some("c2k2"), None));
    let three = two.with_value(&THREE, "c3k3");
    assert_sees(&three, (Some(Some("c1k1")), Some("c2k2"), Some("c3k3")));
    let hidden = three.with_value(&ONE, None);
    assert_sees(&hidden, (Some(None), Some("c2k2"), Some("c3k3")));
    assert_sees(&three, (Some(Some("c1k1")), Some("c2k2"), Some("c3k3")));
}

#[test]
fn values_come_through_a_users_wrapper_and_can_be_hidden_above_it() {
    let root = Context::root(ManualClock::new());
    assert_sees(&Opaque::wrap(&root), (None, None, None));

    let one = Opaque::wrap(&root.with_value(&ONE, Some("c1k1")));
    assert_sees(&one, (Some(Some("c1k1")), None, None));
    assert_sees(&one.with_value(&TWO, "o1k2"), (Some(Some("c1k1")), Some("o1k2"), None));

    let chain = root
        .with_value(&ONE, Some("c1k1"))
        .with_value(&TWO, "c2k2")
        .with_value(&THREE, "c3k3")
        .with_value(&ONE, None);
    let wrapped = Opaque::wrap(&chain);
    assert_sees(&wrapped, (Some(None), Some("c2k2"), Some("c3k3")));
    assert_sees(&wrapped.with_value(&THREE, "hidden"), (Some(None), Some("c2k2"), Some("hidden")));
}

#[test]
fn a_value_is_printed_by_the_name_of_its_key_and_shown_only_if_the_key_says_so() {
    let root = Context::root(ManualClock::new());
    let one = root.with_value(&ONE, Some("secret"));
    assert_eq!(one.to_string(), "root.with_value(number)");
    let two = one.with_value(&TWO, "secret");
    assert_eq!(two.to_string(), "root.with_value(number).with_value(number)");
    let three = two.with_value(&THREE, "open").to_string();
    assert!(three.contains("three") && three.contains("open") && !three.contains("secret"), "{three}");
}
