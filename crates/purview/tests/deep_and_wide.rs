//! Chains and fans of a million contexts on a stack of 256 KiB: canceled, searched, shown and dropped in several orders.

mod common;

use std::fmt::Write;
use std::time::Duration;

use common::{HOUR, SECOND, child};
use purview::{Context, Key, Reason};
use purview_test::{
    DropCounter, HANG_LIMIT, Probe, SMALL_STACK, assert_drained, manual_root, task, within_stack,
};

const MILLION: usize = 1_000_000;

static NEAR: Key<usize> = Key::new("near");
static FAR: Key<usize> = Key::new("far");
static ABSENT: Key<usize> = Key::new("absent");
static PROBE: Key<Probe> = Key::new("probe");

/// All contexts of a chain, outermost first.
fn chain(root: &Context, depth: usize) -> Vec<Context> {
    let mut all = Vec::with_capacity(depth);
    let mut ctx = root.clone();
    for _ in 0..depth {
        ctx = child(&ctx);
        all.push(ctx.clone());
    }
    all
}

fn small_stack(f: impl FnOnce() + Send + 'static) {
    within_stack(3 * HANG_LIMIT, SMALL_STACK, f);
}

#[test]
fn a_chain_is_cancelled_from_the_top_and_from_the_middle() {
    small_stack(|| {
        let (root, cancel) = Context::background().with_cancel();
        let mut all = chain(&root, MILLION / 2);
        let (middle, cancel_middle) = all[MILLION / 2 - 1].with_cancel();
        all.push(middle.clone());
        all.extend(chain(&middle, MILLION / 2));
        let mut waiting = task(all[MILLION - 1].done().into_owned());
        assert!(waiting.poll().is_pending());
        cancel_middle.cancel_with("middle");
        assert!(waiting.is_woken());
        assert!(all[MILLION / 2..].iter().all(Context::is_done));
        assert!(!all[..MILLION / 2].iter().any(Context::is_done));
        cancel.cancel_with("top");
        assert!(all.iter().all(Context::is_done));
        assert_eq!(all[0].cause().unwrap().to_string(), "top");
        assert_eq!(all[MILLION].cause().unwrap().to_string(), "middle");
    });
}

#[test]
fn a_chain_is_cancelled_by_a_deadline() {
    small_stack(|| {
        let (root, clock) = manual_root();
        let (top, _cancel) = root.with_timeout(SECOND);
        let all = chain(&top, MILLION);
        clock.advance(SECOND);
        assert_eq!(all[MILLION - 1].err(), Some(Reason::DeadlineExceeded));
        assert!(all.iter().all(Context::is_done));
    });
}

#[test]
fn a_chain_held_by_its_last_context_is_dropped_with_it() {
    small_stack(|| {
        let probes = DropCounter::new();
        let root = child(&Context::background());
        for live in [true, false] {
            let (top, cancel) = root.with_value(&PROBE, probes.probe()).with_cancel();
            let last = chain(&top, MILLION).pop().unwrap();
            drop(top);
            if live {
                cancel.detach();
            } else {
                cancel.cancel();
            }
            assert_eq!(last.is_done(), !live);
            drop(last);
            probes.assert_gone();
            assert_drained(&root);
        }
    });
}

#[test]
fn a_chain_is_dropped_from_the_top_from_the_bottom_and_in_disorder() {
    small_stack(|| {
        let root = child(&Context::background());
        let mut top_first = chain(&root, MILLION);
        top_first.drain(..).for_each(drop);
        assert_drained(&root);

        let mut bottom_first = chain(&root, MILLION);
        bottom_first.drain(..).rev().for_each(drop);
        assert_drained(&root);

        let mut disorder = chain(&root, MILLION).into_iter().map(Some).collect::<Vec<_>>();
        // A step that is coprime to the length visits every place once.
        for i in 0..MILLION {
            disorder[(i * 618_033) % MILLION] = None;
        }
        assert!(disorder.iter().all(Option::is_none));
        assert_drained(&root);
    });
}

#[test]
fn a_chain_of_every_kind_of_context_is_cancelled_and_dropped() {
    small_stack(|| {
        let (root, clock) = manual_root();
        let (top, cancel) = root.with_cancel();
        let mut ctx = top.clone();
        for i in 0..MILLION {
            ctx = match i % 6 {
                0 => child(&ctx),
                1 => ctx.with_value(&NEAR, i),
                2 => {
                    let (ctx, cancel) = ctx.with_timeout(HOUR);
                    cancel.detach();
                    ctx
                }
                3 => ctx.named("named"),
                4 => ctx.derive().value(&FAR, i).build(),
                _ => Context::merge([&ctx, &top]),
            };
        }
        assert!(!ctx.is_done());
        cancel.cancel();
        assert!(ctx.is_done());
        assert_eq!(clock.armed(), 0);
        drop(ctx);
        assert_drained(&top);
    });
}

#[test]
fn a_chain_of_merged_contexts_is_cancelled_and_dropped_whichever_source_leads_on() {
    small_stack(|| {
        let (top, cancel) = Context::background().with_cancel();
        let beside = child(&Context::background());
        let mut by_first = top.clone();
        let mut by_second = top.clone();
        for _ in 0..MILLION / 4 {
            by_first = Context::merge([&by_first, &beside]);
            by_second = Context::merge([&beside, &by_second]);
        }
        // One of each is dropped live, and one after its end.
        drop((by_first.clone(), by_second.clone()));
        cancel.cancel();
        assert!(by_first.is_done() && by_second.is_done());
        drop((by_first, by_second));
        assert_drained(&beside);
        let mut live = beside.clone();
        for _ in 0..MILLION / 4 {
            live = Context::merge([&top, &live]);
        }
        drop(live);
        assert_drained(&beside);
    });
}

