//! One direction of a connection: stamps, chunks, and the [`Inbox`] that parsers read from.

use std::collections::VecDeque;

/// Who executed the system call that carried some bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Actor {
    /// Process id (thread group) in the initial namespace; 0 when unknown (a pcap).
    pub pid: u32,
    /// Kernel thread id.
    pub tid: u32,
    /// What the runtime was executing: a goroutine, a Python context … 0 when only the thread is known.
    pub context: u64,
}

/// When and by whom some bytes were sent or received. Kernel times, ns of `CLOCK_MONOTONIC`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Time of the first byte of the system call that carried the bytes.
    pub first_ns: u64,
    /// Time of its last byte (differs for large sends that block).
    pub last_ns: u64,
    /// For received bytes: when the first byte of the call came to the socket; 0 when unknown, and for bytes that are
    /// known not to be the first.
    pub arrived_ns: u64,
    /// Who did it.
    pub actor: Actor,
}

impl Stamp {
    /// Whether both are of the same system call, as far as can be told.
    #[must_use]
    pub fn same_call(&self, other: &Self) -> bool {
        (self.first_ns, self.last_ns, self.actor) == (other.first_ns, other.last_ns, other.actor)
    }
}

/// Which way bytes travel. Never derived from port numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the client (who connected) to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

impl Direction {
    /// The other direction.
    #[must_use]
    pub fn reverse(self) -> Self {
        match self {
            Self::ToServer => Self::ToClient,
            Self::ToClient => Self::ToServer,
        }
    }
}

/// Captured bytes that are contiguous in their data stream.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// Position of the first byte in its data stream (for TCP: extended kernel sequence number).
    pub pos: u64,
    /// The bytes; never empty.
    pub bytes: &'a [u8],
    /// True when the last byte here is the last byte of its system call (or pcap segment).
    pub ends_call: bool,
    /// When and by whom.
    pub stamp: Stamp,
}

impl Chunk<'_> {
    /// Stamp of the byte at `pos`: when a byte that is not the first of its call arrived is not known.
    #[must_use]
    pub fn stamp_at(&self, pos: u64) -> Stamp {
        let arrived_ns = if pos == self.pos { self.stamp.arrived_ns } else { 0 };
        Stamp { arrived_ns, ..self.stamp }
    }
}

/// The unread bytes of one direction, with their positions and stamps.
///
/// A parser pushes each chunk, looks at [`available`](Self::available), and either [`consume`](Self::consume)s a
/// complete frame, waits for more, or [`skip`](Self::skip)s bytes that it need not see (bodies, row data), which may
/// reach into the future and may pass uncaptured: a gap within a skip costs nothing.
///
/// Limits: at most `capacity` bytes are held; [`push`](Self::push) reports what did not fit, and that is then a gap.
/// Work is linear in the bytes pushed.
#[derive(Debug)]
pub struct Inbox {
    buffer: Vec<u8>,
    /// Index of the first unread byte in `buffer`.
    start: usize,
    /// Stamps of the buffered bytes: position of the first byte each one covers.
    marks: VecDeque<(u64, Stamp)>,
    /// Stream position of the first unread byte.
    pos: u64,
    /// Bytes still to be discarded when they come.
    skipping: u64,
    last: Stamp,
    capacity: usize,
}

