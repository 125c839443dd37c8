//! Typed views over raw reads of kernel memory. A failed read is a zero: the caller treats it as "not there". And the one
//! read of small values of user memory.

pub mod files;
pub mod regs;
pub mod sock;
pub mod tcp;

use aya_ebpf::helpers::generated::{bpf_probe_read_kernel, bpf_probe_read_user};
use wirespan_common::layout::ABSENT;

/// Reads a plain value of a member that some kernels lack; `none` there.
#[inline(always)]
pub fn read_known<T: Copy>(base: u64, offset: u32, none: T) -> T {
    if offset == ABSENT { none } else { read(base, offset) }
}

/// Reads a plain value at `base + offset`; zeroes where that cannot be read.
#[inline(always)]
pub fn read<T: Copy>(base: u64, offset: u32) -> T {
    let mut value = core::mem::MaybeUninit::<T>::zeroed();
    // SAFETY: the helper writes exactly `size_of::<T>()` bytes; it zeroes them when the read fails. Only used with
    // integers and arrays of integers, for which every bit pattern is valid.
    unsafe {
        bpf_probe_read_kernel(
            value.as_mut_ptr().cast(),
            size_of::<T>() as u32,
            base.wrapping_add(u64::from(offset)) as *const core::ffi::c_void,
        );
        value.assume_init()
    }
}

/// Reads a plain value of user memory; `None` where that cannot be read.
#[inline(always)]
pub fn read_user<T: Copy>(from: u64) -> Option<T> {
    let mut value = core::mem::MaybeUninit::<T>::zeroed();
    // SAFETY: the helper writes exactly the value; only used with integers and arrays of them.
    unsafe {
        let failed = bpf_probe_read_user(value.as_mut_ptr().cast(), size_of::<T>() as u32, from as *const _) != 0;
        (!failed).then(|| value.assume_init())
    }
}
