//! What allocates and what does not. One test in a process of its own, since it counts for the whole process.
#![cfg(feature = "http")]

use std::alloc::System;
use std::hint::black_box;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use purview::Context;
use purview_propagate::{Policy, inject, inject_to};
use purview_wire::Format;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many allocations and how many bytes `f` takes, at best: the harness prints and parks beside it now and then.
fn cost(mut f: impl FnMut()) -> (usize, usize) {
    (0..20)
        .map(|_| {
            let region = Region::new(ALLOCATOR);
            f();
            let change = region.change();
            (change.allocations + change.reallocations, change.bytes_allocated)
        })
        .min()
        .expect("some rounds")
}

#[test]
fn a_deadline_costs_the_node_of_its_context_and_what_the_header_map_takes() {
    let hour = Duration::from_secs(3_600);
    let (root, _canceler) = Context::background().with_cancel();
    let node = cost(|| drop(black_box(root.with_timeout(hour))));
    assert_eq!(node.0, 1, "the measure itself");

    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-timeout", HeaderValue::from_static("1H"));
    for policy in [Policy::untrusted(), Policy::trusted().cap(hour)] {
        assert_eq!(cost(|| drop(black_box(policy.read(&headers)))), (0, 0), "reading");
        let begun = cost(|| drop(black_box(policy.read(&headers).map(|arrived| arrived.begin(&root)))));
        assert_eq!(begun, node, "reading, and the node of the context");
    }
    let empty = HeaderMap::new();
    assert_eq!(
        cost(|| drop(black_box(Policy::read(&Policy::default(), &empty)))).1,
        size_of_policy(),
        "the policy alone"
    );

    headers.insert("grpc-timeout", HeaderValue::from_static("later"));
    let policy = Policy::untrusted();
    assert_eq!(cost(|| drop(black_box(policy.read(&headers)))), (0, 0), "refusing");

    let (ctx, _canceler) = root.with_timeout(hour);
    let policy = Policy::trusted().send(Format::GrpcTimeout);
    let text = cost(|| drop(black_box(HeaderValue::from_str("3599999m").unwrap())));
    let sent = cost(|| inject(&ctx, &mut headers, &policy).unwrap());
    assert_eq!(sent.0, text.0, "the text of the header, which the map wants to own");
    let other = policy.destinations(["example.com"]).unwrap();
    let sent = cost(|| inject_to(&ctx, &mut headers, &other, "example.org:443").unwrap());
    assert_eq!(sent.0, text.0, "a destination costs nothing");
}

/// What making a policy takes.
fn size_of_policy() -> usize {
    cost(|| drop(black_box(Policy::default()))).1
}
