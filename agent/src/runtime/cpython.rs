//! CPython: the context of `contextvars` in which a thread runs (PEP 567). Which one that is stands in the thread's state, and the state
//! is a thread-specific value of the C library. The kernel programs see that a state is that of the thread, so that a wrong
//! place here finds nothing.

use wirespan_common::context::{GREENLETS, RUNTIME_CPYTHON, Runtime, UVLOOP};

use crate::process::Python;

/// Where the thread-specific values begin, from the thread pointer on: glibc on x86-64, since 2.4 (nptl/descr.h, `struct pthread`,
/// `specific_1stblock`), and the number before each.
const VALUES: u32 = 0x310 + 8;
/// Where `ctx_entered` stands in a context: all versions (Include/internal/pycore_context.h).
const ENTERED: u32 = 40;
/// Minor versions of Python 3, and where `thread_id`, `context` and `datastack_chunk`, if there is one, stand in `PyThreadState`
/// (Include/cpython/pystate.h), bytes.
const STATES: [(std::ops::RangeInclusive<u32>, u32, u32, u32); 4] =
    [(8..=10, 176, 240, 0), (11..=11, 152, 224, 296), (12..=12, 136, 208, 232), (13..=14, 152, 208, 232)];

/// How contexts are found in a process of this interpreter.
#[must_use]
pub fn of(python: Python) -> Option<Runtime> {
    let (_, thread_id, context, frames) = STATES.iter().find(|(versions, ..)| versions.contains(&python.minor))?;
    let mut runtime = Runtime { kind: RUNTIME_CPYTHON, ..Runtime::default() };
    runtime.places[..4].copy_from_slice(&[VALUES, *thread_id, *context, ENTERED]);
    runtime.places[UVLOOP] = python.has_uvloop.into();
    // Whose loop reads and writes in C has no greenlet there.
    runtime.places[GREENLETS] = if python.has_gevent && !python.has_uvloop { *frames } else { 0 };
    Some(runtime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_are_known_have_their_places() {
        let places = |minor| of(Python { minor, ..Python::default() }).map(|runtime| runtime.places[1..3].to_vec());
        assert_eq!(places(8), Some(vec![176, 240]));
        assert_eq!(places(11), Some(vec![152, 224]));
        assert_eq!((places(13), places(14)), (Some(vec![152, 208]), Some(vec![152, 208])));
        assert_eq!((places(7), places(15)), (None, None));
    }
}
