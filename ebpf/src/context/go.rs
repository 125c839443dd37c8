//! The goroutine that makes a call, or for which it is made.
//!
//! Since Go 1.17 a register holds `g` while Go code runs, also at a system call (cmd/compile/abi-internal.md). Whether it does is
//! seen by the stack: that of the call lies within the bounds that stand at the beginning of `g` (runtime/runtime2.go, `stack`). A
//! thread that runs C, or the scheduler, has none of it, and no context.

mod askers;
mod children;
mod receiver;
mod round_trip;
mod streams;

pub use children::Child;
pub use receiver::{PROCESSORS, Receiver};

use super::Moving;
use crate::conn::Conn;
use crate::kernel::read_user;
use crate::kernel::regs::Regs;
use crate::maps::RUNTIMES;
use wirespan_common::context::{GO_NUMBER, RUNTIME_GO, Runtime};
use wirespan_common::record::{ROLE_SERVER, SEND};

/// What a goroutine does, as far as it says for whom.
#[derive(Clone, Copy)]
#[repr(u32)]
enum Does {
    /// It receives a request.
    Receives,
    /// It answers one.
    Answers,
    /// Anything else.
    Other,
}

/// The context of a call over this connection: the goroutine that makes it, or the request that it is made for.
#[inline(always)]
pub fn running(moving: Moving, conn: &Conn, regs: Regs) -> u64 {
    if moving.direction == SEND && conn.asker != 0 {
        return conn.asker;
    }
    let does = match (moving.role, moving.direction) {
        (ROLE_SERVER, SEND) => Does::Answers,
        (ROLE_SERVER, _) => Does::Receives,
        _ => Does::Other,
    };
    goroutine(regs.goroutine(), regs.stack_pointer(), moving.thread.process(), does as u32, moving.turn)
}

/// The context of what the goroutine with this `g` and this stack pointer does in this turn of a connection; 0 if it is none. A global
/// function: the verifier checks it once.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn goroutine(g: u64, stack_pointer: u64, process: u32, does: u32, turn: u64) -> u64 {
    const RECEIVES: u32 = Does::Receives as u32;
    const ANSWERS: u32 = Does::Answers as u32;
    let Some(runtime) = runtime(process) else { return 0 };
    let Some(number) = number(g, stack_pointer, runtime) else { return 0 };
    match does {
        RECEIVES => receiver::receives(process, g, number, runtime, turn),
        _ => receiver::does(process, g, number, runtime, does == ANSWERS),
    }
}

/// The number of the goroutine with this `g`, if that is the one whose stack pointer this is.
#[inline(always)]
fn number(g: u64, stack_pointer: u64, runtime: &Runtime) -> Option<u64> {
    let [low, high] = read_user::<[u64; 2]>(g)?;
    if stack_pointer <= low || stack_pointer > high {
        return None;
    }
    Some(read_user::<u64>(g.wrapping_add(u64::from(runtime.places[GO_NUMBER]))).unwrap_or(0))
}

/// How goroutines of a process are found.
#[inline(always)]
fn runtime(process: u32) -> Option<&'static Runtime> {
    // SAFETY: members are read one by one; user space writes the same for a program.
    unsafe { RUNTIMES.get(process) }.filter(|runtime| runtime.kind == RUNTIME_GO)
}
