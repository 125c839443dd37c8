//! Whether a process is a JVM, by the library that is mapped in it, and how its threads are found: its memory tells. All of it
//! is what the process likes to show: every size has a limit.

mod structs;
mod symbols;

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use wirespan_common::context::{RUNTIME_JVM, Runtime};

use crate::process::pinned::Pinned;
use crate::runtime;

/// Most bytes of the list of mappings that are read.
const MAX_MAPS: u64 = 8 << 20;
/// Longest name that is read.
const MAX_NAME: usize = 128;
/// Names are read in parts that lie in one page.
const PAGE: u64 = 4096;

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

/// The memory of a process: a function that fills a buffer, or does not.
struct Memory<F>(F);

impl Memory<()> {
    fn of(file: File) -> Memory<impl Fn(u64, &mut [u8]) -> bool> {
        Memory(move |at, into: &mut [u8]| file.read_exact_at(into, at).is_ok())
    }
}

impl<F: Fn(u64, &mut [u8]) -> bool> Memory<F> {
    fn bytes<const N: usize>(&self, at: u64) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        (self.0)(at, &mut bytes).then_some(bytes)
    }

    fn word(&self, at: u64) -> Option<u64> {
        self.bytes(at).map(u64::from_le_bytes)
    }

    fn half(&self, at: u64) -> Option<u32> {
        self.bytes(at).map(u32::from_le_bytes)
    }

    fn block(&self, at: u64, length: u64) -> Option<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(length).ok()?];
        (self.0)(at, &mut bytes).then_some(bytes)
    }

    /// A text that ends with a zero.
    fn name(&self, at: u64) -> Option<String> {
        let mut name = Vec::new();
        while name.len() < MAX_NAME {
            let from = at.checked_add(name.len() as u64)?;
            let length = (PAGE - from % PAGE).min((MAX_NAME - name.len()) as u64);
            let part = self.block(from, length)?;
            if let Some(end) = part.iter().position(|byte| *byte == 0) {
                name.extend(part.get(..end)?);
                return String::from_utf8(name).ok();
            }
            name.extend(part);
        }
        None
    }
}

#[cfg(test)]
mod tests;
