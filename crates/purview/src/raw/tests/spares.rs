//! What a node keeps of its children, looked at from inside.

use crate::raw::grow_branches;
use crate::sync::KEEPS_SPARE;
use crate::{Context, Key};
use std::time::Duration;

static USER: Key<u32> = Key::new("user");

fn keeps(ctx: &Context) -> bool {
    ctx.0.node().has_spare()
}

#[test]
fn the_memory_of_a_child_is_kept_for_the_next_one() {
    let (parent, _canceler) = Context::background().with_cancel();
    assert!(!keeps(&parent));
    drop(parent.with_cancel());
    assert_eq!(keeps(&parent), KEEPS_SPARE);
    let (child, canceler) = parent.with_cancel();
    assert!(!keeps(&parent) && !child.is_done() && child.derived_count() == 0);
    canceler.cancel();
    assert!(child.is_done() && child.error().unwrap().cause().to_string() == "context canceled");
    drop(child);
    assert_eq!(keeps(&parent), KEEPS_SPARE);
    let (again, again_canceler) = parent.with_cancel();
    assert!(!again.is_done(), "nothing is left of the child before");
    drop(again_canceler);
    assert!(again.cause().unwrap().to_string().contains(file!()));
}

#[test]
fn a_parent_that_is_done_makes_done_children_in_what_it_keeps() {
    let (parent, canceler) = Context::background().with_cancel();
    drop(parent.with_cancel());
    canceler.cancel_with("closed");
    let (child, _child) = parent.with_cancel();
    assert!(!keeps(&parent));
    assert_eq!(child.cause().unwrap().to_string(), "closed");
}

#[test]
fn what_has_more_than_a_plain_child_is_not_kept() {
    let (parent, _canceler) = Context::background().with_cancel();
    drop(parent.with_timeout(Duration::from_secs(3600)));
    drop(parent.derive().value(&USER, 1).cancelable());
    drop(parent.named("view"));
    assert!(!keeps(&parent));
    let (child, child_canceler) = parent.with_cancel();
    drop(child.with_cancel());
    drop((child, child_canceler));
    assert!(!keeps(&parent), "it would have to be freed under the lock what the child keeps itself");
}

#[test]
fn each_branch_keeps_for_itself() {
    let (parent, _canceler) = Context::background().with_cancel();
    grow_branches(&parent.0);
    for _ in 0..3 {
        let (child, canceler) = parent.with_cancel();
        assert_eq!(parent.derived_count(), 1);
        canceler.cancel();
        assert!(child.is_done());
    }
    assert!(!keeps(&parent));
}
