//! Nobody is woken before everybody is marked, and the order of waking is the stated one.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use common::{HOUR, SECOND, child};
use purview::{Context, Key};
use purview_test::{ReentrantWaker, WakeLog, manual_root, task};

static DEPTH: Key<usize> = Key::new("depth");

const NODES: usize = 240;

type Shape = fn(usize) -> usize;

/// Each shape gives the parent of node `i > 0`.
const SHAPES: [(&str, Shape); 6] = [
    ("chain", |i| i - 1),
    ("fan", |_| 0),
    ("binary", |i| (i - 1) / 2),
    ("comb", |i| if i % 2 == 0 && i > 1 { i - 2 } else { i - 1 }),
    ("brooms", |i| if i % 24 < 12 { i - 1 } else { i - i % 24 + 11 }),
    ("random", |i| ((i * 40_503) >> 3) % i),
];

/// One node of the tree, of a kind that depends on its number.
fn node(i: usize, parent: &Context, any_other: &Context) -> Context {
    match i % 7 {
        1 => parent.with_value(&DEPTH, i),
        2 => parent.derive().timeout(HOUR).named("timed").build(),
        3 => Context::merge([parent, any_other]),
        4 => Context::merge([any_other, parent]),
        5 => parent.named("named"),
        _ => child(parent),
    }
}

/// Builds a tree below `top`, lets every node watch all others from wakers and inline callbacks, ends it, and checks.
fn everybody_is_marked_before(name: &str, shape: Shape, top: &Context, end: impl FnOnce()) {
    let nodes = Arc::new(OnceLock::<Vec<Context>>::new());
    let (woken, early) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let look = {
        let (nodes, woken, early) = (nodes.clone(), woken.clone(), early.clone());
        move || {
            woken.fetch_add(1, Ordering::SeqCst);
            let live =
                nodes.get().unwrap().iter().filter(|ctx| !ctx.is_done() || ctx.cause().is_none()).count();
            early.fetch_add(live, Ordering::SeqCst);
        }
    };
    let mut tree = vec![top.clone()];
    for i in 1..NODES {
        let ctx = node(i, &tree[shape(i)], &tree[i / 2]);
        tree.push(ctx);
    }
    let waiting = tree
        .iter()
        .map(|ctx| {
            let mut done = task(ctx.done().into_owned());
            assert!(done.poll_with(&ReentrantWaker::new(look.clone())).is_pending());
            (done, ctx.after_func_inline(look.clone()))
        })
        .collect::<Vec<_>>();
    assert!(nodes.set(tree).is_ok());
    end();
    assert_eq!(woken.load(Ordering::SeqCst), 2 * NODES, "{name}: everybody is woken once");
    assert_eq!(early.load(Ordering::SeqCst), 0, "{name}: someone was woken while another was not marked");
    drop(waiting);
}

#[test]
fn whoever_is_woken_by_a_cancel_sees_every_descendant_done() {
    for (name, shape) in SHAPES {
        let (top, cancel) = Context::background().with_cancel();
        everybody_is_marked_before(name, shape, &top, || cancel.cancel_with("why"));
    }
}

#[test]
fn whoever_is_woken_by_a_dropped_canceler_sees_every_descendant_done() {
    for (name, shape) in SHAPES {
        let (top, cancel) = Context::background().with_cancel();
        everybody_is_marked_before(name, shape, &top, || drop(cancel));
    }
}

#[test]
fn whoever_is_woken_by_a_deadline_sees_every_descendant_done() {
    for (name, shape) in SHAPES {
        let (root, clock) = manual_root();
        let (top, _cancel) = root.with_timeout(SECOND);
        everybody_is_marked_before(name, shape, &top, || clock.advance(SECOND));
    }
}

#[test]
fn whoever_is_woken_through_a_merge_sees_every_descendant_done() {
    for (name, shape) in SHAPES {
        let (source, cancel) = Context::background().with_cancel();
        let other = child(&Context::background());
        let top = Context::merge([&other, &source]);
        everybody_is_marked_before(name, shape, &top, || cancel.cancel());
        assert!(!other.is_done());
    }
}

