//! Whether a process is a JVM, by the library that is mapped in it, and how its threads are found: its memory tells. All of it
//! is what the process likes to show: every size has a limit.

mod structs;
mod symbols;

use wirespan_common::context::{RUNTIME_JVM, Runtime};

use crate::process::pinned::Pinned;
use crate::resolve::memory::Memory;
use crate::runtime;

/// Most bytes of the list of mappings that are read.
const MAX_MAPS: u64 = 8 << 20;

/// A JVM of which nothing is known yet.
pub(super) const STARTING: Runtime = Runtime { kind: RUNTIME_JVM, places: [0; 7], addresses: [0; 2] };

/// How the threads of the JVM in a process are found, if there is one.
pub(super) fn find(pinned: &Pinned) -> Option<Runtime> {
    let base = base(&pinned.read("maps", MAX_MAPS)?)?;
    let memory = pinned.file("mem").map(Memory::of);
    Some(memory.and_then(|memory| contexts(&memory, base)).unwrap_or(STARTING))
}

fn contexts(memory: &Memory<impl Fn(u64, &mut [u8]) -> bool>, base: u64) -> Option<Runtime> {
    let structs = structs::read(memory, &symbols::read(memory, base, structs::PREFIX)?)?;
    runtime::jvm::of(|structure, member| structs.find(structure, member), |at| memory.word(at))
}

/// Where `libjvm.so` begins, by `/proc/PID/maps`: `begin-end permissions offset device inode path`.
fn base(maps: &[u8]) -> Option<u64> {
    maps.split(|byte| *byte == b'\n').find_map(|line| {
        let line = line.strip_suffix(b" (deleted)").unwrap_or(line);
        if !line.ends_with(b"/libjvm.so") {
            return None;
        }
        let mut fields = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
        let (begin, _) = fields.next()?.split_once('-')?;
        let is_beginning = u64::from_str_radix(fields.nth(1)?, 16) == Ok(0);
        u64::from_str_radix(begin, 16).ok().filter(|_| is_beginning)
    })
}

#[cfg(test)]
mod tests;
