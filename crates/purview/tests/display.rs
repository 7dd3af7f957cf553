//! What a context prints: its chain, and never a value unless its key opts in.

mod common;

use std::time::Duration;

use common::{HOUR, SECOND, child};
use purview::{Context, Key};
use purview_test::manual_root;

static TOKEN: Key<String> = Key::new("token");
static USER: Key<String> = Key::new("user").shown();

#[test]
fn roots_print_their_names() {
    assert_eq!(Context::background().to_string(), "background");
    assert_eq!(Context::todo().to_string(), "todo");
    assert_eq!(manual_root().0.to_string(), "root");
}

#[test]
fn the_chain_is_printed_outermost_first() {
    let (root, _clock) = manual_root();
    let ctx = child(&root.named("server")).with_value(&TOKEN, "secret".into());
    let text = ctx.to_string();
    let places = ["root", "server", "with_cancel", "token"]
        .map(|part| text.find(part).unwrap_or_else(|| panic!("{part} stands in {text}")));
    assert!(places.is_sorted(), "{text}");
    assert_eq!(child(&Context::background()).to_string(), "background.with_cancel");
}

#[test]
fn a_value_is_printed_only_when_its_key_opts_in() {
    let ctx = Context::background().with_value(&TOKEN, "secret".into()).with_value(&USER, "ann".into());
    let built =
        Context::background().derive().value(&TOKEN, "secret".into()).value(&USER, "ann".into()).build();
    for ctx in [ctx, built] {
        for text in [format!("{ctx}"), format!("{ctx:?}"), format!("{ctx:#?}"), format!("{:?}", ctx.done())] {
            assert!(!text.contains("secret"), "{text}");
        }
        let text = ctx.to_string();
        assert!(text.contains("token") && text.contains("user") && text.contains("ann"), "{text}");
    }
}

#[test]
fn a_timeout_prints_what_is_left_by_its_own_clock() {
    let (root, clock) = manual_root();
    let (ctx, _cancel) = root.with_timeout(2 * SECOND);
    clock.advance(Duration::from_millis(20));
    assert!(ctx.to_string().contains("1.98s left"), "{ctx}");
    clock.advance(HOUR);
    assert!(!ctx.to_string().contains("1.98s"), "{ctx}");
}

#[test]
fn everything_has_a_debug_form_that_shows_no_value() {
    let (root, clock) = manual_root();
    let (ctx, cancel) = root.with_value(&TOKEN, "secret".into()).with_timeout(SECOND);
    let forms = [
        format!("{ctx:?}"),
        format!("{cancel:?}"),
        format!("{:?}", cancel.handle()),
        format!("{:?}", ctx.done()),
        format!("{:?}", ctx.drained()),
        format!("{:?}", ctx.sleep(SECOND)),
        format!("{:?}", ctx.run(std::future::ready(1))),
        format!("{:?}", ctx.after_func(|| ())),
        format!("{:?}", ctx.derive().value(&TOKEN, "secret".into()).named("built")),
        format!("{clock:?} {:?} {:?}", ctx.clock(), TOKEN),
    ];
    for form in forms {
        assert!(!form.is_empty() && !form.contains("secret"), "{form}");
    }
}

#[test]
fn shielded_and_merged_contexts_print() {
    let (a, cancel) = Context::background().with_cancel();
    let shielded = a.without_cancel();
    assert!(shielded.to_string().contains("without_cancel"), "{shielded}");
    let merged = Context::merge([&a, &child(&Context::background())]);
    assert!(!merged.to_string().is_empty());
    cancel.cancel_with("why");
    assert!(!merged.to_string().is_empty() && !format!("{a:?}").is_empty());
}

#[test]
fn a_name_is_kept_by_whatever_was_derived_with_it() {
    let root = Context::background();
    let (canceled, _cancel) = root.derive().named("anna").cancelable();
    let timed = root.derive().timeout(HOUR).named("anna").build();
    let view = root.derive().named("anna").build();
    for ctx in [canceled, timed, view, root.named("anna")] {
        assert!(ctx.to_string().contains("anna"), "{ctx}");
    }
}

#[test]
fn whatever_a_value_or_a_name_says_the_chain_stays_one_line() {
    let forged = "acme\n\u{1b}[31mERROR \u{202e}\u{2028}\u{85}\\n";
    let ctx = Context::background().named(forged.to_owned()).with_value(&USER, forged.into());
    let escaped = r"acme\n\u{1b}[31mERROR \u{202e}\u{2028}\u{85}\\n";
    assert_eq!(ctx.to_string(), format!("background.named({escaped}).with_value(user={escaped})"));
    let plain = "Zoë \"O'Neil\" <zoe@acme.example> 東京";
    let ctx = Context::background().with_value(&USER, plain.into());
    assert_eq!(ctx.to_string(), format!("background.with_value(user={plain})"));
}
