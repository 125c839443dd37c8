//! What the kernel programs must know of a process's runtime to see which of its contexts makes a call. One file a runtime; the
//! twin of `ebpf/src/context`.

pub mod go;
pub mod node;

use wirespan_common::context::Runtime;

use crate::process::Program;

/// How contexts are found in a process that runs this program; `None` where only its threads are known.
#[must_use]
pub fn of(program: &Program) -> Option<Runtime> {
    match program.runtime.as_deref()? {
        "go" => go::of(program.runtime_version.as_deref()?),
        "nodejs" => program.read_callback.map(node::of),
        _ => None,
    }
}
