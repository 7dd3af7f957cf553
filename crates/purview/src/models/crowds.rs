//! Larger models, for random orders only: more threads and contexts than could be exhausted. What each thread does is random
//! too, and comes from the same seed.

use super::sync::atomic::{AtomicUsize, Ordering};
use super::{Count, model, root, thread};
use crate::sync::Lock;
use crate::{AfterFunc, CancelHandle, Canceler, Context, Done, ManualClock, Reason};
use shuttle::rand::{Rng, thread_rng};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context as TaskContext;
use std::time::Duration;

const MILLI: Duration = Duration::from_millis(1);

/// A number below `bound`.
fn below(bound: usize) -> usize {
    thread_rng().gen_range(0..bound)
}

/// A root and so many contexts, each below a random one before it.
struct Tree {
    contexts: Vec<Context>,
    parents: Vec<usize>,
    handles: Vec<CancelHandle>,
    cancelers: Vec<Canceler>,
}

impl Tree {
    fn grow(size: usize) -> Self {
        let (ctx, canceler) = root();
        let handles = vec![canceler.handle()];
        let mut tree = Self { contexts: vec![ctx], parents: vec![0], handles, cancelers: vec![canceler] };
        for _ in 1..size {
            let parent = below(tree.contexts.len());
            let (ctx, canceler) = tree.contexts[parent].with_cancel();
            tree.contexts.push(ctx);
            tree.parents.push(parent);
            tree.handles.push(canceler.handle());
            tree.cancelers.push(canceler);
        }
        tree
    }

    /// All contexts that are below this one.
    fn under(&self, top: usize) -> Vec<Context> {
        let is_under = |mut at: usize| {
            while at > top {
                at = self.parents[at];
            }
            at == top
        };
        (top..self.contexts.len()).filter(|at| is_under(*at)).map(|at| self.contexts[at].clone()).collect()
    }
}

/// A wait and the waker that counts for it.
struct Waiter {
    done: Pin<Box<Done<'static>>>,
    count: Count,
    ready: bool,
}

impl Waiter {
    fn at(ctx: &Context) -> Self {
        let mut waiter = Self { done: Box::pin(ctx.done().into_owned()), count: Count::new(), ready: false };
        waiter.poll();
        waiter
    }

    fn poll(&mut self) {
        if !self.ready {
            self.ready =
                self.done.as_mut().poll(&mut TaskContext::from_waker(&self.count.waker())).is_ready();
        }
    }
}

#[test]
fn in_a_tree_of_dozens_everybody_is_told_once_whoever_cancels_what() {
    model(5, || {
        let tree = Arc::new(Tree::grow(36));
        let threads: Vec<_> = (0..5)
            .map(|_| {
                let tree = tree.clone();
                thread::spawn(move || busy(&tree))
            })
            .collect();
        let told: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        tree.handles[0].cancel();
        assert!(tree.contexts.iter().all(Context::is_done));
        for (waiters, callbacks) in told {
            for mut waiter in waiters {
                assert!(waiter.ready || waiter.count.wakes() == 1, "a wake-up was lost, or came twice");
                waiter.poll();
                assert!(waiter.ready);
            }
            for (runs, stopped) in callbacks {
                assert_eq!(runs.load(Ordering::SeqCst) + usize::from(stopped), 1);
            }
        }
        let root = tree.contexts[0].clone();
        drop(tree);
        assert_eq!(root.derived_count(), 0);
    });
}

type Told = (Vec<Waiter>, Vec<(Arc<AtomicUsize>, bool)>);

/// Does what many do at once in a tree of contexts.
fn busy(tree: &Tree) -> Told {
    let (mut waiters, mut callbacks) = Told::default();
    for _ in 0..6 {
        let at = below(tree.contexts.len());
        let ctx = &tree.contexts[at];
        match below(8) {
            0 => {
                tree.handles[at].cancel();
                assert!(tree.under(at).iter().all(Context::is_done), "the cancel has returned");
            }
            1 => drop(ctx.with_cancel()),
            2 => {
                let (child, canceler) = ctx.with_cancel();
                canceler.detach();
                waiters.push(Waiter::at(&child));
            }
            3 => drop(Waiter::at(ctx)),
            4 => waiters.iter_mut().for_each(Waiter::poll),
            5 => {
                let runs = Arc::new(AtomicUsize::new(0));
                let counted = runs.clone();
                let callback = ctx.after_func_inline(move || {
                    counted.fetch_add(1, Ordering::SeqCst);
                });
                callbacks.push((runs, below(2) == 0 && callback.stop()));
            }
            _ => waiters.push(Waiter::at(ctx)),
        }
    }
    (waiters, callbacks)
}

