//! What a user put into a node: values, a name, the cause of its deadline; and what roots and merges carry.

use super::alloc::{alloc, dealloc};
use super::node::{Kind, Node};
use super::values::{Entry, Table, Values};
use crate::foreign::ForeignValues;
use crate::reason::Cause;
use crate::sync::{Arc, shield};
use std::alloc::Layout;
use std::borrow::Cow;
use std::fmt;
use std::ptr::NonNull;

/// Things that a node owns for others, dropped with it, with no lock held: a clock, a foreign parent, links.
pub(crate) trait Attached: Send + Sync {}

impl<T: Send + Sync> Attached for T {}

/// The part of a tail that does not depend on the types of the values.
#[repr(C)]
pub(super) struct Tail {
    /// Drops the values, which lie behind this.
    drop_values: unsafe fn(NonNull<Node>),
    /// Of the whole node.
    layout: Layout,
    pub(super) parts: Parts,
    /// There if the node sets values or has a foreign parent.
    pub(super) table: Option<Table>,
}

/// What can be put into a tail beside values.
#[derive(Default)]
pub(crate) struct Parts {
    /// What the chain prints for this node, if not what its kind says.
    pub(crate) label: Option<&'static str>,
    pub(crate) name: Option<Cow<'static, str>>,
    pub(crate) deadline_cause: Option<Cause>,
    pub(crate) attached: Option<Box<dyn Attached>>,
    /// Asked for values that are not found; every table below points to it.
    pub(crate) foreign: Option<Arc<dyn ForeignValues>>,
}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tail")
            .field("name", &self.parts.name)
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

impl Parts {
    pub(super) fn is_empty(&self) -> bool {
        self.label.is_none()
            && self.name.is_none()
            && self.deadline_cause.is_none()
            && self.attached.is_none()
            && self.foreign.is_none()
    }
}

/// A node with a tail, as it lies in memory; the entries of its table follow.
#[repr(C)]
struct Full<B, V> {
    base: B,
    tail: Tail,
    values: V,
}

impl<B, V: Values> Full<B, V> {
    fn layout(entries: usize) -> (Layout, usize) {
        let fixed = Layout::new::<Self>();
        let array = Layout::array::<Entry>(entries).unwrap_or_else(|_| std::process::abort());
        let (layout, offset) = fixed.extend(array).unwrap_or_else(|_| std::process::abort());
        (layout.pad_to_align(), offset)
    }

    unsafe fn drop_values(node: NonNull<Node>) {
        // SAFETY: stored in the tail of a node of exactly this type, and called once (`release_tail`).
        unsafe { (*node.cast::<Self>().as_ptr()).values.drop_each() };
    }
}

/// Puts a node with a tail into memory. `base` is given where its values will be seen, and must have the parts that
/// `kind` says.
pub(super) fn alloc_full<B, V: Values>(
    kind: Kind,
    above: Option<NonNull<Table>>,
    parts: Parts,
    values: V,
    base: impl FnOnce(Option<NonNull<Table>>) -> B,
) -> NonNull<Node> {
    debug_assert_eq!(
        kind.tail_offset(),
        std::mem::offset_of!(Full<B, V>, tail),
        "the tail is where Kind says"
    );
    // SAFETY: the table belongs to an ancestor of the node that we make, which our caller keeps alive.
    let above_table = above.map(|above| unsafe { above.as_ref() });
    let entries = if V::COUNT == 0 { 0 } else { Table::capacity(V::COUNT, above_table) };
    let (layout, entries_offset) = Full::<B, V>::layout(entries);
    let full = alloc(layout).cast::<Full<B, V>>();
    // The tail keeps it, and everybody who has a table that points to it keeps the tail.
    let foreign = parts.foreign.as_deref().map(NonNull::from);
    // SAFETY: fresh memory of this layout; every field is written once. Values are written before the table that points
    // to them, and the table before the base that points to it.
    unsafe {
        let at = full.as_ptr();
        (&raw mut (*at).values).write(values);
        let table = if V::COUNT > 0 {
            let entries = full.byte_add(entries_offset).cast::<Entry>();
            Some(Table::fill(entries, &(*at).values, above_table))
        } else {
            foreign.map(Table::foreign)
        };
        let visible = if table.is_some() { None } else { above };
        let tail = Tail { drop_values: Full::<B, V>::drop_values, layout, parts, table };
        (&raw mut (*at).tail).write(tail);
        let own = (*at).tail.table.as_ref().map(NonNull::from);
        (&raw mut (*at).base).write(base(visible.or(own)));
    }
    full.cast()
}

/// Drops what the tail of a node holds. No lock is held; the memory stays.
///
/// # Safety
///
/// The node has a tail, nobody else can reach it any more, and this is called once.
pub(super) unsafe fn drop_tail(node: NonNull<Node>, kind: Kind) {
    // SAFETY: the caller's promise; the tail is where the kind says (I3).
    unsafe {
        let tail = node.byte_add(kind.tail_offset()).cast::<Tail>().as_ptr();
        ((*tail).drop_values)(node);
        drop_shielded((*tail).parts.attached.take());
        drop_shielded((*tail).parts.foreign.take());
        drop_shielded((*tail).parts.deadline_cause.take());
        (*tail).parts.name = None;
        (*tail).table = None;
    }
}

fn drop_shielded<T>(part: Option<T>) {
    if let Some(part) = part {
        shield(|| drop(part));
    }
}

/// Gives the memory of a node with a tail back.
///
/// # Safety
///
/// As for [`drop_tail`], which was called before; nobody touches the node after this.
pub(super) unsafe fn free_full(node: NonNull<Node>, kind: Kind) {
    // SAFETY: the caller's promise; the layout is the one it was allocated with.
    unsafe {
        let layout = (*node.byte_add(kind.tail_offset()).cast::<Tail>().as_ptr()).layout;
        dealloc(node.cast(), layout);
    }
}
