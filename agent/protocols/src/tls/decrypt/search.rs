//! The search for a record where it is not known where one begins: each place that reads like a header is a candidate, which its
//! owner proves once all of it is there.

use std::collections::VecDeque;

use super::super::record::{APPLICATION_DATA, HEADER};
use super::frame::{Frame, data_len};
use crate::stream::{Chunk, Stamp};

/// Most bytes that are taken at once.
const STEP: usize = 512;
/// Most candidates that wait for their last byte: one is right, others are chance, 1 in 2^24 bytes.
const MAX_WAITING: usize = 8;
/// Most calls that the bytes may be of.
const MAX_MARKS: usize = 64;

/// See the module. Holds at most the longest record and [`STEP`] bytes.
#[derive(Debug, Default)]
pub(super) struct Search {
    bytes: Vec<u8>,
    /// Position of their first.
    pos: u64,
    /// Position of the first byte of each call.
    marks: VecDeque<(u64, Stamp)>,
    /// Where candidates begin and end, positions.
    waiting: Vec<(u64, u64)>,
    /// Position up to which candidates were looked for.
    scanned: u64,
    ends_call: bool,
}

impl Search {
    fn end(&self) -> u64 {
        self.pos + self.bytes.len() as u64
    }

    /// Takes bytes of `chunk` from `at` on, up to the end of a candidate: its length. It ends where the bytes do.
    pub fn next(&mut self, chunk: &Chunk<'_>, at: &mut usize) -> Option<usize> {
        loop {
            if let Some((start, end)) = self.waiting.iter().find(|(_, end)| *end == self.end()) {
                return usize::try_from(end - start).ok();
            }
            self.forget();
            let rest = chunk.bytes.get(*at..).filter(|rest| !rest.is_empty())?;
            if self.bytes.is_empty() {
                self.pos = chunk.pos + *at as u64;
                self.scanned = self.scanned.max(self.pos);
                self.marks.clear();
            }
            let stop = self.waiting.iter().map(|(_, end)| end - self.end()).min().unwrap_or(u64::MAX);
            let len = rest.len().min(STEP).min(usize::try_from(stop).unwrap_or(usize::MAX));
            self.mark(chunk, *at);
            let before = self.bytes.len();
            self.bytes.extend_from_slice(&rest[..len]);
            if let Some(end) = self.scan() {
                // No byte behind a candidate is taken before it was tried. All of them came just now.
                let keep = usize::try_from(end - self.pos).unwrap_or(usize::MAX).max(before);
                self.bytes.truncate(keep);
            }
            *at += self.bytes.len() - before;
            // One within another that was tried before.
            let end = self.end();
            self.waiting.retain(|(_, stop)| *stop >= end);
            self.ends_call = chunk.ends_call && *at == chunk.bytes.len();
        }
    }

    fn mark(&mut self, chunk: &Chunk<'_>, at: usize) {
        if self.marks.back().is_none_or(|(_, last)| !last.same_call(&chunk.stamp)) {
            let pos = self.end();
            if self.marks.len() == MAX_MARKS {
                self.bytes.clear();
                self.waiting.clear();
                self.marks.clear();
                self.pos = pos;
                self.scanned = pos;
            }
            self.marks.push_back((pos, chunk.stamp_at(chunk.pos + at as u64)));
        }
    }

    /// Looks for the next candidate; where it ends, if that is known to be here.
    fn scan(&mut self) -> Option<u64> {
        let mut from = usize::try_from(self.scanned.saturating_sub(self.pos)).ok()?;
        while let Some(found) = self.bytes.get(from..).and_then(|rest| memchr::memchr(APPLICATION_DATA, rest)) {
            let start = from + found;
            let rest = &self.bytes[start..];
            if rest.len() < HEADER {
                self.scanned = self.pos + start as u64;
                return None;
            }
            from = start + 1;
            if let Some(len) = data_len(rest)
                && self.waiting.len() < MAX_WAITING
            {
                let start = self.pos + start as u64;
                let end = start + (HEADER + len) as u64;
                self.waiting.push((start, end));
                self.scanned = start + 1;
                if end <= self.end() {
                    return Some(end);
                }
            }
        }
        self.scanned = self.end();
        None
    }

    /// Bytes that belong to no candidate are not needed.
    fn forget(&mut self) {
        let needed = self.waiting.iter().map(|(start, _)| *start).min().unwrap_or(u64::MAX).min(self.scanned);
        let len = usize::try_from(needed.saturating_sub(self.pos)).unwrap_or(usize::MAX).min(self.bytes.len());
        if len > STEP || len == self.bytes.len() {
            self.bytes.drain(..len);
            self.pos += len as u64;
            while self.marks.get(1).is_some_and(|(from, _)| *from <= self.pos) {
                self.marks.pop_front();
            }
        }
    }

    /// The candidate of this length, which has just ended.
    pub fn frame(&self, len: usize) -> Option<Frame<'_>> {
        let start = self.bytes.len().checked_sub(len)?;
        let pos = self.pos + start as u64;
        let (mark, mut stamp) = *self.marks.iter().rev().find(|(from, _)| *from <= pos)?;
        if mark != pos {
            stamp.arrived_ns = 0;
        }
        let (_, last) = self.marks.back()?;
        stamp.last_ns = last.last_ns;
        stamp.actor = last.actor;
        Some(Frame { bytes: &self.bytes[start..], hole: None, pos, stamp, ends_call: self.ends_call })
    }

    /// It was none.
    pub fn refuse(&mut self, len: usize) {
        let end = self.end();
        self.waiting.retain(|(start, stop)| (*start, *stop) != (end - len as u64, end));
    }

    /// Heap bytes held.
    pub fn heap_bytes(&self) -> usize {
        self.bytes.capacity()
            + self.marks.capacity() * size_of::<(u64, Stamp)>()
            + self.waiting.capacity() * size_of::<(u64, u64)>()
    }
}