#[test]
fn a_waiter_of_the_source_sees_what_is_merged_from_it_done() {
    let (source, cancel) = Context::background().with_cancel();
    let other = child(&Context::background());
    let seen = WakeLog::new();
    let merged = Arc::new(OnceLock::new());
    // Registered before there is any merged context.
    let mut waiting = task(source.done());
    let look = {
        let (seen, merged) = (seen.clone(), merged.clone());
        move || {
            let all: &[Context; 3] = merged.get().unwrap();
            seen.push(all.each_ref().map(Context::is_done));
        }
    };
    assert!(waiting.poll_with(&ReentrantWaker::new(look)).is_pending());
    let once = Context::merge([&other, &source]);
    let twice = Context::merge([&once, &source, &other]);
    assert!(merged.set([once, child(&twice), twice]).is_ok());
    cancel.cancel();
    assert_eq!(seen.entries(), [[true; 3]]);
}

#[test]
fn the_order_is_own_waiters_as_registered_then_each_child_with_its_subtree() {
    let (root, cancel) = Context::background().with_cancel();
    let (a, b) = (child(&root), child(&root));
    let b1 = child(&b);
    let (a1, a2) = (child(&a), child(&a));
    let a1x = child(&a1);
    let c = child(&root);
    let log = WakeLog::new();
    let mut held = Vec::new();
    // Registered in an order that is none of the tree's.
    for (ctx, name) in [
        (&a1x, "a1x"),
        (&root, "root first"),
        (&b1, "b1"),
        (&c, "c"),
        (&a, "a first"),
        (&a2, "a2"),
        (&root, "root second"),
        (&b, "b"),
        (&a1, "a1"),
        (&a, "a second"),
        (&root, "root third"),
    ] {
        let mut done = task(ctx.done());
        assert!(done.poll_with(&log.waker(name)).is_pending());
        held.push(done);
    }
    cancel.cancel();
    let order =
        ["root first", "root second", "root third", "a first", "a second", "a1", "a1x", "a2", "b", "b1", "c"];
    assert_eq!(log.entries(), order);
}

#[test]
fn a_new_waker_keeps_the_place_and_a_new_wait_goes_to_the_end() {
    let (ctx, cancel) = Context::background().with_cancel();
    let log = WakeLog::new();
    let (mut first, mut second, mut third) = (task(ctx.done()), task(ctx.done()), task(ctx.done()));
    for (done, name) in [(&mut first, "first"), (&mut second, "second"), (&mut third, "third")] {
        assert!(done.poll_with(&log.waker(name)).is_pending());
    }
    assert!(first.poll_with(&log.waker("first again")).is_pending());
    drop(second);
    let mut second = task(ctx.done());
    assert!(second.poll_with(&log.waker("second anew")).is_pending());
    cancel.cancel();
    assert_eq!(log.entries(), ["first again", "third", "second anew"]);
}

#[test]
fn inline_callbacks_run_in_the_same_order_in_every_run() {
    let run = || {
        let (root, cancel) = Context::background().with_cancel();
        let log = WakeLog::new();
        let tree = (0..60_usize).fold(vec![root.clone()], |mut tree, i| {
            let next = child(&tree[i / 3]);
            tree.push(next);
            tree
        });
        for (i, ctx) in tree.iter().enumerate() {
            let log = log.clone();
            drop(ctx.after_func_inline(move || log.push(i)));
        }
        cancel.cancel();
        log.entries()
    };
    let order = run();
    assert_eq!(order.len(), 61);
    for _ in 0..20 {
        assert_eq!(run(), order);
    }
}

#[test]
fn children_that_left_do_not_change_the_order_of_those_that_stay() {
    let (root, cancel) = Context::background().with_cancel();
    let log = WakeLog::new();
    let mut all = (0..100).map(|i| (i, child(&root))).collect::<Vec<_>>();
    all.retain(|(i, _)| i % 3 != 0);
    all.extend((100..120).map(|i| (i, child(&root))));
    let mut waiting = all.iter().rev().map(|(i, ctx)| (*i, task(ctx.done()))).collect::<Vec<_>>();
    for (i, done) in &mut waiting {
        assert!(done.poll_with(&log.waker(*i)).is_pending());
    }
    cancel.cancel();
    assert_eq!(log.entries(), all.iter().map(|(i, _)| *i).collect::<Vec<_>>());
}
