//! Values: identity of keys, shadowing, defaults, absence, lifetime.

mod common;

use std::sync::Mutex;
use std::sync::atomic::Ordering;

use common::{HOUR, child};
use purview::{Context, Key};
use purview_test::{DropCounter, Probe, manual_root};

static USER: Key<String> = Key::new("user");
static OTHER_USER: Key<String> = Key::new("user");
static LIMIT: Key<u32> = Key::new("limit").with_default(&10);
static MAYBE: Key<Option<u32>> = Key::new("maybe");
static UNIT: Key<()> = Key::new("unit");
static PROBE: Key<Probe> = Key::new("probe");
static LARGE: Key<[u64; 512]> = Key::new("large");
static ALIGNED: Key<Aligned> = Key::new("aligned");

#[repr(align(256))]
struct Aligned(u8);

#[test]
fn a_value_is_found_below_and_not_above_or_beside() {
    let root = child(&Context::background());
    let ctx = root.with_value(&USER, "ann".to_owned());
    let below = child(&child(&ctx).named("named"));
    let beside = child(&root);
    assert_eq!(ctx.value(&USER).map(String::as_str), Some("ann"));
    assert_eq!(below.value(&USER).map(String::as_str), Some("ann"));
    assert!(root.value(&USER).is_none() && beside.value(&USER).is_none());
    assert!(Context::background().value(&USER).is_none());
}

#[test]
fn two_statics_of_one_name_are_two_keys() {
    let ctx = Context::background().with_value(&USER, "ann".to_owned());
    assert_eq!(USER.name(), OTHER_USER.name());
    assert!(ctx.value(&OTHER_USER).is_none());
    let ctx = ctx.with_value(&OTHER_USER, "bob".to_owned());
    assert_eq!(ctx.value(&USER).unwrap(), "ann");
    assert_eq!(ctx.value(&OTHER_USER).unwrap(), "bob");
}

#[test]
fn the_nearest_value_wins_and_shadowing_changes_nothing_above() {
    let a = Context::background().with_value(&LIMIT, 1);
    let b = child(&a).with_value(&LIMIT, 2);
    let c = b.named("between").with_value(&LIMIT, 3);
    assert_eq!([&a, &b, &c].map(|ctx| *ctx.value(&LIMIT).unwrap()), [1, 2, 3]);
    assert_eq!(child(&b).value(&LIMIT), Some(&2));
}

#[test]
fn a_default_stands_in_for_what_was_never_set() {
    assert_eq!(Context::background().value(&LIMIT), Some(&10));
    let ctx = child(&Context::background());
    assert_eq!(ctx.value(&LIMIT), Some(&10));
    assert_eq!(ctx.with_value(&LIMIT, 11).value(&LIMIT), Some(&11));
    assert!(!ctx.has_value(&LIMIT), "a default is not set");
    assert!(child(&ctx.with_value(&LIMIT, 10)).has_value(&LIMIT), "also where it is as the default");
    assert!(ctx.with_value(&MAYBE, None).has_value(&MAYBE));
}

#[test]
fn absent_differs_from_set_to_none() {
    let outer = Context::background().with_value(&MAYBE, Some(1));
    let inner = outer.with_value(&MAYBE, None);
    assert_eq!(Context::background().value(&MAYBE), None);
    assert_eq!(outer.value(&MAYBE), Some(&Some(1)));
    assert_eq!(inner.value(&MAYBE), Some(&None), "set to none, which hides the outer one");
}

#[test]
fn values_outlive_cancellation() {
    let (ctx, cancel) = Context::background().with_value(&USER, "ann".to_owned()).with_cancel();
    let below = ctx.with_value(&LIMIT, 5);
    cancel.cancel();
    assert_eq!(below.value(&USER).unwrap(), "ann");
    assert_eq!(below.value(&LIMIT), Some(&5));
    let after = below.with_value(&LIMIT, 6);
    assert_eq!((after.value(&LIMIT), after.value(&USER).is_some(), after.is_done()), (Some(&6), true, true));
}

#[test]
fn values_of_every_size_and_alignment_are_kept_whole() {
    let large = std::array::from_fn(|i| i as u64);
    let ctx = Context::background()
        .with_value(&UNIT, ())
        .with_value(&LARGE, large)
        .with_value(&ALIGNED, Aligned(7));
    let background = Context::background();
    let built = background.derive().value(&ALIGNED, Aligned(8)).value(&UNIT, ()).value(&LARGE, large).build();
    for (ctx, number) in [(ctx, 7), (built, 8)] {
        assert_eq!(ctx.value(&UNIT), Some(&()));
        assert_eq!(ctx.value(&LARGE), Some(&large));
        let aligned = ctx.value(&ALIGNED).unwrap();
        assert_eq!(aligned.0, number);
        assert_eq!(std::ptr::from_ref(aligned).addr() % 256, 0);
    }
}

