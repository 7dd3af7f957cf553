//! Looking values up.

use crate::bench::Bench;
use crate::measure::{ROUNDS, alternate, seeing};
use crate::row::Limit::{self, Ratio};
use crate::stats::Rounds;
use purview::{Context, Key};

static NUMBERS: [Key<u64>; 3] = [const { Key::new("number") }; 3];
static OTHER: Key<u64> = Key::new("used elsewhere");
static MANY: [Key<u64>; 1_000] = [const { Key::new("one of many") }; 1_000];

/// Three types, since the peers tell values by their types.
#[derive(Debug, Clone, Copy)]
struct One(u64);
#[derive(Debug, Clone, Copy)]
struct Two(u64);
#[derive(Debug, Clone, Copy)]
struct Three(u64);

pub(super) fn rows() -> Vec<Bench> {
    vec![
        Bench::nanos("three values, look each up", "http::Extensions::get", Ratio(1.0), || {
            let ctx = with_three();
            let mut extensions = http::Extensions::new();
            extensions.insert(One(1));
            extensions.insert(Two(2));
            extensions.insert(Three(3));
            let peer = seeing(6, || {
                sum(extensions.get::<One>().map(|one| one.0), extensions.get::<Two>().map(|two| two.0))
                    + extensions.get::<Three>().map_or(0, |three| three.0)
            });
            alternate(ROUNDS, three_of(&ctx), peer)
        }),
        Bench::nanos("three values, look each up", "opentelemetry::Context::get", Limit::None, || {
            let ctx = with_three();
            let peer =
                opentelemetry::Context::new().with_value(One(1)).with_value(Two(2)).with_value(Three(3));
            let peer = seeing(6, || {
                sum(peer.get::<One>().map(|one| one.0), peer.get::<Two>().map(|two| two.0))
                    + peer.get::<Three>().map_or(0, |three| three.0)
            });
            alternate(ROUNDS, three_of(&ctx), peer)
        }),
        Bench::nanos("with_value on top of three, drop it", "opentelemetry::Context", Limit::None, || {
            let ctx = with_three();
            let peer =
                opentelemetry::Context::new().with_value(One(1)).with_value(Two(2)).with_value(Three(3));
            let ours = seeing(7, || ctx.with_value(&OTHER, 7).value(&OTHER).copied().unwrap_or(0));
            alternate(ROUNDS, ours, seeing(7, || peer.with_value(7_u64).get::<u64>().copied().unwrap_or(0)))
        }),
        Bench::nanos("an absent value, 1,000 contexts deep, few keys", "itself, 1 deep", Ratio(1.5), || {
            absent(|at| &NUMBERS[at % NUMBERS.len()])
        }),
        Bench::nanos(
            "an absent value, 1,000 contexts deep, 1,000 keys",
            "itself, 1 deep",
            Ratio(1.5),
            || absent(|at| &MANY[at]),
        ),
    ]
}

fn with_three() -> Context {
    let root = Context::background();
    root.with_value(&NUMBERS[0], 1).with_value(&NUMBERS[1], 2).with_value(&NUMBERS[2], 3)
}

fn three_of(ctx: &Context) -> impl FnMut() -> f64 {
    seeing(6, || {
        sum(ctx.value(&NUMBERS[0]).copied(), ctx.value(&NUMBERS[1]).copied())
            + ctx.value(&NUMBERS[2]).copied().unwrap_or(0)
    })
}

fn sum(one: Option<u64>, other: Option<u64>) -> u64 {
    one.unwrap_or(0) + other.unwrap_or(0)
}

/// A miss below 1,000 contexts, every other one of them with a value, and below a single value.
fn absent(key: impl Fn(usize) -> &'static Key<u64>) -> Rounds {
    // A key that was never used has no number yet, and would be missed without looking.
    assert_eq!(Context::background().with_value(&OTHER, 1).value(&OTHER), Some(&1));
    let shallow = Context::background().with_value(key(0), 1);
    let mut deep = vec![Context::background().with_cancel().0];
    let _cancelers: Vec<_> = (0..1_000)
        .map(|at| {
            let (ctx, canceler) = deep[deep.len() - 1].with_value(key(at), 1).with_cancel();
            deep.push(ctx);
            canceler
        })
        .collect();
    let deep = &deep[deep.len() - 1];
    assert_eq!(deep.value(key(500)), Some(&1));
    let miss = |ctx: &Context| u64::from(ctx.value(&OTHER).is_none());
    alternate(ROUNDS, seeing(1, || miss(deep)), seeing(1, || miss(&shallow)))
}
