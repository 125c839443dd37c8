//! What passed and waits for a key: both directions in one queue, so that what comes out later comes in the order of its times.

use std::collections::VecDeque;

use crate::stream::{Chunk, Direction, Stamp};

/// Most bytes of a direction that wait.
const MAX_BYTES: usize = 16 * 1024;
/// Most pieces that wait.
const MAX_PIECES: usize = 1024;

/// A piece that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub direction: Direction,
    pub stamp: Stamp,
    pub what: What,
}

#[derive(Debug)]
pub(super) enum What {
    Bytes { pos: u64, bytes: Vec<u8>, ends_call: bool },
    Gap(u64),
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pieces: VecDeque<Waiting>,
    held: [usize; 2],
}

impl Queue {
    /// Adds the rest of `chunk` from `at` on. False if it was too much: then it is a gap.
    #[must_use]
    pub fn data(&mut self, direction: Direction, chunk: &Chunk<'_>, at: usize) -> bool {
        let bytes = &chunk.bytes[at..];
        if bytes.is_empty() {
            return true;
        }
        let held = &mut self.held[direction as usize];
        if *held + bytes.len() > MAX_BYTES || self.pieces.len() >= MAX_PIECES {
            self.gap(direction, bytes.len() as u64, chunk.stamp);
            return false;
        }
        *held += bytes.len();
        let pos = chunk.pos + at as u64;
        let what = What::Bytes { pos, bytes: bytes.to_vec(), ends_call: chunk.ends_call };
        self.pieces.push_back(Waiting { direction, stamp: Stamp { ..chunk.stamp_at(pos) }, what });
        true
    }

    /// Adds bytes that passed unseen.
    pub fn gap(&mut self, direction: Direction, len: u64, stamp: Stamp) {
        // Among many pieces, the order of a gap between those of the other direction does not matter.
        let many = self.pieces.len() >= MAX_PIECES;
        let same = |piece: &&mut Waiting| piece.direction == direction;
        let last = if many { self.pieces.iter_mut().rev().find(same) } else { self.pieces.back_mut().filter(same) };
        if let Some(Waiting { what: What::Gap(before), stamp: last, .. }) = last {
            *before += len;
            *last = stamp;
        } else {
            self.pieces.push_back(Waiting { direction, stamp, what: What::Gap(len) });
        }
    }

    /// The first piece.
    pub fn pop(&mut self) -> Option<Waiting> {
        let piece = self.pieces.pop_front()?;
        if let What::Bytes { bytes, .. } = &piece.what {
            self.held[piece.direction as usize] -= bytes.len();
        }
        if self.pieces.is_empty() {
            self.pieces = VecDeque::new();
        }
        Some(piece)
    }

    /// Puts back what is left of the first piece.
    pub fn put_back(&mut self, direction: Direction, chunk: &Chunk<'_>, at: usize) {
        let bytes = &chunk.bytes[at..];
        if !bytes.is_empty() {
            self.held[direction as usize] += bytes.len();
            let pos = chunk.pos + at as u64;
            let what = What::Bytes { pos, bytes: bytes.to_vec(), ends_call: chunk.ends_call };
            self.pieces.push_front(Waiting { direction, stamp: chunk.stamp_at(pos), what });
        }
    }

    /// Heap bytes held.
    pub fn heap_bytes(&self) -> usize {
        self.held.iter().sum::<usize>() + self.pieces.capacity() * size_of::<Waiting>()
    }
}
