//! Goroutines that the goroutine of a request starts while it handles it.
//!
//! `g` names the goroutine that created it (`parentGoid`, Go 1.21), not when. But numbers are handed out in order: each processor of the
//! scheduler (`p`) has up to 16 that nobody has yet (runtime/proc.go, `goidcache`). Those that its processor has when a goroutine
//! receives a request are of goroutines that are created later. So a child with such a number was created for that request,
//! if its parent has received nothing since. Of others nothing is known: their numbers may be older.

use crate::kernel::read_user;
use crate::maps::GOROUTINES;
use wirespan_common::context::Runtime;

/// Where the thread that runs it stands in `g` (runtime/runtime2.go).
const THREAD: u64 = 48;
/// Numbers that a processor takes at once (runtime/proc.go, `_GoidCacheBatch`).
const BATCH: u64 = 16;

/// A goroutine and its process, as a key.
#[inline(always)]
fn key(process: u32, number: u64) -> u64 {
    u64::from(process) << 42 ^ number
}

/// A goroutine receives a request: its children have numbers that nobody has now.
#[inline(always)]
pub fn receives(process: u32, g: u64, number: u64, runtime: &Runtime) -> u64 {
    let free = free(g, runtime).unwrap_or([0; 2]);
    let key = key(process, number);
    match GOROUTINES.get_ptr_mut(key) {
        // SAFETY: a live map value of this goroutine alone.
        Some(known) => unsafe { known.write(free) },
        None => _ = GOROUTINES.insert(key, free, 0),
    }
    number
}

/// The numbers that its processor has, from the first to before the last. In a system call it is the one that the thread had.
#[inline(always)]
fn free(g: u64, runtime: &Runtime) -> Option<[u64; 2]> {
    let [.., thread_at, numbers_at] = [0, runtime.places[3], runtime.places[4]];
    let thread = read_user::<u64>(g.wrapping_add(THREAD))?;
    let processor = read_user::<u64>(thread.wrapping_add(u64::from(thread_at)))?;
    let [from, to] = read_user::<[u64; 2]>(processor.wrapping_add(u64::from(numbers_at)))?;
    // Another thread may take numbers from it in this moment.
    (to.wrapping_sub(from) <= BATCH).then_some([from, to])
}

/// A goroutine answers: what its children do from now on may be anything.
#[inline(always)]
pub fn answers(process: u32, number: u64) -> u64 {
    if let Some(known) = GOROUTINES.get_ptr_mut(key(process, number)) {
        // SAFETY: a live map value of this goroutine alone.
        unsafe { known.write([0; 2]) };
    }
    number
}

/// A goroutine asks: its parent, if it was created for the request that this one handles; else itself.
#[inline(always)]
pub fn asks(process: u32, g: u64, number: u64, runtime: &Runtime) -> u64 {
    if runtime.places[2] == 0 {
        return number;
    }
    let parent = read_user::<u64>(g.wrapping_add(u64::from(runtime.places[2]))).unwrap_or(0);
    // SAFETY: words of a live map value. If the parent receives in this moment they may be of two requests: those of another batch are
    // too far apart.
    match unsafe { GOROUTINES.get(key(process, parent)) } {
        Some([from, to]) if to.wrapping_sub(*from) <= BATCH && *from <= number && number < *to => parent,
        _ => number,
    }
}
