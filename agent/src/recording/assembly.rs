//! The bytes of one direction of a TCP connection in order: duplicates dropped (the first copy wins), segments that came
//! early held until the hole before them is filled, or until it is clear that it never will be.
//!
//! Positions are sequence numbers extended to 64 bits; the first one seen of a direction is placed above 2^32, so that
//! what came a little before it has a place too.

use std::collections::BTreeMap;

/// What is held of one direction at most; beyond it the hole is given up.
const MAX_HELD_BYTES: usize = 8 << 20;
const MAX_HELD_SEGMENTS: usize = 8192;
/// A hole that the receiver has acknowledged was only missed by the capture. It gets this much grace, because captures
/// on several queues write frames slightly out of order.
const GRACE_PACKETS: u32 = 16;
const GRACE_NS: u64 = 20_000_000;
/// A hole that nobody acknowledges may still be retransmitted.
const PATIENCE_NS: u64 = 10_000_000_000;

/// A run of bytes in its place; `bytes` is shorter than `len` where the capture cut it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Position of the first byte.
    pub position: u64,
    /// Bytes on the wire.
    pub len: u32,
    /// The captured ones, from the first on.
    pub bytes: Vec<u8>,
    /// Unix time at which they were there in order, ns.
    pub at_ns: u64,
}

/// One direction.
#[derive(Debug, Default)]
pub struct Assembly {
    /// The highest position heard of, for extending sequence numbers.
    reference: Option<u64>,
    /// Position of the next byte to give out.
    next: Option<u64>,
    /// Early segments by position; they do not overlap.
    held: BTreeMap<u64, Piece>,
    held_bytes: usize,
    /// Position of the end.
    end: Option<u64>,
    end_ns: u64,
    last_ns: u64,
    /// Since when there is a hole.
    hole_ns: u64,
    /// When the receiver acknowledged more than the beginning of the hole, and packets since.
    acknowledged: Option<(u64, u32)>,
    /// All before it has reached the receiver.
    received: u64,
}

impl Assembly {
    /// The position of a sequence number: the one closest to what is known.
    #[must_use]
    pub fn extend(&self, seq: u32) -> u64 {
        let Some(reference) = self.reference else { return (1 << 32) + u64::from(seq) };
        // The low half of the reference, and the signed distance from it (RFC 9293, section 3.4).
        let [a, b, c, d, ..] = reference.to_le_bytes();
        let distance = seq.wrapping_sub(u32::from_le_bytes([a, b, c, d])).cast_signed();
        reference.saturating_add_signed(i64::from(distance))
    }

    /// A position that this direction has reached, without bytes.
    pub fn heard_of(&mut self, position: u64) {
        self.reference = self.reference.max(Some(position));
    }

    /// The first byte is at `position`, unless that is known already.
    pub fn start(&mut self, position: u64) {
        self.next.get_or_insert(position);
        self.heard_of(position);
    }

    /// Position of the next byte, once known.
    #[must_use]
    pub fn next(&self) -> Option<u64> {
        self.next
    }

