//! Trees: how wide, how deep, and how many threads grow them.

use crate::measure::{Chart, DECADES, curves, each, nanos, repeats, root};
use purview::Canceler;
use std::hint::black_box;
use tokio_util::sync::CancellationToken;

pub(crate) fn children() -> Chart {
    eprint!("children:");
    let series = curves(
        &DECADES,
        &["derive, drop", "derive, drop: tokio-util", "cancel all", "cancel all: tokio-util"],
        |size, measure| {
            let (ctx, _canceler) = root();
            let token = CancellationToken::new();
            let _ours: Vec<_> = (0..size).map(|_| ctx.with_cancel()).collect();
            let _peers: Vec<_> = (0..size).map(|_| token.child_token()).collect();
            let cancel = || {
                let trees: Vec<_> = (0..repeats(size))
                    .map(|_| {
                        let (top, canceler) = ctx.with_cancel();
                        let below: Vec<_> = (0..size).map(|_| top.with_cancel()).collect();
                        (canceler, below)
                    })
                    .collect();
                let (cancelers, below): (Vec<_>, Vec<_>) = trees.into_iter().unzip();
                let nanos_each =
                    nanos(size * repeats(size), || cancelers.into_iter().for_each(Canceler::cancel));
                assert!(below.iter().flatten().all(|(ctx, _)| ctx.is_done()));
                nanos_each
            };
            let cancel_peer = || {
                let trees: Vec<_> = (0..repeats(size))
                    .map(|_| {
                        let top = token.child_token();
                        let below: Vec<_> = (0..size).map(|_| top.child_token()).collect();
                        (top, below)
                    })
                    .collect();
                let nanos_each =
                    nanos(size * repeats(size), || trees.iter().for_each(|(top, _)| top.cancel()));
                assert!(trees.iter().flat_map(|(_, below)| below).all(CancellationToken::is_cancelled));
                nanos_each
            };
            measure(vec![
                Box::new(|| each(20_000, || drop(black_box(ctx.with_cancel())))),
                Box::new(|| each(20_000, || drop(black_box(token.child_token())))),
                Box::new(cancel),
                Box::new(cancel_peer),
            ]);
        },
    );
    Chart {
        name: "children",
        title: "Children of one parent",
        axis: "children",
        text: "One more child is derived and dropped beside so many; and all of them are canceled through their parent, for each \
               child. Linking and unlinking is the same work beside any number: the list goes through the children themselves. \
               Canceling touches each child once; it gets dearer where they do not fit the processor's caches any more.",
        series,
    }
}

pub(crate) fn depth() -> Chart {
    eprint!("depth:");
    let series = curves(
        &DECADES[..6],
        &["build, cancel, drop", "build, cancel, drop: tokio-util", "read", "read: tokio-util"],
        |size, measure| {
            let (ctx, _canceler) = root();
            let token = CancellationToken::new();
            let chain = || {
                let mut above = vec![ctx.with_cancel()];
                for at in 1..size as usize {
                    above.push(above[at - 1].0.with_cancel());
                }
                above
            };
            let peers_chain = || {
                let mut above = vec![token.child_token()];
                for at in 1..size as usize {
                    above.push(above[at - 1].child_token());
                }
                above
            };
            let (ours, peers) = (chain(), peers_chain());
            let leaf = &ours[ours.len() - 1].0;
            let peers_leaf = &peers[peers.len() - 1];
            measure(vec![
                Box::new(|| {
                    each(repeats(size), || {
                        let mut chain = chain();
                        let top = chain.swap_remove(0);
                        top.1.cancel();
                        assert!(chain.iter().all(|(ctx, _)| ctx.is_done()));
                    }) / f64::from(size)
                }),
                Box::new(|| {
                    each(repeats(size), || {
                        let chain = peers_chain();
                        chain[0].cancel();
                        assert!(chain.iter().all(CancellationToken::is_cancelled));
                    }) / f64::from(size)
                }),
                Box::new(|| each(100_000, || assert!(!black_box(leaf).is_done()))),
                Box::new(|| each(100_000, || assert!(!black_box(peers_leaf).is_cancelled()))),
            ]);
        },
    );
    Chart {
        name: "depth",
        title: "Depth of a chain",
        axis: "levels",
        text: "A chain is built under a live root, canceled at its top, looked at and dropped from the top, for each level; and the \
               lowest context is read. A read is one load at any depth. Canceling and dropping are loops, one step a level; \
               from some ten thousand levels on, the memory of the chain is what costs.",
        series,
    }
}

pub(crate) fn threads() -> Chart {
    const TIMES: u32 = 100_000;
    eprint!("threads:");
    let cores =
        std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(64));
    let mut sizes: Vec<u32> = (0..cores.ilog2()).map(|power| 1 << power).collect();
    sizes.extend([cores, cores * 2]);
    let together = |threads: u32, work: &(dyn Fn() + Sync)| {
        let operations = threads * TIMES;
        nanos(operations, || {
            std::thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|| (0..TIMES).for_each(|_| work()));
                }
            });
        })
    };
    let series = curves(&sizes, &["derive, drop", "derive, drop: tokio-util"], |size, measure| {
        let (ctx, _canceler) = root();
        let token = CancellationToken::new();
        measure(vec![
            Box::new(|| together(size, &|| drop(black_box(ctx.with_cancel())))),
            Box::new(|| together(size, &|| drop(black_box(token.child_token())))),
        ]);
    });
    Chart {
        name: "threads",
        title: "Threads under one root",
        axis: "threads",
        text: "All threads derive and drop under one root, as the handlers of a server do; wall time for each operation of them all, so \
               that half is twice as much done. The root grows branches when its lock is found taken, after which threads share \
               nothing that they write. More threads than cores bring nothing more, and take nothing away.",
        series,
    }
}
