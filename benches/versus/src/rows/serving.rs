//! A request through both layers, beside the same service with tower-http's timeout.

use crate::bench::Bench;
use crate::counts;
use crate::measure::{ROUNDS, alternate, seeing};
use crate::row::Limit::{self, Added};
use crate::row::Unit;
use crate::served::{ANSWER, layered, layered_over_http, timed_out, timed_out_over_http};
use crate::stats::Rounds;

const OVER_HTTP: &str = "a request over HTTP/1 through both layers";
const LEAN: &str = "such a request, its context in no extension";
const IN_PROCESS: &str = "a request in process through both layers";
const PEER: &str = "tower-http's timeout instead";

pub(super) fn rows() -> Vec<Bench> {
    vec![
        Bench::nanos(OVER_HTTP, PEER, Added(2_000.0), || {
            alternate(ROUNDS, seeing(ANSWER, layered_over_http()), seeing(ANSWER, timed_out_over_http()))
        }),
        allocations(OVER_HTTP, Added(3.0), "layers over HTTP", "tower-http's timeout over HTTP"),
        allocations(LEAN, Added(3.0), "layers without extension over HTTP", "tower-http's timeout over HTTP"),
        Bench::nanos(IN_PROCESS, PEER, Limit::None, || {
            alternate(ROUNDS, seeing(ANSWER, layered()), seeing(ANSWER, timed_out()))
        }),
        allocations(IN_PROCESS, Limit::None, "layers", "tower-http's timeout"),
    ]
}

fn allocations(work: &str, limit: Limit, ours: &'static str, peers: &'static str) -> Bench {
    Bench::fallible(&format!("allocations of {work}"), PEER, Unit::Allocations, limit, || {
        Ok(Rounds::once(counts::of(ours)?.allocations_each(), counts::of(peers)?.allocations_each()))
    })
}