    /// Where the direction begins, as far as it is known.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.next.or(self.reference).unwrap_or(1 << 32)
    }

    /// Bytes held behind a hole.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// A segment was captured. Gives out whatever is in order now.
    pub fn insert(&mut self, position: u64, len: u32, payload: &[u8], at_ns: u64, emit: &mut dyn FnMut(Piece)) {
        let next = *self.next.get_or_insert(position);
        let end = position.saturating_add(u64::from(len)).min(self.end.unwrap_or(u64::MAX));
        self.heard_of(end);
        // What came before was acknowledged before this segment was sent: the capture missed it, and no one sends it again.
        let missed = !self.has_hole() && position > next && self.received >= position;
        let mut from = position.max(next);
        while from < end {
            // Skip what is held already, then take what is missing up to the next held segment.
            if let Some((start, held)) = self.held.range(..=from).next_back()
                && start + u64::from(held.len) > from
            {
                from = start + u64::from(held.len);
                continue;
            }
            let until = self.held.range(from..end).next().map_or(end, |(start, _)| *start);
            let piece = cut(position, payload, from, until, at_ns);
            if self.held.is_empty() && Some(from) == self.next {
                self.give(piece, emit);
            } else {
                if !self.has_hole() {
                    self.hole_ns = at_ns;
                }
                self.held_bytes += piece.bytes.len();
                self.held.insert(from, piece);
            }
            from = until;
        }
        self.drain(at_ns, emit);
        if missed {
            self.give_up(at_ns, emit);
        }
        while self.held_bytes > MAX_HELD_BYTES || self.held.len() > MAX_HELD_SEGMENTS {
            self.give_up(at_ns, emit);
        }
    }

    /// The direction ends at `position`; the first end that is heard of counts.
    pub fn finish(&mut self, position: u64, at_ns: u64) {
        self.start(position);
        if !self.has_hole() {
            self.hole_ns = at_ns;
        }
        if self.end.is_none() {
            self.end = Some(position);
            self.end_ns = at_ns;
        }
    }

    /// When the end was reached in order, if it was.
    #[must_use]
    pub fn ended(&self) -> Option<u64> {
        let reached = self.end.is_some_and(|end| self.next.is_some_and(|next| next >= end));
        reached.then_some(self.last_ns.max(self.end_ns))
    }

    /// The receiver has everything before `position`.
    pub fn acknowledge(&mut self, position: u64, at_ns: u64) {
        self.received = self.received.max(position);
        if self.has_hole() && self.next.is_some_and(|next| position > next) {
            self.acknowledged.get_or_insert((at_ns, 0));
        }
    }

    /// The receiver answers, with everything before `position` in its hands: what the answer was caused by has to come
    /// before it, so holes up to there are given up.
    pub fn settle(&mut self, position: u64, at_ns: u64, emit: &mut dyn FnMut(Piece)) {
        while self.has_hole() && self.next.is_some_and(|next| position > next) {
            self.give_up(at_ns, emit);
        }
    }

    /// Another packet of the connection went by: gives up a hole that will not be filled.
    pub fn review(&mut self, at_ns: u64, emit: &mut dyn FnMut(Piece)) {
        if let Some((_, packets)) = &mut self.acknowledged {
            *packets += 1;
        }
        let hopeless = self
            .acknowledged
            .is_some_and(|(since, packets)| packets > GRACE_PACKETS || at_ns.saturating_sub(since) > GRACE_NS)
            || at_ns.saturating_sub(self.hole_ns) > PATIENCE_NS;
        if hopeless && self.has_hole() {
            self.give_up(at_ns, emit);
        }
    }

    /// Whether something waits behind a hole.
    #[must_use]
    pub fn has_hole(&self) -> bool {
        !self.held.is_empty() || self.end.is_some_and(|end| self.next.is_some_and(|next| next < end))
    }

    /// Gives out what is held, with gaps where the holes are.
    pub fn give_up_all(&mut self, at_ns: u64, emit: &mut dyn FnMut(Piece)) {
        while self.has_hole() {
            self.give_up(at_ns, emit);
        }
    }

    /// Gives up the first hole. One at the very end becomes a piece without bytes: nothing after it could show the gap.
    fn give_up(&mut self, at_ns: u64, emit: &mut dyn FnMut(Piece)) {
        if let Some((start, _)) = self.held.first_key_value() {
            self.next = Some(*start);
            self.drain(at_ns, emit);
        } else if let (Some(next), Some(end)) = (self.next, self.end)
            && let Some(missing) = end.checked_sub(next).filter(|missing| *missing > 0)
        {
            let len = u32::try_from(missing).unwrap_or(u32::MAX);
            self.give(Piece { position: next, len, bytes: Vec::new(), at_ns }, emit);
            self.next = Some(end);
        }
    }

    /// Gives out the held segments that are next.
    fn drain(&mut self, at_ns: u64, emit: &mut dyn FnMut(Piece)) {
        let before = self.held.len();
        while let Some(entry) = self.held.first_entry()
            && Some(*entry.key()) == self.next
        {
            let piece = entry.remove();
            self.held_bytes -= piece.bytes.len();
            self.give(piece, emit);
        }
        if before != self.held.len() {
            // Another hole, another wait.
            self.hole_ns = at_ns;
            self.acknowledged = None;
        }
    }

    fn give(&mut self, mut piece: Piece, emit: &mut dyn FnMut(Piece)) {
        // Bytes that were held are there in order only once the hole is filled.
        self.last_ns = self.last_ns.max(piece.at_ns);
        piece.at_ns = self.last_ns;
        self.next = Some(piece.position + u64::from(piece.len));
        emit(piece);
    }
}

/// The part of a segment from `from` to `until`, positions that lie within it.
fn cut(position: u64, payload: &[u8], from: u64, until: u64, at_ns: u64) -> Piece {
    let offset = |at: u64| usize::try_from(at - position).unwrap_or(usize::MAX).min(payload.len());
    let bytes = payload.get(offset(from)..offset(until)).unwrap_or_default().to_vec();
    // A part of a segment is no longer than the segment, whose length is 32 bits.
    Piece { position: from, len: u32::try_from(until - from).unwrap_or(u32::MAX), bytes, at_ns }
}

#[cfg(test)]
mod tests;
