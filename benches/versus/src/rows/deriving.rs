//! Making contexts, canceling them and letting them go.

use crate::bench::Bench;
use crate::counts;
use crate::measure::{ROUNDS, alternate, clocked_afresh, doing, seeing};
use crate::peers::{Root, SIBLINGS, TOKEN, TokenRoot};
use crate::row::Limit::{self, Ratio};
use crate::row::Unit;
use crate::stats::Rounds;
use purview::{Canceler, Context};
use std::hint::black_box;
use tokio_util::sync::CancellationToken;

pub(super) fn rows() -> Vec<Bench> {
    vec![
        Bench::nanos("derive a child, drop it", TOKEN, Ratio(0.35), || {
            let Root { ctx: root, .. } = &Root::new();
            let TokenRoot { token, .. } = &TokenRoot::new();
            let ours =
                doing(|| drop(black_box(root.with_cancel())), || assert_eq!(root.derived_count(), SIBLINGS));
            let peer = doing(|| drop(black_box(token.child_token())), || {});
            alternate(ROUNDS, ours, peer)
        }),
        Bench::nanos("derive a child, cancel it, drop it", TOKEN, Ratio(0.40), || {
            let Root { ctx: root, .. } = &Root::new();
            let TokenRoot { token, .. } = &TokenRoot::new();
            let peer = doing(
                || {
                    let child = token.child_token();
                    child.cancel();
                    child
                },
                || {
                    let child = token.child_token();
                    child.cancel();
                    assert!(child.is_cancelled() && !token.is_cancelled());
                },
            );
            alternate(ROUNDS, canceled_child(root), peer)
        }),
        Bench::fallible(
            "derive a child, cancel it, drop it",
            "malloc and free of its bytes",
            Unit::Nanos,
            Ratio(1.8),
            || {
                let bytes = counts::of("child")?.bytes;
                let Root { ctx: root, .. } = &Root::new();
                let bytes = usize::try_from(bytes).map_err(|error| error.to_string())?;
                let peer = doing(|| black_box(Box::<[u8]>::new_uninit_slice(black_box(bytes))), || {});
                Ok(alternate(ROUNDS, canceled_child(root), peer))
            },
        ),
        Bench::nanos("build a chain of 1,000, cancel its root, drop it, a link", TOKEN, Ratio(0.35), || {
            alternate(ROUNDS, our_chain(1_000), their_chain(1_000))
        }),
        Bench::nanos("cancel a root with 100,000 children, a child", TOKEN, Ratio(0.35), || {
            let (ours, peer) = (our_fan(100_000), their_fan(100_000));
            picked(31, ours, peer, |fan| fan.cancel)
        }),
        Bench::nanos("make those, cancel the root and drop them, a child", TOKEN, Limit::None, || {
            let (ours, peer) = (our_fan(100_000), their_fan(100_000));
            picked(31, ours, peer, |fan| fan.all)
        }),
    ]
}

fn canceled_child(root: &Context) -> impl FnMut() -> f64 {
    doing(
        || {
            let (child, canceler) = root.with_cancel();
            canceler.cancel();
            child
        },
        || {
            let (child, canceler) = root.with_cancel();
            canceler.cancel();
            assert!(child.is_done() && !root.is_done());
            drop(child);
            assert_eq!(root.derived_count(), SIBLINGS);
        },
    )
}

/// A chain below a root that lives until it is whole; dropped from the leaf up, as scopes end.
fn our_chain(depth: usize) -> impl FnMut() -> f64 {
    let mut chain: Vec<(Context, Canceler)> = Vec::with_capacity(depth);
    per_link(depth, move |links| {
        let (root, canceler) = Context::background().with_cancel();
        chain.push(root.with_cancel());
        for _ in 1..links {
            let next = chain[chain.len() - 1].0.with_cancel();
            chain.push(next);
        }
        canceler.cancel();
        let leaf_ended = chain[chain.len() - 1].0.is_done();
        while chain.pop().is_some() {}
        leaf_ended
    })
}

fn their_chain(depth: usize) -> impl FnMut() -> f64 {
    let mut chain: Vec<CancellationToken> = Vec::with_capacity(depth);
    per_link(depth, move |links| {
        let root = CancellationToken::new();
        chain.push(root.child_token());
        for _ in 1..links {
            let next = chain[chain.len() - 1].child_token();
            chain.push(next);
        }
        root.cancel();
        let leaf_ended = chain[chain.len() - 1].is_cancelled();
        while chain.pop().is_some() {}
        leaf_ended
    })
}

/// Nanoseconds a link; the chain says whether its leaf was done in the end. A turn is many chains: after a single one the
/// allocator would still have the other side's blocks at hand, and make new ones out of them.
fn per_link(depth: usize, mut chain: impl FnMut(u32) -> bool) -> impl FnMut() -> f64 {
    let links = u32::try_from(depth).unwrap_or(u32::MAX);
    let mut chains = seeing(1, move || u64::from(chain(links)));
    move || chains() / f64::from(links)
}

/// What a root with many children took, in nanoseconds a child.
struct Fan {
    cancel: f64,
    all: f64,
}

fn our_fan(children: u32) -> impl FnMut() -> Fan {
    let mut fan: Vec<(Context, Canceler)> = Vec::new();
    move || {
        let (root, canceler) = Context::background().with_cancel();
        fan.reserve(children as usize);
        let (make, ()) = clocked_afresh(|| (0..children).for_each(|_| fan.push(root.with_cancel())));
        assert_eq!(root.derived_count(), children as usize);
        let (cancel, ()) = clocked_afresh(|| canceler.cancel());
        assert!(fan.iter().all(|(child, _)| child.is_done()));
        let (drop, ()) = clocked_afresh(|| fan.clear());
        Fan { cancel: cancel / f64::from(children), all: (make + cancel + drop) / f64::from(children) }
    }
}

fn their_fan(children: u32) -> impl FnMut() -> Fan {
    let mut fan: Vec<CancellationToken> = Vec::new();
    move || {
        let root = CancellationToken::new();
        fan.reserve(children as usize);
        let (make, ()) = clocked_afresh(|| (0..children).for_each(|_| fan.push(root.child_token())));
        let (cancel, ()) = clocked_afresh(|| root.cancel());
        assert!(fan.iter().all(CancellationToken::is_cancelled));
        let (drop, ()) = clocked_afresh(|| fan.clear());
        Fan { cancel: cancel / f64::from(children), all: (make + cancel + drop) / f64::from(children) }
    }
}

fn picked(
    rounds: usize,
    mut ours: impl FnMut() -> Fan,
    mut peer: impl FnMut() -> Fan,
    figure: fn(&Fan) -> f64,
) -> Rounds {
    alternate(rounds, || figure(&ours()), || figure(&peer()))
}
