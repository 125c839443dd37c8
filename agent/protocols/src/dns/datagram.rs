//! DNS over UDP: each call is a datagram, each datagram a message.

use super::lookups::{LIMIT_NS, Lookups};
use super::message::message;
use crate::exchange::Window;
use crate::session::{Close, Output, Reason, Session};
use crate::stream::{Chunk, Direction, Stamp};

/// After so many broken messages in a row it never was DNS.
const MAX_BROKEN: u32 = 8;

/// The state of one socket.
#[derive(Debug, Default)]
pub(super) struct Datagrams {
    lookups: Lookups,
    /// The beginning of a datagram whose end is still to come, or was not captured.
    head: Option<Head>,
    /// The call whose datagram was taken in already, up to what was not captured of it.
    taken: Option<(Direction, Stamp)>,
    broken: u32,
    left: bool,
}

/// Captured bytes from the beginning of a datagram.
#[derive(Debug)]
struct Head {
    direction: Direction,
    stamp: Stamp,
    pos: u64,
    bytes: Vec<u8>,
}

impl Datagrams {
    /// A datagram of `len` bytes, of which `bytes` were captured.
    fn datagram(&mut self, direction: Direction, pos: u64, bytes: &[u8], len: u64, stamp: Stamp, out: &mut Output) {
        let whole = usize::try_from(len).unwrap_or(usize::MAX);
        let Some(message) = message(bytes, whole) else {
            if bytes.len() == whole {
                out.count(Reason::Malformed);
                self.broken += 1;
                self.left = self.broken >= MAX_BROKEN;
                out.left |= self.left;
            } else {
                self.lose(direction, out);
            }
            return;
        };
        self.broken = 0;
        let mut window = Window::open(pos, stamp);
        window.extend(pos.saturating_add(len), stamp);
        self.lookups.take(direction, message, window, stamp, out);
    }

    /// A datagram passed of which too little was seen.
    fn lose(&mut self, direction: Direction, out: &mut Output) {
        match direction {
            Direction::ToServer => out.count(Reason::LostRequest),
            Direction::ToClient => self.lookups.lose_answers(out),
        }
    }

    /// The datagram that began is over, `unseen` bytes after what there is of it.
    fn end(&mut self, unseen: u64, out: &mut Output) {
        if let Some(Head { direction, stamp, pos, bytes }) = self.head.take() {
            self.datagram(direction, pos, &bytes, (bytes.len() as u64).saturating_add(unseen), stamp, out);
        }
    }
}

impl Session for Datagrams {
    fn data(&mut self, direction: Direction, chunk: &Chunk<'_>, out: &mut Output) {
        let same = |of: Direction, stamp: &Stamp| of == direction && stamp.same_call(&chunk.stamp);
        let taken = self.taken.take();
        if self.left || taken.is_some_and(|(of, stamp)| same(of, &stamp)) {
            return;
        }
        match &mut self.head {
            Some(head) if same(head.direction, &head.stamp) => head.bytes.extend_from_slice(chunk.bytes),
            _ => {
                self.end(1, out);
                if chunk.ends_call {
                    let len = chunk.bytes.len() as u64;
                    return self.datagram(direction, chunk.pos, chunk.bytes, len, chunk.stamp, out);
                }
                let bytes = chunk.bytes.to_vec();
                self.head = Some(Head { direction, stamp: chunk.stamp, pos: chunk.pos, bytes });
            }
        }
        if chunk.ends_call {
            self.end(0, out);
        }
    }

    fn gap(&mut self, direction: Direction, len: u64, stamp: Stamp, out: &mut Output) {
        if self.left {
            return;
        }
        if self.head.as_ref().is_some_and(|head| head.direction == direction && head.stamp.same_call(&stamp)) {
            self.end(len, out);
            // The end of the datagram may have been captured. It adds nothing.
            self.taken = Some((direction, stamp));
        } else {
            self.end(1, out);
            self.lose(direction, out);
        }
    }

    fn half_close(&mut self, _direction: Direction, _at_ns: u64, _out: &mut Output) {}

    fn close(&mut self, how: Close, at_ns: u64, out: &mut Output) {
        if !std::mem::replace(&mut self.left, true) {
            self.end(1, out);
            self.lookups.close(how, true, at_ns, out);
        }
    }

    fn abandon(&mut self, reason: Reason, out: &mut Output) {
        if !std::mem::replace(&mut self.left, true) {
            self.end(1, out);
            self.lookups.abandon(reason, out);
        }
    }

    fn expire(&mut self, before_ns: u64, out: &mut Output) {
        if !self.left {
            self.lookups.expire(before_ns, out);
        }
    }

    fn patience_ns(&self) -> u64 {
        LIMIT_NS
    }

    fn heap_bytes(&self) -> usize {
        self.lookups.heap_bytes() + self.head.as_ref().map_or(0, |head| head.bytes.capacity())
    }
}
