//! A request through both layers, beside the same service with tower-http's timeout.

use crate::bench::Bench;
use crate::counts;
use crate::measure::{ROUNDS, alternate, seeing};
use crate::row::Limit::Added;
use crate::row::Unit;
use crate::served::{ANSWER, layered, timed_out};
use crate::stats::Rounds;

const WORK: &str = "a request through the client's and the server's layer";
const PEER: &str = "tower-http's timeout instead";

pub(super) fn rows() -> Vec<Bench> {
    vec![
        Bench::nanos(WORK, PEER, Added(2_000.0), || {
            alternate(ROUNDS, seeing(ANSWER, layered()), seeing(ANSWER, timed_out()))
        }),
        Bench::fallible(WORK, PEER, Unit::Allocations, Added(3.0), || {
            #[expect(clippy::cast_precision_loss, reason = "small counts")]
            let allocations = |what| counts::of(what).map(|count| count.allocations as f64);
            Ok(Rounds::once(allocations("layers")?, allocations("tower-http's timeout")?))
        }),
    ]
}
