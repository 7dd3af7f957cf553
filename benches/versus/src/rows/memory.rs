//! What a context allocates.

use crate::bench::Bench;
use crate::counts;
use crate::peers::TOKEN;
use crate::row::Limit::{self, Ours};
use crate::row::Unit;
use crate::stats::Rounds;

pub(super) fn rows() -> Vec<Bench> {
    let go = "Go: 331 bytes";
    vec![
        bytes("bytes of a child", TOKEN, Ours(128.0), "child", Some("token")),
        allocations("allocations of a child", TOKEN, Ours(1.0), "child", Some("token")),
        allocations(
            "allocations of a child after a child",
            TOKEN,
            Ours(0.0),
            "child after a child",
            Some("token"),
        ),
        bytes("bytes of a child with a timeout", go, Ours(128.0), "timeout", None),
        allocations("allocations of a child with a timeout", "Go: 4", Ours(1.0), "timeout", None),
        bytes(
            "bytes of a child with a timeout",
            TOKEN_AND_SLEEP,
            Limit::None,
            "timeout",
            Some("token and sleep"),
        ),
        bytes("bytes of a request: timeout, two values, a name", "", Limit::None, "request", None),
        allocations(
            "allocations of a request: timeout, two values, a name",
            "",
            Limit::None,
            "request",
            None,
        ),
        allocations("allocations of reading, waiting and waking", "", Ours(0.0), "waiting", None),
    ]
}

const TOKEN_AND_SLEEP: &str = "token and boxed sleep";

fn bytes(work: &str, peer: &str, limit: Limit, ours: &'static str, peers: Option<&'static str>) -> Bench {
    Bench::fallible(work, peer, Unit::Bytes, limit, move || counted(ours, peers, counts::Count::bytes_each))
}

fn allocations(
    work: &str,
    peer: &str,
    limit: Limit,
    ours: &'static str,
    peers: Option<&'static str>,
) -> Bench {
    Bench::fallible(work, peer, Unit::Allocations, limit, move || {
        counted(ours, peers, counts::Count::allocations_each)
    })
}

fn counted(ours: &str, peers: Option<&str>, figure: fn(&counts::Count) -> f64) -> Result<Rounds, String> {
    let ours = figure(&counts::of(ours)?);
    Ok(match peers {
        Some(peers) => Rounds::once(ours, figure(&counts::of(peers)?)),
        None => Rounds::alone(ours),
    })
}
