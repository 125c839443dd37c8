//! What the kernel programs must know of a process's runtime to see which of its contexts makes a call. One file a runtime; the
//! twin of `ebpf/src/context`.

pub mod cpython;
pub mod go;
pub mod jvm;
pub mod node;

use wirespan_common::context::Runtime;

use crate::process::Program;

/// How contexts are found in a process that runs this program; `None` where only its threads are known. `is_probed`: all places
/// of the program are probed that it names.
#[must_use]
pub fn of(program: &Program, is_probed: bool) -> Option<Runtime> {
    if let Some(python) = program.python {
        // Without seeing contexts come, nothing can be said of them.
        return is_probed.then(|| cpython::of(python))?;
    }
    if program.contexts.is_some() {
        return program.contexts;
    }
    match program.runtime.as_deref()? {
        "go" => go::of(program.runtime_version.as_deref()?, program.sched),
        "nodejs" => program.read_callback.map(node::of),
        _ => None,
    }
}
