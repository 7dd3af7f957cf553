//! Whoever goes last frees what is left, by whichever way he goes.

mod common;

use common::child;
use purview::{Context, Key};
use purview_test::{DropCounter, Probe, assert_drained};

static PROBE: Key<Probe> = Key::new("probe");

#[test]
fn a_canceler_that_outlives_its_context_frees_what_that_holds() {
    let probes = DropCounter::new();
    let root = child(&Context::background());
    for _ in 0..2 {
        let (ctx, cancel) = root.derive().value(&PROBE, probes.probe()).cancelable();
        drop(ctx);
        assert_eq!(probes.live(), 1);
        cancel.cancel();
        probes.assert_gone();
        assert_drained(&root);
    }
}

#[test]
fn a_child_of_a_view_of_a_root_gives_the_view_back() {
    let probes = DropCounter::new();
    let (ctx, cancel) = Context::background().with_value(&PROBE, probes.probe()).with_cancel();
    cancel.detach();
    drop(ctx);
    probes.assert_gone();
    let (ctx, cancel) = Context::background().with_value(&PROBE, probes.probe()).with_cancel();
    drop(ctx);
    cancel.cancel();
    probes.assert_gone();
}

#[test]
fn a_cause_for_a_context_that_nobody_holds_is_dropped() {
    let probes = DropCounter::new();
    let root = child(&Context::background());
    let (ctx, cancel) = root.with_cancel();
    drop(ctx);
    cancel.cancel_with(probes.probe());
    probes.assert_gone();
    assert_drained(&root);
}

#[test]
fn a_cause_that_a_canceler_gives_too_late_is_dropped() {
    let probes = DropCounter::new();
    let (parent, cancel_parent) = Context::background().with_cancel();
    let (ctx, cancel) = parent.with_cancel();
    cancel_parent.cancel_with("first");
    cancel.cancel_with(probes.probe());
    probes.assert_gone();
    assert_eq!(ctx.cause().unwrap().to_string(), "first");
}