#[test]
fn whoever_is_told_in_a_tree_and_whoever_hears_of_it_finds_all_below_done() {
    model(5, || {
        let tree = Arc::new(Tree::grow(16));
        let early = Arc::new(AtomicUsize::new(0));
        let hearing: Vec<_> = (0..4)
            .map(|_| {
                let at = below(tree.contexts.len());
                let (told, tell) = (Arc::new(AtomicUsize::new(0)), early.clone());
                let under = [tree.under(at), tree.under(at)];
                let [look, look_too] =
                    under.map(|under| move || usize::from(!under.iter().all(Context::is_done)));
                let told_too = told.clone();
                tree.contexts[at].after_func_inline(move || {
                    tell.fetch_add(look(), Ordering::SeqCst);
                    told.store(1, Ordering::SeqCst);
                });
                thread::spawn(move || if told_too.load(Ordering::SeqCst) == 1 { look_too() } else { 0 })
            })
            .collect();
        let tree_too = tree.clone();
        let canceling = thread::spawn(move || tree_too.handles[below(16)].cancel());
        tree.handles[below(16)].cancel();
        tree.handles[0].cancel();
        canceling.join().unwrap();
        let heard: usize = hearing.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(early.load(Ordering::SeqCst) + heard, 0, "somebody was told before everybody was marked");
    });
}

#[test]
fn contexts_are_dropped_from_all_sides_while_two_cancel() {
    model(5, || {
        let Tree { contexts, handles, cancelers, .. } = Tree::grow(24);
        let top = contexts[0].clone();
        let mut piles: Vec<Vec<(Context, Canceler)>> = (0..4).map(|_| Vec::new()).collect();
        for made in contexts.into_iter().zip(cancelers) {
            piles[below(4)].push(made);
        }
        let mut threads: Vec<_> = piles
            .into_iter()
            .map(|pile| {
                thread::spawn(move || {
                    for (ctx, canceler) in pile {
                        if below(3) > 0 {
                            canceler.detach();
                        }
                        drop(ctx);
                    }
                })
            })
            .collect();
        let (one, two) = (handles[0].clone(), handles[below(24)].clone());
        drop(handles);
        threads.push(thread::spawn(move || {
            two.cancel();
        }));
        one.cancel();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(top.derived_count(), 0);
    });
}

#[test]
fn no_deadline_is_early_and_none_is_forgotten_while_contexts_come_and_go() {
    model(5, || {
        let clock = ManualClock::new();
        let (top, canceler) = Context::root(&clock).with_cancel();
        let deriving: Vec<_> = (0..3)
            .map(|_| {
                let (top, clock) = (top.clone(), clock.clone());
                thread::spawn(move || {
                    let mut made = vec![top];
                    for _ in 0..6 {
                        let after = MILLI * u32::try_from(below(8)).unwrap();
                        let (ctx, canceler) = made[below(made.len())].with_timeout(after);
                        if below(3) > 0 {
                            canceler.detach();
                            made.push(ctx);
                        }
                        for ctx in &made {
                            if ctx.err() == Some(Reason::DeadlineExceeded) {
                                assert!(clock.now() >= ctx.deadline().unwrap(), "a deadline came early");
                            }
                        }
                    }
                    made
                })
            })
            .collect();
        (0..4).for_each(|_| clock.advance(MILLI * 2));
        for ctx in deriving.into_iter().flat_map(|thread| thread.join().unwrap()) {
            let late = ctx.deadline().is_some_and(|at| at <= clock.now());
            assert_eq!(ctx.err(), late.then_some(Reason::DeadlineExceeded));
        }
        canceler.cancel();
        assert_eq!((clock.armed(), top.derived_count()), (0, 0));
    });
}

