//! Memory that was needed only to start.

/// Returns freed memory to the system: reading the kernel's BTF takes tens of MiB for a moment, and the allocator of
/// glibc would keep them.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: takes no pointers; documented to be safe to call at any time (malloc_trim(3)).
    unsafe {
        libc::malloc_trim(0);
    }
}
