//! What the kernel programs must know of a process's runtime to see which of its contexts makes a call. One file a runtime; the
//! twin of `ebpf/src/context`.

pub mod cpython;
pub mod go;
pub mod jvm;
pub mod node;

use wirespan_common::context::{LOOPS_READ, RUNTIME_THREADS, Runtime};

use crate::process::Program;

/// An interpreter of which only its threads are known. `loops_read`: its event loops read what epoll(7) tells, and no others do.
#[must_use]
pub const fn threads(loops_read: bool) -> Runtime {
    let mut places = [0; 7];
    places[LOOPS_READ] = loops_read as u32;
    Runtime { kind: RUNTIME_THREADS, places, addresses: [0; 2] }
}

/// How contexts are found in a process that runs this program; `None` where only its threads are known. `is_probed`: all places
/// of the program are probed that it names.
#[must_use]
pub fn of(program: &Program, is_probed: bool) -> Option<Runtime> {
    if let Some(python) = program.python {
        // Without seeing contexts come, nothing can be said of them.
        return is_probed.then(|| cpython::of(python)).flatten().or(Some(threads(true)));
    }
    if program.contexts.is_some() {
        return program.contexts;
    }
    match program.runtime.as_deref()? {
        "go" => go::of(program.runtime_version.as_deref()?, program.sched),
        _ => None,
    }
}
