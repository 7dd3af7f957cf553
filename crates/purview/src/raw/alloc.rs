//! Memory for nodes.

use crate::sync;
use std::alloc::{Layout, handle_alloc_error};
use std::ptr::NonNull;

/// Memory of `layout`, which is not of size zero: every node begins with a header.
#[inline]
pub(super) fn alloc(layout: Layout) -> NonNull<u8> {
    debug_assert!(layout.size() > 0);
    // SAFETY: the size is not zero.
    let memory = unsafe { sync::alloc(layout) };
    sync::note_alloc(memory);
    NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout))
}

/// Gives memory back.
///
/// # Safety
///
/// It came from [`alloc`] with this layout and is not used again.
#[inline]
pub(super) unsafe fn dealloc(memory: NonNull<u8>, layout: Layout) {
    sync::note_dealloc(memory.as_ptr());
    // SAFETY: the caller's promise.
    unsafe { sync::dealloc(memory.as_ptr(), layout) };
}

/// Puts `value` into memory of its own.
#[inline]
pub(super) fn place<T>(value: T, layout: Layout) -> NonNull<T> {
    debug_assert!(layout.size() >= size_of::<T>() && layout.align() >= align_of::<T>());
    let memory = alloc(layout).cast::<T>();
    // SAFETY: fresh memory that is large and aligned enough.
    unsafe { memory.write(value) };
    memory
}
