//! Values: how many are visible.

use crate::measure::{Chart, curves, each};
use purview::{Context, Key};
use std::hint::black_box;

/// So many more are set: as many as a flat table holds, so that folding is paid for once.
const MORE: u32 = 8;

pub(crate) fn values() -> Chart {
    eprint!("values:");
    let series = curves(
        &[1, 2, 4, 8, 16, 64, 256, 1_000],
        &["the one set first", "the one set last", "absent", "set eight more, drop"],
        |size, measure| {
            // Keys are statics, for ever: so many of them are made once and left there.
            let keys: Vec<&'static Key<u32>> =
                (0..size + MORE).map(|_| &*Box::leak(Box::new(Key::new("k")))).collect();
            let (more, keys) = keys.split_at(MORE as usize);
            let set = |ctx: &Context, keys: &[&'static Key<u32>]| {
                keys.iter().zip(0..).fold(ctx.clone(), |ctx, (key, number)| ctx.with_value(key, number))
            };
            // Keys that are used have numbers.
            let elsewhere = set(&Context::background(), more);
            let ctx = set(&Context::background(), keys);
            let absent = more[0];
            let (first, last) = (keys[0], keys[keys.len() - 1]);
            measure(vec![
                Box::new(|| each(100_000, || assert_eq!(black_box(&ctx).value(first), Some(&0)))),
                Box::new(|| each(100_000, || assert_eq!(black_box(&ctx).value(last), Some(&(size - 1))))),
                Box::new(|| each(100_000, || assert_eq!(black_box(&ctx).value(absent), None))),
                Box::new(|| each(1_000, || drop(black_box(set(&ctx, more)))) / f64::from(MORE)),
            ]);
            assert_eq!(elsewhere.value(absent), Some(&0));
        },
    );
    Chart {
        name: "values",
        title: "Values, each set by a context of its own",
        axis: "values",
        text: "Up to eight values are a scan of a flat table; beyond that, the tables above are folded into a map by the number of \
               the key, whose depth grows with the logarithm of that, five bits a level. Folding is what the last column shows; \
               it comes at every eighth context. A value that is absent is mostly known to be so by one word of bits, until \
               so many keys are visible that the word is full.",
        series,
    }
}
