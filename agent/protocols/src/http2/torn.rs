//! Responses whose last frames were lost. Frames of bodies are long, and of a long body only parts are copied: where only one response was
//! under way, and its head said how long its body is, the bytes that passed tell whether all of it has.

use super::frame::HEAD_LEN;
use super::streams::Streams;
use crate::session::Output;
use crate::stream::Stamp;

/// A server that has said nothing for so long, ns, has said all of it.
const SILENCE_NS: u64 = 1_000_000_000;
/// Fewest bytes of a body in a frame, on the average, and bytes of other frames that may have passed between.
const SHORTEST: u64 = 64;
const OTHERS: u64 = 2048;

/// The only response that was under way when frames were lost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Torn {
    stream: u32,
    /// Bytes of its body that were yet to come.
    missing: u64,
    /// Bytes that have passed since, of which the last has this stamp.
    bytes: u64,
    last: Stamp,
}

impl Torn {
    /// Whether what has passed is the rest of the body in frames, and little else.
    fn is_whole(&self) -> bool {
        let most = self.missing + self.missing / SHORTEST * HEAD_LEN as u64 + OTHERS;
        (self.missing.saturating_add(HEAD_LEN as u64)..=most).contains(&self.bytes)
    }
}

impl Streams {
    /// Frames of the server are about to be taken for lost, beginning with so many bytes.
    pub(super) fn tear(&mut self, bytes: u64, last: Stamp) {
        let mut open = self.list.iter().filter(|stream| stream.is_asked && !stream.ways[1].has_ended);
        self.torn = match (open.next(), open.next()) {
            (Some(only), None) => {
                let missing = only.ways[1].missing();
                missing.map(|missing| Torn { stream: only.id, missing: missing.min(1 << 48), bytes, last })
            }
            _ => None,
        };
    }

    /// More bytes of the server passed of which it is not known what they are.
    pub(super) fn pass_over(&mut self, bytes: u64, last: Stamp) {
        if let Some(torn) = &mut self.torn {
            torn.bytes = torn.bytes.saturating_add(bytes);
            torn.last = last;
        }
    }

    /// The server goes on with that response, or with one that was not under way then.
    pub(super) fn goes_on(&mut self) {
        self.torn = None;
    }

    /// Nothing more of it can come, or something new begins: tells the response if all of it has passed.
    pub(super) fn mend(&mut self, out: &mut Output) {
        let Some(torn) = self.torn.take().filter(Torn::is_whole) else { return };
        let Ok(at) = self.find(torn.stream) else { return };
        let Some(stream) = self.list.get_mut(at).filter(|stream| stream.ways[1].is_doubtful) else { return };
        stream.ways[1].mend(torn.bytes, torn.last);
        self.settle(out);
    }

    /// The same, if the server has been silent.
    pub(super) fn rest(&mut self, now_ns: u64, out: &mut Output) {
        if self.torn.is_some_and(|torn| now_ns.saturating_sub(torn.last.last_ns) > SILENCE_NS) {
            self.mend(out);
        }
    }
}
