//! Values whose destructors panic, cancel, derive, block, and drop the last handle of their own tree.

mod common;

use std::sync::{Arc, Mutex};
use std::thread;

use common::{child, survives};
use purview::{Context, Key};
use purview_test::{
    DropCounter, Gate, HANG_LIMIT, PanicOnDrop, PanickingCause, Probe, RunOnDrop, SMALL_STACK,
    assert_drained, manual_root, task, within, within_stack,
};

static BAD: Key<PanicOnDrop> = Key::new("bad");
static PROBE: Key<Probe> = Key::new("probe");
static GUARD: Key<RunOnDrop> = Key::new("guard");
static SHOWN: Key<PanickingCause> = Key::new("shown").shown();
static SLOT: Key<Mutex<Option<Context>>> = Key::new("slot");

#[test]
fn a_value_that_panics_as_it_drops_leaves_every_other_value_dropped() {
    let probes = DropCounter::new();
    let root = child(&Context::background());
    let low = {
        let top = root.with_value(&PROBE, probes.probe());
        let middle = child(&top.with_value(&BAD, PanicOnDrop)).with_value(&PROBE, probes.probe());
        let low = middle.derive().value(&PROBE, probes.probe()).value(&BAD, PanicOnDrop);
        low.value(&PROBE, probes.probe()).named("one node").build()
    };
    assert_eq!(probes.live(), 4);
    survives(|| drop(low));
    probes.assert_gone();
    assert_drained(&root);
    assert!(!root.is_done());
}

#[test]
fn a_long_chain_of_values_that_panic_as_they_drop_goes_away_whole() {
    within_stack(HANG_LIMIT, SMALL_STACK, || {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| ()));
        let probes = DropCounter::new();
        let root = child(&Context::background());
        let mut ctx = root.clone();
        for _ in 0..500 {
            ctx = child(&ctx.with_value(&PROBE, probes.probe()).with_value(&BAD, PanicOnDrop));
        }
        survives(|| drop(ctx));
        std::panic::set_hook(hook);
        probes.assert_gone();
        assert_drained(&root);
    });
}

#[test]
fn a_value_that_panics_as_it_drops_during_unwinding_does_not_end_the_process() {
    let probes = DropCounter::new();
    let outcome = survives(|| {
        let _ctx = Context::background()
            .with_value(&PROBE, probes.probe())
            .with_value(&BAD, PanicOnDrop)
            .named("held");
        panic!("while the context is held");
    });
    assert!(outcome.is_none());
    probes.assert_gone();
}

#[test]
fn a_value_that_cancels_as_it_drops_cancels() {
    within(HANG_LIMIT, || {
        let (parent, cancel) = Context::background().with_cancel();
        let sibling = child(&parent);
        let mut waiting = task(sibling.done());
        assert!(waiting.poll().is_pending());
        let guard = RunOnDrop::new(move || cancel.cancel_with("value dropped"));
        let ctx = child(&parent).with_value(&GUARD, guard);
        let below = child(&ctx);
        drop(ctx);
        assert!(!parent.is_done(), "a child still holds the value");
        drop(below);
        assert_eq!(parent.cause().unwrap().to_string(), "value dropped");
        assert!(sibling.is_done() && waiting.is_woken());
        drop(waiting);
        drop(sibling);
        assert_drained(&parent);
    });
}

#[test]
fn a_value_that_derives_reads_and_waits_as_it_drops_may_do_so() {
    within(HANG_LIMIT, || {
        let (root, clock) = manual_root();
        let guard = {
            let (root, clock) = (root.clone(), clock.clone());
            RunOnDrop::new(move || {
                let (ctx, _cancel) = root.with_timeout(common::SECOND);
                let nested = ctx.with_value(&GUARD, RunOnDrop::new(|| ()));
                clock.advance(common::SECOND);
                assert!(nested.done().wait().is_deadline_exceeded());
                assert!(nested.value(&PROBE).is_none());
            })
        };
        drop(root.with_value(&GUARD, guard));
        assert_drained(&root);
    });
}