#[test]
fn many_keys_are_all_found_however_deep() {
    // Leaked, since a key is known by its static; thousands of keys reach past every small array of entries.
    let keys: &'static [Key<usize>] = Vec::leak((0..2000).map(|_| Key::new("many")).collect());
    let mut ctx = Context::background();
    for (i, key) in keys.iter().enumerate() {
        ctx = ctx.with_value(key, i);
        if i % 3 == 0 {
            ctx = child(&ctx);
        }
    }
    let fork = ctx.with_value(&keys[0], 7);
    for (i, key) in keys.iter().enumerate() {
        assert_eq!(ctx.value(key), Some(&i));
        assert_eq!(fork.value(key), Some(if i == 0 { &7 } else { &i }));
    }
    assert!(ctx.value(&USER).is_none());
}

#[test]
fn forks_of_a_long_chain_do_not_see_each_other() {
    let keys: &'static [Key<usize>] = Vec::leak((0..64).map(|_| Key::new("fork")).collect());
    let mut line = vec![Context::background()];
    for (i, key) in keys.iter().enumerate() {
        line.push(line[i].with_value(key, i));
    }
    for (i, ctx) in line.iter().enumerate() {
        let left = ctx.with_value(&keys[0], 1000 + i);
        let right = ctx.with_value(&keys[63], 2000 + i);
        for (j, key) in keys.iter().enumerate() {
            let here = (j < i).then_some(j);
            assert_eq!(ctx.value(key).copied(), here);
            assert_eq!(left.value(key).copied(), if j == 0 { Some(1000 + i) } else { here });
            assert_eq!(right.value(key).copied(), if j == 63 { Some(2000 + i) } else { here });
        }
    }
}

#[test]
fn a_value_is_shared_not_copied_and_can_be_changed_through_a_lock() {
    static COUNT: Key<Mutex<u32>> = Key::new("count");
    let ctx = Context::background().with_value(&COUNT, Mutex::new(0));
    let below = child(&ctx);
    *below.value(&COUNT).unwrap().lock().unwrap() += 1;
    assert_eq!(*ctx.value(&COUNT).unwrap().lock().unwrap(), 1);
    assert!(std::ptr::eq(ctx.value(&COUNT).unwrap(), below.value(&COUNT).unwrap()));
}

#[test]
fn a_value_goes_with_the_last_context_that_can_see_it() {
    let probes = DropCounter::new();
    let (root, _clock) = manual_root();
    let ctx = root.with_value(&PROBE, probes.probe());
    let shadowing = ctx.with_value(&PROBE, probes.probe());
    let (timed, cancel) = ctx.with_timeout(HOUR);
    let shielded = timed.without_cancel();
    drop(ctx);
    drop(timed);
    cancel.cancel();
    assert_eq!(probes.live(), 2);
    drop(shadowing);
    assert_eq!(probes.live(), 1);
    assert!(shielded.value(&PROBE).is_some());
    drop(shielded);
    probes.assert_gone();
}

#[test]
fn values_are_read_by_many_threads_at_once() {
    let ctx = Context::background().with_value(&USER, "ann".to_owned()).with_value(&LIMIT, 3);
    let found = std::sync::atomic::AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let below = child(&ctx);
                for _ in 0..1000 {
                    assert_eq!(below.value(&USER).unwrap(), "ann");
                    found.fetch_add(*below.value(&LIMIT).unwrap(), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(found.into_inner(), 12_000);
}

#[test]
fn values_set_again_and_again_beyond_what_a_table_scans_are_the_latest() {
    static KEYS: [Key<u32>; 40] = [const { Key::new("one of many") }; 40];
    let mut ctx = Context::background();
    for round in 0..3 {
        for (key, i) in KEYS.iter().zip(0..) {
            ctx = ctx.with_value(key, round * 100 + i);
            assert_eq!(ctx.value(key), Some(&(round * 100 + i)));
        }
        for (key, i) in KEYS.iter().zip(0..) {
            assert_eq!(ctx.value(key), Some(&(round * 100 + i)));
        }
    }
}

#[test]
fn a_value_above_one_context_that_sets_many_is_found() {
    static ABOVE: [Key<u32>; 2] = [const { Key::new("above") }; 2];
    static MANY: [Key<u32>; 8] = [const { Key::new("many") }; 8];
    for count in 1..=2 {
        let above = ABOVE[..count].iter().fold(Context::background(), |ctx, key| ctx.with_value(key, 7));
        let many = above.derive().value(&MANY[0], 1).value(&MANY[1], 2).value(&MANY[2], 3).value(&MANY[3], 4);
        let many = many.value(&MANY[4], 5).value(&MANY[5], 6).value(&MANY[6], 7).value(&MANY[7], 8).build();
        assert!(ABOVE[..count].iter().all(|key| many.value(key) == Some(&7)));
        assert!(ABOVE[count..].iter().all(|key| many.value(key).is_none()));
        assert_eq!(MANY.each_ref().map(|key| *many.value(key).unwrap()), [1, 2, 3, 4, 5, 6, 7, 8]);
    }
}
