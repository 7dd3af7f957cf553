//! Nodes with several sources.
//!
//! A merged node is a child of its first source. Below each further source hangs a link: a node of kind `LINK`, owned by
//! the merged node, through which a walk goes on. So a merged node is marked with everything else below a source, before
//! anybody is woken, and a source knows of a merged node only while that exists.

use super::branch;
use super::cause::CauseWord;
use super::derive::{Form, Spec};
use super::handle::Handle;
use super::node::{Cancelable, Kind, Node, Ref};
use super::state::State;
use super::timing::look;
use super::tree::{alloc_cancelable, attach};
use super::walk::cancel;
use crate::sync::{Arc, Mutex};
use std::collections::HashSet;
use std::ptr::NonNull;

/// The links of a merged node. Nobody else holds one, so that a link ends before the node it leads to.
#[derive(Debug, Default)]
struct Links(Mutex<Vec<Handle>>);

/// The merged node behind a link that is alive.
pub(super) fn target(link: Ref<'_>) -> Ref<'_> {
    debug_assert!(link.kind().has(Kind::LINK));
    let target = link.cancelable().timing.cast_mut().cast::<Node>();
    // SAFETY: in a link, `timing` is the merged node, which owns the link and ends it before itself.
    unsafe { Ref::new(NonNull::new_unchecked(target)) }
}

/// A node below `first` that is done when any of the sources is. `first` is not repeated in `others`.
pub(crate) fn merge(first: &Handle, others: &[&Handle]) -> Handle {
    let others = distinct(first, others);
    // Moments of different clocks cannot be compared: a source on another clock ends the node, but lends it no deadline.
    let same_clock = |source: &&Handle| std::ptr::eq(source.timers(), first.timers());
    let earliest = [first]
        .into_iter()
        .chain(others.iter().copied().filter(same_clock))
        .min_by_key(|source| source.deadline());
    let links = Arc::new(Links::default());
    let mut spec = Spec::new(Form::Cancelable);
    spec.parts.label = Some("merged");
    spec.parts.attached = Some(Box::new(Arc::clone(&links)));
    // All sources have a link before the deadline of one could be asked for through the new node: nobody has it yet.
    let timing = earliest.map(|source| source.node().scope().timing()).filter(|_| !others.is_empty());
    let merged = first.derive_below(spec, timing);
    // Dropped before `merged` if a foreign clock panics below: the links have to end with it, not after it.
    let links = links;
    for source in others {
        let link = link(&merged, source);
        let state = link.node().state();
        let cause = link.node().cancelable().cause_word();
        links.0.lock().push(link);
        if let Some(reason) = state.reason() {
            // Born done: its source is. The merged node keeps the link, which keeps whoever owns the cause.
            cancel(merged.node(), reason, CauseWord::lend(cause));
        }
    }
    merged
}

/// Without those that are never done, and those that another one stands for.
fn distinct<'a>(first: &Handle, others: &[&'a Handle]) -> Vec<&'a Handle> {
    let mut scopes = HashSet::from([first.node().scope().ptr()]);
    let is_new = |source: &&&Handle| {
        let scope = source.node().scope();
        !scope.kind().has(Kind::NEVER) && scopes.insert(scope.ptr())
    };
    others.iter().filter(is_new).copied().collect()
}

fn link(merged: &Handle, source: &Handle) -> Handle {
    look(source.node().scope());
    let make = |parent: Ref<'_>| {
        let kind = Kind::CANCELABLE.and(Kind::LINK);
        let header = Node::new(kind, State::LIVE.0, 1, 1, Some(parent.ptr()), None);
        let target = merged.node().ptr().as_ptr().cast::<()>().cast_const();
        alloc_cancelable(Cancelable::new(header, CauseWord::NONE, target))
    };
    let node = make(branch::below(source.node()));
    // SAFETY: just made.
    unsafe {
        if !attach(Ref::new(node)) {
            // The branch ended meanwhile.
            (*node.as_ptr()).parent = Some(source.node().ptr());
            attach(Ref::new(node));
        }
        Handle::from_ptr(node)
    }
}
