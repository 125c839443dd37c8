//! Whether framing needs more of a connection's turns than is copied.
//!
//! Most turns are short, and what is long is mostly payload, which framing skips by its length. The exception is a deep
//! pipeline: thousands of short messages, or several results one after another. Where such a turn is cut, framing is
//! lost, and more is worth asking for; that connection is likely to do the same again.

use crate::stream::{Chunk, Direction};

/// Bytes that are asked for then.
const LARGE: u32 = 512 * 1024;
/// Bytes of the head of a call that are copied when its turn has used up its budget. A call that shows more of itself was
/// cut because it is long, whatever the budget.
const SPENT: usize = 64;

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub struct Appetite {
    /// The last call of each direction was cut because the budget was spent, as far as it was seen.
    cut: [bool; 2],
    large: bool,
}

impl Appetite {
    /// Bytes passed.
    pub fn chunk(&mut self, direction: Direction, chunk: &Chunk<'_>) {
        self.cut[direction as usize] = !chunk.ends_call && chunk.bytes.len() <= SPENT;
    }

    /// The framing of one direction was lost, which more bytes would have helped.
    pub fn starved(&mut self, direction: Direction) {
        self.large |= self.cut[direction as usize];
    }

    /// Bytes of a turn to ask for, if not the usual number.
    #[must_use]
    pub fn budget(&self) -> Option<u32> {
        self.large.then_some(LARGE)
    }
}
