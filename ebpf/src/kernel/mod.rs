//! Typed views over raw reads of kernel memory. A failed read is a zero: the caller treats it as "not there". And the one
//! read of small values of user memory.
//!
//! Where the verifier knows the type of a pointer (arguments of hooks), members are loaded; all else is copied by a helper,
//! which costs a dozen times as much.

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

/// A pointer that the verifier knows, as a plain number: those are what global functions take. What a helper wrote to the stack is
/// none any more.
#[inline(always)]
pub fn number(pointer: u64) -> u64 {
    read(&raw const pointer as u64, 0)
}

/// Reads a plain value at `base + offset`; zeroes where that cannot be read.
#[inline(always)]
pub fn read<T: Copy>(base: u64, offset: u32) -> T {
    let mut value = core::mem::MaybeUninit::<T>::uninit();
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

/// A zero that the compiler does not know: it clears neighbours that become zero by a call of `memset`, byte by byte.
#[inline(always)]
pub fn zero() -> u64 {
    let zero;
    // SAFETY: a register is set.
    unsafe { core::arch::asm!("{zero} = 0", zero = out(reg) zero, options(pure, nomem, nostack)) };
    zero
}

/// The smaller of two numbers, without a branch for the verifier to follow.
#[inline(always)]
pub fn least(a: u64, b: u32) -> u32 {
    // Lengths of user memory are below: only what is wrong is changed.
    let mut least = a & i64::MAX as u64;
    // SAFETY: arithmetic on registers.
    unsafe {
        core::arch::asm!(
            "{a} -= {b}",
            "{sign} = {a}",
            "{sign} s>>= 63",
            "{a} &= {sign}",
            "{a} += {b}",
            a = inout(reg) least,
            b = in(reg) u64::from(b),
            sign = out(reg) _,
            options(pure, nomem, nostack),
        );
    }
    least as u32
}

/// Loads a plain value at `base + offset`; zeroes where that cannot be read.
///
/// # Safety
/// The verifier must know `base` as a pointer to a structure that has a number or a pointer of this size there, and `offset`
/// must be one of the layout's.
#[inline(always)]
pub unsafe fn load<T: Copy>(base: u64, offset: u32) -> T {
    // SAFETY: the caller's word; the kernel handles faults.
    unsafe { ((base + u64::from(offset)) as *const T).read_volatile() }
}

/// Reads a plain value of user memory; `None` where that cannot be read.
#[inline(always)]
pub fn read_user<T: Copy>(from: u64) -> Option<T> {
    let mut value = core::mem::MaybeUninit::<T>::uninit();
    // SAFETY: the helper writes exactly the value, zeroes if it cannot be read; only used with integers and arrays of them.
    unsafe {
        let failed = bpf_probe_read_user(value.as_mut_ptr().cast(), size_of::<T>() as u32, from as *const _) != 0;
        (!failed).then(|| value.assume_init())
    }
}
