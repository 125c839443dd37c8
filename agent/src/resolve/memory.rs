//! The memory of a process, through `/proc/PID/mem`. It holds what the process likes, and may change between two reads.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

/// Longest name that is read.
const MAX_NAME: usize = 128;
/// Names are read in parts that lie in one page.
const PAGE: u64 = 4096;

/// The memory of a process: a function that fills a buffer, or does not.
pub(super) struct Memory<F>(pub(super) F);

impl Memory<()> {
    pub(super) fn of(file: File) -> Memory<impl Fn(u64, &mut [u8]) -> bool> {
        Memory(move |at, into: &mut [u8]| file.read_exact_at(into, at).is_ok())
    }
}

impl<F: Fn(u64, &mut [u8]) -> bool> Memory<F> {
    pub(super) fn bytes<const N: usize>(&self, at: u64) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        (self.0)(at, &mut bytes).then_some(bytes)
    }

    pub(super) fn word(&self, at: u64) -> Option<u64> {
        self.bytes(at).map(u64::from_le_bytes)
    }

    pub(super) fn half(&self, at: u64) -> Option<u32> {
        self.bytes(at).map(u32::from_le_bytes)
    }

    pub(super) fn block(&self, at: u64, length: u64) -> Option<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(length).ok()?];
        (self.0)(at, &mut bytes).then_some(bytes)
    }

    /// A text that ends with a zero.
    pub(super) fn name(&self, at: u64) -> Option<String> {
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
