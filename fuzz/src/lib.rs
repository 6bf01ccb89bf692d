//! What all targets share: an allocator that lets no length in a few bytes of input ask for much memory.

use std::alloc::{GlobalAlloc, Layout, System};

/// No input is longer than some kilobytes, and nothing that is asked of it needs more than this at once: the
/// largest buffer of the store, of a megabyte, and room.
const MOST_BYTES: usize = 8 << 20;

struct Bounded;

#[global_allocator]
static ALLOCATOR: Bounded = Bounded;

fn within(bytes: usize) -> bool {
    // A refusal: whoever asked aborts, with a message that says how much it wanted.
    bytes <= MOST_BYTES
}

// SAFETY: all memory is that of the system's allocator; a null pointer says that there is none.
unsafe impl GlobalAlloc for Bounded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract, which is the same.
        if within(layout.size()) { unsafe { System.alloc(layout) } } else { std::ptr::null_mut() }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        if within(layout.size()) { unsafe { System.alloc_zeroed(layout) } } else { std::ptr::null_mut() }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        if within(size) { unsafe { System.realloc(pointer, layout, size) } } else { std::ptr::null_mut() }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}
