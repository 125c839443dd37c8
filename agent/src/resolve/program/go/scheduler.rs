//! Where a program keeps `runtime.sched`, whose first word is the number of the last goroutine for which a processor has taken one
//! (runtime/runtime2.go, `schedt.goidgen`). A symbol names it only in programs that keep them, so it is read from the code of who
//! counts: `runtime.newproc1` takes 16 numbers at once (runtime/proc.go, `sched.goidgen.Add(_GoidCacheBatch)`).
//!
//! In a program without optimization that is a call, and nothing is found.

use object::elf::{EM_AARCH64, EM_X86_64};

use super::functions::Functions;
use crate::resolve::program::elf::Elf;

/// Makes a goroutine.
const NEWPROC: &str = "runtime.newproc1";
/// Most bytes of that function; it has 1 to 2 kB.
const MAX_FUNCTION: u64 = 8 * 1024;
/// Mappings begin at multiples of this.
const PAGE: u64 = 4096;
/// Words of 32 bits of the instructions of arm64, and bytes of those of x86-64, that are looked at together.
const ARM_WORDS: usize = 4;
const X86_BYTES: usize = 18;

/// Where `runtime.sched` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheduler {
    /// Its address in the program.
    address: u64,
    /// Of a program that may be loaded anywhere: the lowest address in it.
    lowest: Option<u64>,
}

impl Scheduler {
    /// Its address in a process whose program begins there.
    pub(in crate::resolve::program) fn in_process(self, begins: impl FnOnce() -> Option<u64>) -> Option<u64> {
        let Some(lowest) = self.lowest else { return Some(self.address) };
        begins()?.checked_sub(lowest & !(PAGE - 1))?.checked_add(self.address)
    }
}

/// Finds it in a program.
pub(super) fn find(elf: &Elf<'_>, functions: &Functions<'_>) -> Option<Scheduler> {
    let from = functions.address(NEWPROC)?;
    let at = elf.code(from)?;
    // The code may end before.
    let code = (0..8).find_map(|half| elf.bytes(at, MAX_FUNCTION >> half))?;
    let address = match elf.machine() {
        EM_X86_64 => in_x86_64(&code, from)?,
        EM_AARCH64 => in_arm64(&code, from)?,
        _ => return None,
    };
    Some(Scheduler { address, lowest: if elf.is_movable() { Some(elf.lowest()?) } else { None } })
}

/// `mov $16, %ecx; lea sched(%rip), %rdx; lock xadd %rcx, (%rdx)`, with any registers.
fn in_x86_64(code: &[u8], from: u64) -> Option<u64> {
    code.windows(X86_BYTES).enumerate().find_map(|(at, window)| {
        let [prefix, moved @ 0xb8..=0xbf, 16, 0, 0, 0, a, 0x8d, b, d0, d1, d2, d3, 0xf0, c, 0x0f, 0xc1, e] = window
        else {
            return None;
        };
        let added = moved & 7 | if *prefix == 0x41 { 8 } else { 0 };
        // The prefixes have the highest bits of the numbers of the registers.
        let is_long = a & !4 == 0x48 && c & !5 == 0x48;
        let (loaded, base) = (b >> 3 & 7 | (a & 4) << 1, e & 7 | (c & 1) << 3);
        let source = e >> 3 & 7 | (c & 4) << 1;
        // 4 and 5 would be other ways to address.
        let is_plain = e >> 6 == 0 && !matches!(e & 7, 4 | 5) && b & 0xc7 == 5;
        if !is_long || !is_plain || loaded != base || source != added {
            return None;
        }
        let after = from.checked_add((at + X86_BYTES - 5) as u64)?;
        after.checked_add_signed(i64::from(i32::from_le_bytes([*d0, *d1, *d2, *d3])))
    })
}

/// `orr x8, xzr, #16; adrp x9, sched; add x9, x9, #sched; ldaddal x8, x10, [x9]`, with any registers.
fn in_arm64(code: &[u8], from: u64) -> Option<u64> {
    let words: Vec<u32> = code.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
    words.windows(ARM_WORDS).enumerate().find_map(|(at, window)| {
        let [moved, page, low, added] = *window.first_chunk()?;
        let (source, base) = (added >> 16 & 31, added >> 5 & 31);
        let is_it = added & 0xffe0_fc00 == 0xf8e0_0000
            && moved == 0xb27c_03e0 | source
            && page & 0x9f00_001f == 0x9000_0000 | base
            && low & 0xffc0_03ff == 0x9100_0000 | base << 5 | base;
        if !is_it {
            return None;
        }
        let distance = (page >> 5 & 0x7_ffff) << 2 | page >> 29 & 3;
        // 21 bits with a sign, pages.
        let distance = i64::from((distance << 11) as i32 >> 11) * PAGE as i64;
        let own = from.checked_add(4 * (at as u64 + 1))? & !(PAGE - 1);
        own.checked_add_signed(distance)?.checked_add(u64::from(low >> 10 & 0xfff))
    })
}

#[cfg(test)]
mod tests;
