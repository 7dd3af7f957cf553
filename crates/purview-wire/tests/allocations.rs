//! What allocates and what does not. One test in a process of its own, since it counts for the whole process.

use purview_wire::{Baggage, BaggageLimits, ExpiresAt, Format, TraceParent, TraceState};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::hint::black_box;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many allocations and how many bytes `f` takes, at best: the harness prints and parks beside it now and then.
fn cost<T>(mut f: impl FnMut() -> T) -> (usize, usize) {
    (0..5)
        .map(|_| {
            let region = Region::new(ALLOCATOR);
            black_box(f());
            let change = region.change();
            (change.allocations + change.reallocations, change.bytes_allocated)
        })
        .min()
        .expect("some rounds")
}

const NOTHING: (usize, usize) = (0, 0);

#[test]
fn deadlines_allocate_nothing_and_values_one_block_within_the_limits() {
    deadlines();
    traces();
    values();
}

fn deadlines() {
    for format in Format::ALL {
        for value in [&b"200"[..], b"200m", b"respond-async, wait=10", b"hostile\r\n", &[b'9'; 5_000]] {
            assert_eq!(cost(|| format.decode(value)), NOTHING, "{format:?}");
            assert_eq!(cost(|| format.decode_lenient(value)), NOTHING, "{format:?}");
        }
        assert_eq!(cost(|| format.encode(Duration::from_millis(1_500))), NOTHING, "{format:?}");
    }
    assert_eq!(cost(|| ExpiresAt::parse(b"1700000000000").map(ExpiresAt::encode)), NOTHING);
}

fn traces() {
    let header = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    assert_eq!(cost(|| TraceParent::parse(header).map(TraceParent::encode)), NOTHING);
    assert_eq!(cost(|| TraceState::parse([b"".as_slice(), b",,"])), NOTHING);
    let hostile = vec![b','; 100_000];
    assert_eq!(cost(|| TraceState::parse([hostile.as_slice()])), NOTHING);
}

fn values() {
    let read =
        |headers: &[&[u8]]| cost(|| Baggage::parse_lossy(headers.iter().copied(), BaggageLimits::READ));
    assert_eq!(read(&[]), NOTHING);
    assert_eq!(read(&[b"user=ada%20l, plan=pro;since=2024, region=eu"]).0, 1);
    assert_eq!(read(&[&vec![b','; 100_000]]), NOTHING);
    assert_eq!(read(&[&b"x,".repeat(50_000)]), NOTHING, "a hundred thousand bytes of nonsense");
    let (blocks, bytes) = read(&[&b"k=v,".repeat(25_000)]);
    assert!(
        blocks == 1 && bytes <= 8_192,
        "a hundred thousand bytes of members: {blocks} blocks, {bytes} bytes"
    );

    let baggage = Baggage::parse([b"user=ada,plan=pro".as_slice()], BaggageLimits::READ).unwrap();
    assert_eq!(cost(|| baggage.encode(BaggageLimits::SEND)), NOTHING);
    assert_eq!(cost(|| baggage.get("user").map(purview_wire::Member::value)), NOTHING);
}