impl Inbox {
    /// An empty inbox that holds at most `capacity` bytes. Allocates nothing until bytes have to wait.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            marks: VecDeque::new(),
            pos: 0,
            skipping: 0,
            last: Stamp::default(),
            capacity,
        }
    }

    /// Appends a chunk, which must follow what came before (gaps are announced by [`gap`](Self::gap) first).
    /// Bytes that a pending skip covers are discarded at once. Returns the number of trailing bytes that did not fit
    /// and were dropped: non-zero means that the parser let the inbox fill up, and must treat them as lost.
    #[must_use]
    pub fn push(&mut self, chunk: &Chunk<'_>) -> u64 {
        let (mut bytes, mut stamp) = (chunk.bytes, chunk.stamp);
        if self.is_empty() {
            self.buffer.clear();
            self.start = 0;
            self.marks.clear();
            self.pos = chunk.pos;
        }
        if self.skipping > 0 {
            let eaten = usize::try_from(self.skipping).map_or(bytes.len(), |skipping| skipping.min(bytes.len()));
            self.skipping -= eaten as u64;
            self.pos += eaten as u64;
            self.last = stamp;
            stamp.arrived_ns = 0;
            bytes = &bytes[eaten..];
            if bytes.is_empty() {
                return 0;
            }
        }
        if self.start > 0 && self.start >= self.buffer.len() / 2 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        let room = self.capacity.saturating_sub(self.buffer.len() - self.start);
        let taken = room.min(bytes.len());
        if taken > 0 {
            let end = self.pos + (self.buffer.len() - self.start) as u64;
            if self.marks.back().is_none_or(|(_, last)| *last != stamp) {
                self.marks.push_back((end, stamp));
            }
            self.buffer.extend_from_slice(&bytes[..taken]);
        }
        (bytes.len() - taken) as u64
    }

    /// Announces that `len` bytes passed unseen. Returns how many of them a pending skip does not cover. When that is
    /// not zero the stream is broken after [`available`](Self::available): look at what is there, then
    /// [`clear`](Self::clear).
    #[must_use]
    pub fn gap(&mut self, len: u64, stamp: Stamp) -> u64 {
        let eaten = self.skipping.min(len);
        if eaten > 0 {
            self.skipping -= eaten;
            self.pos += eaten;
            self.last = stamp;
        }
        len - eaten
    }

    /// The unread captured bytes, in order.
    #[must_use]
    pub fn available(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Whether nothing unread is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.start == self.buffer.len()
    }

    /// Whether a skip still waits for bytes; `available` is empty then.
    #[must_use]
    pub fn is_skipping(&self) -> bool {
        self.skipping > 0
    }

    /// Stream position of the first unread byte.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.pos
    }

    /// Stamp of the first unread byte (of the last eaten one when nothing is held). It tells when the byte arrived only
    /// if it is the first of its chunk.
    #[must_use]
    pub fn front(&self) -> Stamp {
        match self.marks.front() {
            Some((from, stamp)) if *from == self.pos => *stamp,
            _ => Stamp { arrived_ns: 0, ..self.covering() },
        }
    }

    /// Stamp of the call of the first unread byte.
    fn covering(&self) -> Stamp {
        self.marks.front().map_or(self.last, |(_, stamp)| *stamp)
    }

    /// Stamp of the last byte that was consumed or skipped.
    #[must_use]
    pub fn last(&self) -> Stamp {
        self.last
    }

    /// Eats `len` bytes of [`available`](Self::available) (at most all of them) and returns the stamp of the last.
    pub fn consume(&mut self, len: usize) -> Stamp {
        let len = len.min(self.buffer.len() - self.start);
        if len == 0 {
            return self.last;
        }
        self.start += len;
        let last_pos = self.pos + len as u64 - 1;
        self.pos += len as u64;
        while self.marks.get(1).is_some_and(|(from, _)| *from <= last_pos) {
            self.marks.pop_front();
        }
        self.last = self.covering();
        // The front mark stays only if it still covers an unread byte.
        if self.is_empty() {
            self.buffer.clear();
            self.start = 0;
            self.marks.clear();
        } else if self.marks.get(1).is_some_and(|(from, _)| *from <= self.pos) {
            self.marks.pop_front();
        }
        self.last
    }

    /// Eats `len` bytes, those that are available now and the rest as they come. Returns true when all were there.
    pub fn skip(&mut self, len: u64) -> bool {
        let held = (self.buffer.len() - self.start) as u64;
        let now = held.min(len);
        // `now` fits: it is at most the length of a buffer in memory.
        self.consume(usize::try_from(now).unwrap_or(usize::MAX));
        self.skipping = len - now;
        self.skipping == 0
    }

    /// Forgets unread bytes and pending skips (after a loss). Positions go on with the next push.
    pub fn clear(&mut self) {
        self.pos += (self.buffer.len() - self.start) as u64;
        self.buffer.clear();
        self.start = 0;
        self.marks.clear();
        self.skipping = 0;
    }

    /// Heap bytes held, for the memory accounting of connections.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.buffer.capacity() + self.marks.capacity() * size_of::<(u64, Stamp)>()
    }

    /// Gives back the heap of an inbox that holds nothing (called for idle connections).
    pub fn shrink(&mut self) {
        if self.is_empty() {
            self.buffer = Vec::new();
            self.marks = VecDeque::new();
            self.start = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stamp(ns: u64) -> Stamp {
        Stamp { first_ns: ns, last_ns: ns, actor: Actor::default(), arrived_ns: 0 }
    }

    proptest! {
        /// Whatever the segmentation, each byte comes out once, in order, with the stamp of its own chunk.
        #[test]
        fn bytes_positions_and_stamps_survive(lens in prop::collection::vec(1usize..9, 1..20), eat in prop::collection::vec(1usize..7, 1..60)) {
            let mut inbox = Inbox::new(1 << 16);
            let mut owner = Vec::new();
            for (index, len) in lens.iter().enumerate() {
                let bytes = vec![u8::try_from(index).unwrap(); *len];
                let pos = owner.len() as u64;
                let chunk = Chunk { pos, bytes: &bytes, ends_call: true, stamp: stamp(index as u64) };
                prop_assert_eq!(inbox.push(&chunk), 0);
                owner.extend(bytes);
            }
            let mut at = 0;
            for len in eat {
                if inbox.is_empty() { break }
                let len = len.min(inbox.available().len());
                prop_assert_eq!(inbox.position(), at as u64);
                prop_assert_eq!(inbox.available(), &owner[at..]);
                prop_assert_eq!(inbox.front(), stamp(u64::from(owner[at])));
                prop_assert_eq!(inbox.consume(len), stamp(u64::from(owner[at + len - 1])));
                at += len;
            }
        }
    }

    #[test]
    fn a_skip_reaches_into_the_future_and_over_gaps() {
        let mut inbox = Inbox::new(64);
        assert_eq!(inbox.push(&Chunk { pos: 0, bytes: b"abcd", ends_call: true, stamp: stamp(1) }), 0);
        assert!(!inbox.skip(10));
        assert_eq!(inbox.gap(4, stamp(2)), 0);
        assert_eq!(inbox.push(&Chunk { pos: 8, bytes: b"ijkl", ends_call: true, stamp: stamp(3) }), 0);
        assert_eq!(
            (inbox.available(), inbox.position(), inbox.last(), inbox.front()),
            (&b"kl"[..], 10, stamp(3), stamp(3))
        );
        assert_eq!(inbox.gap(5, stamp(4)), 5);
    }

    #[test]
    fn only_the_first_byte_of_a_call_has_an_arrival() {
        let call = |ns| Stamp { arrived_ns: ns - 5, ..stamp(ns) };
        let mut inbox = Inbox::new(64);
        assert_eq!(inbox.push(&Chunk { pos: 0, bytes: b"abcd", ends_call: true, stamp: call(10) }), 0);
        assert_eq!(inbox.push(&Chunk { pos: 4, bytes: b"efgh", ends_call: true, stamp: call(20) }), 0);
        assert_eq!((inbox.front(), inbox.consume(2)), (call(10), call(10)));
        assert_eq!(inbox.front(), stamp(10));
        inbox.consume(2);
        assert_eq!(inbox.front(), call(20));
        assert!(!inbox.skip(6));
        assert_eq!(inbox.push(&Chunk { pos: 8, bytes: b"ijkl", ends_call: true, stamp: call(30) }), 0);
        assert_eq!((inbox.available(), inbox.front()), (&b"kl"[..], stamp(30)));
        inbox.consume(2);
        assert_eq!(inbox.push(&Chunk { pos: 12, bytes: b"m", ends_call: true, stamp: call(40) }), 0);
        assert_eq!(inbox.front(), call(40));
    }

    #[test]
    fn a_full_inbox_says_so() {
        let mut inbox = Inbox::new(4);
        assert_eq!(inbox.push(&Chunk { pos: 0, bytes: b"abcdef", ends_call: true, stamp: stamp(1) }), 2);
        assert_eq!(inbox.available(), b"abcd");
    }
}