#[test]
fn a_value_that_blocks_as_it_drops_holds_up_only_who_drops_it() {
    let (parent, cancel) = Context::background().with_cancel();
    let (dropping, release) = (Gate::new(), Gate::new());
    let guard = {
        let (dropping, release) = (dropping.clone(), release.clone());
        RunOnDrop::new(move || {
            dropping.open();
            release.wait();
        })
    };
    let ctx = child(&parent).with_value(&GUARD, guard);
    let blocked = thread::spawn(move || drop(ctx));
    dropping.wait();
    within(HANG_LIMIT, move || {
        let fresh = child(&parent);
        let mut waiting = task(fresh.done());
        assert!(waiting.poll().is_pending());
        cancel.cancel();
        assert!(waiting.is_woken() && fresh.is_done());
    });
    assert!(!blocked.is_finished());
    release.open();
    within(HANG_LIMIT, move || blocked.join().unwrap());
}

#[test]
fn a_value_that_drops_the_last_handle_of_its_own_tree_frees_the_tree() {
    within(HANG_LIMIT, || {
        let probes = DropCounter::new();
        let root = child(&Context::background());
        // The value holds a sibling, which is then the last handle of their common parent.
        let parent = child(&root).with_value(&PROBE, probes.probe());
        let sibling = child(&parent).with_value(&PROBE, probes.probe());
        let ctx = child(&parent).with_value(&SLOT, Mutex::new(Some(sibling)));
        drop(parent);
        assert_eq!(probes.live(), 2);
        drop(ctx);
        probes.assert_gone();
        assert_drained(&root);
    });
}

#[test]
fn a_value_that_holds_a_chain_of_values_that_hold_chains_drops_them_all() {
    within_stack(HANG_LIMIT, SMALL_STACK, || {
        let probes = DropCounter::new();
        let mut inner = Context::background();
        // Foreign destructors nest by themselves, so this depth is what fits, not what the tree allows.
        for _ in 0..50 {
            let mut ctx = child(&Context::background()).with_value(&PROBE, probes.probe());
            for _ in 0..50 {
                ctx = child(&ctx);
            }
            inner = ctx.with_value(&SLOT, Mutex::new(Some(inner)));
        }
        drop(inner);
        probes.assert_gone();
    });
}

#[test]
fn a_value_that_takes_its_own_context_out_of_itself_breaks_the_cycle_of_its_user() {
    within(HANG_LIMIT, || {
        let probes = DropCounter::new();
        let root = child(&Context::background());
        let ctx = root.with_value(&SLOT, Mutex::default()).with_value(&PROBE, probes.probe());
        *ctx.value(&SLOT).unwrap().lock().unwrap() = Some(ctx.clone());
        let itself = ctx.value(&SLOT).unwrap().lock().unwrap().take();
        drop(ctx);
        assert_eq!(probes.live(), 1);
        drop(itself);
        probes.assert_gone();
        assert_drained(&root);
    });
}

#[test]
fn values_are_dropped_once_each_whoever_is_the_last() {
    let probes = DropCounter::new();
    for round in 0..500 {
        let ctx = child(&Context::background()).with_value(&PROBE, probes.probe());
        let ctxs = Arc::new([child(&ctx), child(&ctx), ctx.clone(), ctx.named("named")]);
        drop(ctx);
        let threads = [0, 1, 2, 3].map(|i| {
            let ctx = ctxs[(i + round) % 4].clone();
            std::thread::spawn(move || drop(ctx))
        });
        drop(ctxs);
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!((probes.live(), probes.dropped()), (0, round + 1));
    }
}

#[test]
fn a_shown_value_whose_display_panics_harms_nothing_but_the_showing() {
    let (ctx, cancel) = Context::background().with_value(&SHOWN, PanickingCause).with_cancel();
    for _ in 0..2 {
        survives(|| ctx.to_string());
    }
    assert!(ctx.value(&SHOWN).is_some());
    let below = child(&ctx);
    cancel.cancel();
    assert!(below.is_done());
    drop(below);
    assert_drained(&ctx);
}
