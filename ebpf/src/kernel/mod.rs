//! Typed views over raw reads of kernel memory. A failed read is a zero: the caller treats it as "not there".

pub mod files;
pub mod regs;
pub mod sock;

use aya_ebpf::helpers::generated::bpf_probe_read_kernel;

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