#[test]
fn a_chain_is_searched_for_values_near_far_and_absent() {
    small_stack(|| {
        let top = Context::background().with_value(&FAR, 1);
        let mut through_nodes = top.clone();
        let mut through_values = top;
        for i in 0..MILLION {
            through_nodes = if i % 3 == 0 { through_nodes.without_cancel() } else { child(&through_nodes) };
            through_values = through_values.with_value(&NEAR, i);
        }
        for ctx in [&through_nodes, &through_values] {
            assert_eq!(ctx.value(&FAR), Some(&1));
            assert_eq!(ctx.value(&ABSENT), None);
        }
        assert_eq!(through_values.value(&NEAR), Some(&(MILLION - 1)));
        assert_eq!(through_nodes.value(&NEAR), None);
        drop((through_nodes, through_values));
    });
}

#[test]
fn a_chain_is_shown_without_recursion() {
    small_stack(|| {
        let ctx = chain(&Context::background(), MILLION).pop().unwrap().with_value(&NEAR, 1);
        let mut text = String::new();
        write!(text, "{ctx}").unwrap();
        assert!(text.starts_with("background"), "{}", &text[..text.len().min(80)]);
        assert!(!format!("{ctx:?}").is_empty());
    });
}

#[test]
fn a_fan_is_cancelled_and_dropped_in_several_orders() {
    small_stack(|| {
        let root = child(&Context::background());
        for order in 0..3 {
            let (top, cancel) = root.with_cancel();
            let mut all = (0..MILLION).map(|_| Some(child(&top))).collect::<Vec<_>>();
            assert_eq!(top.derived_count(), MILLION);
            let mut waiting = task(all[MILLION - 1].as_ref().unwrap().done().into_owned());
            assert!(waiting.poll().is_pending());
            if order == 0 {
                cancel.cancel();
                assert!(all.iter().flatten().all(Context::is_done));
                assert!(waiting.is_woken());
            } else {
                cancel.detach();
            }
            drop(waiting);
            match order {
                0 => all.drain(..).for_each(drop),
                1 => all.drain(..).rev().for_each(drop),
                _ => (0..MILLION).for_each(|i| all[(i * 618_033) % MILLION] = None),
            }
            assert_drained(&top);
        }
        assert_drained(&root);
    });
}

#[test]
fn a_fan_outlives_the_handle_of_its_parent_and_is_then_dropped() {
    small_stack(|| {
        let (root, cancel) = Context::background().with_cancel();
        let middle = child(&root);
        let fan = (0..MILLION).map(|_| child(&middle)).collect::<Vec<_>>();
        drop(middle);
        assert_eq!(root.derived_count(), 1);
        cancel.cancel();
        assert!(fan.iter().all(Context::is_done));
        drop(fan);
        assert_drained(&root);
    });
}

#[test]
fn a_fan_at_the_foot_of_a_chain_is_dropped_from_the_bottom() {
    small_stack(|| {
        let root = child(&Context::background());
        let last = chain(&root, MILLION / 2).pop().unwrap();
        let fan = (0..MILLION / 2).map(|_| child(&last)).collect::<Vec<_>>();
        drop(last);
        drop(fan);
        assert_drained(&root);
    });
}

#[test]
fn of_a_million_deadlines_some_fire_and_others_are_cancelled() {
    small_stack(|| {
        let (root, clock) = manual_root();
        let mut fire = Vec::with_capacity(MILLION / 2);
        let mut spare = Vec::with_capacity(MILLION / 2);
        for i in 0..MILLION as u64 {
            let (ctx, cancel) = root.with_timeout(Duration::from_secs(1 + i / 2 % 1000));
            cancel.detach();
            if i % 2 == 0 { fire.push(ctx) } else { spare.push(ctx) }
        }
        assert_eq!(clock.armed(), MILLION);
        drop(spare);
        assert_eq!(clock.armed(), MILLION / 2);
        clock.advance(1000 * SECOND);
        assert!(fire.iter().all(|ctx| ctx.err() == Some(Reason::DeadlineExceeded)));
        assert_eq!(clock.armed(), 0);
        drop(fire);
        assert_drained(&root);
    });
}

#[test]
fn a_million_waiters_and_callbacks_on_one_context_are_all_served() {
    small_stack(|| {
        let (ctx, cancel) = Context::background().with_cancel();
        let (counter, seen) = (purview_test::CountingWaker::new(), purview_test::CountingWaker::new());
        let waker = counter.waker();
        let mut waiting = (0..MILLION).map(|_| Box::pin(ctx.done())).collect::<Vec<_>>();
        for done in &mut waiting {
            assert!(purview_test::poll_with(done.as_mut(), &waker).is_pending());
        }
        for _ in 0..100_000 {
            let seen = seen.waker();
            drop(ctx.after_func_inline(move || seen.wake()));
        }
        waiting.drain(..1000);
        cancel.cancel();
        assert_eq!(counter.count(), MILLION - 1000);
        assert_eq!(seen.count(), 100_000);
        drop(waiting);
        drop(waker);
        assert_eq!(counter.held(), 0);
    });
}