#[test]
fn callbacks_in_the_pool_run_once_or_are_stopped() {
    model(5, || {
        let tree = Arc::new(Tree::grow(5));
        let registering: Vec<_> = (0..3)
            .map(|_| {
                let tree = tree.clone();
                thread::spawn(move || {
                    let mut made: Vec<(AfterFunc, Arc<AtomicUsize>, bool)> = Vec::new();
                    for _ in 0..3 {
                        let runs = Arc::new(AtomicUsize::new(0));
                        let counted = runs.clone();
                        let callback = tree.contexts[below(5)].after_func(move || {
                            counted.fetch_add(1, Ordering::SeqCst);
                        });
                        made.push((callback, runs, false));
                        let at = below(made.len());
                        let (callback, _, stopped) = &mut made[at];
                        *stopped |= callback.stop();
                    }
                    made
                })
            })
            .collect();
        tree.handles[below(5)].cancel();
        tree.handles[0].cancel();
        for (callback, runs, stopped) in registering.into_iter().flat_map(|thread| thread.join().unwrap()) {
            callback.wait().unwrap();
            assert_eq!(runs.load(Ordering::SeqCst) + usize::from(stopped), 1);
        }
    });
}

#[test]
fn merged_contexts_come_and_go_while_their_sources_end() {
    model(5, || {
        let sources: Arc<Vec<_>> = Arc::new(
            (0..4).map(|_| root()).map(|(ctx, canceler)| (ctx, canceler.handle(), canceler)).collect(),
        );
        let merging: Vec<_> = (0..3)
            .map(|_| {
                let sources = sources.clone();
                thread::spawn(move || {
                    let mut made = Vec::new();
                    for _ in 0..3 {
                        let picked = [below(4), below(4), below(4)];
                        let merged = Context::merge(picked.map(|at| &sources[at].0));
                        let (ctx, canceler) = merged.with_cancel();
                        if below(3) > 0 {
                            canceler.detach();
                            made.push((picked, Waiter::at(&ctx), ctx));
                        }
                    }
                    made
                })
            })
            .collect();
        let too = sources.clone();
        let canceling = thread::spawn(move || too[0].1.cancel_with("0"));
        sources[1].1.cancel_with("1");
        canceling.join().unwrap();
        for (picked, waiter, ctx) in merging.into_iter().flat_map(|thread| thread.join().unwrap()) {
            let ended = picked.iter().any(|at| *at < 2);
            assert_eq!(ctx.is_done(), ended, "{picked:?}");
            assert!(!ended || waiter.ready || waiter.count.wakes() == 1);
            assert!(ended || !waiter.ready && waiter.count.wakes() == 0, "woken early");
            assert!(!ended || picked.iter().any(|at| ctx.cause().unwrap().to_string() == at.to_string()));
        }
        for (source, ..) in sources.iter() {
            assert_eq!(source.derived_count(), 0);
        }
    });
}

#[test]
fn a_parent_with_branches_is_drained_and_canceled_in_a_crowd() {
    model(5, || {
        let (parent, canceler) = root();
        let deriving: Vec<_> = (0..4)
            .map(|_| {
                let parent = parent.clone();
                thread::spawn(move || {
                    let mut kept = Vec::new();
                    for _ in 0..4 {
                        let (child, canceler) = if below(2) == 0 {
                            parent.with_cancel()
                        } else {
                            parent.named("view").with_cancel()
                        };
                        canceler.detach();
                        kept.push(child);
                        if below(2) == 0 {
                            kept.remove(0);
                        }
                    }
                    let waiters: Vec<Waiter> = kept.iter().map(Waiter::at).collect();
                    (kept, waiters)
                })
            })
            .collect();
        let waiting = parent.clone();
        let draining = thread::spawn(move || waiting.drained().wait());
        canceler.cancel();
        for thread in deriving {
            let (kept, waiters) = thread.join().unwrap();
            assert!(kept.iter().all(Context::is_done));
            assert!(waiters.iter().all(|waiter| waiter.ready || waiter.count.wakes() == 1));
        }
        draining.join().unwrap();
        assert_eq!(parent.derived_count(), 0);
    });
}

#[test]
fn the_lock_lets_in_one_at_a_time() {
    model(5, || {
        let shared = Arc::new((Lock::new(), AtomicUsize::new(0)));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let shared = shared.clone();
                thread::spawn(move || {
                    for _ in 0..3 {
                        shared.0.lock();
                        // Two steps: whoever came between them would be overwritten.
                        let seen = shared.1.load(Ordering::SeqCst);
                        shared.1.store(seen + 1, Ordering::SeqCst);
                        shared.0.unlock();
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(shared.1.load(Ordering::SeqCst), 12);
    });
}
