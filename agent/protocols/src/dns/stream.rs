//! DNS over TCP: messages with their length in two bytes before each (RFC 7766, section 8).

use super::lookups::{LIMIT_NS, Lookups};
use super::message::{HEADER, Message, is_certain, message};
use crate::exchange::Window;
use crate::protocol::{Context, Probe};
use crate::session::{Close, Output, Reason, Session};
use crate::stream::{Chunk, Direction, Inbox, Stamp};

/// Bytes of the length before a message.
const PREFIX: usize = 2;
/// The longest message, and its prefix.
const CAPACITY: usize = PREFIX + u16::MAX as usize;
/// Longest query that is taken for one at the beginning of a connection. A name, and options.
const MAX_QUERY: usize = 1024;
/// After so many broken messages in a row it never was DNS.
const MAX_BROKEN: u32 = 4;

/// The state of one connection.
#[derive(Debug)]
pub(super) struct Stream {
    to_server: Side,
    to_client: Side,
    lookups: Lookups,
    broken: u32,
    left: bool,
}

/// One direction.
#[derive(Debug)]
struct Side {
    inbox: Inbox,
    /// Whether the next byte begins a message.
    known: bool,
    /// Whether the next chunk begins a call.
    call: bool,
}

/// What is at the front of a direction.
enum Front {
    /// Nothing whole yet.
    Wait,
    /// A message of so many bytes, prefix included; `None` if it is malformed, or too much of it is missing.
    Message(Option<Message>, usize),
}

impl Side {
    fn new(known: bool) -> Self {
        Self { inbox: Inbox::new(CAPACITY), known, call: true }
    }

    /// `missing`: so many bytes were not captured after what is there.
    fn front(&self, missing: u64) -> Front {
        let bytes = self.inbox.available();
        let Some((prefix, body)) = bytes.split_first_chunk::<PREFIX>() else { return Front::Wait };
        let len = usize::from(u16::from_be_bytes(*prefix));
        if body.len() < len && missing == 0 {
            return Front::Wait;
        }
        let captured = body.get(..len).unwrap_or(body);
        // When a message ends is known only if it ends here.
        let ends = (len - captured.len()) as u64 <= missing;
        Front::Message(message(captured, len).filter(|_| ends), PREFIX + len)
    }
}

impl Stream {
    pub fn new(from_start: bool) -> Self {
        Self {
            to_server: Side::new(from_start),
            to_client: Side::new(from_start),
            lookups: Lookups::default(),
            broken: 0,
            left: false,
        }
    }

    fn side(&mut self, direction: Direction) -> &mut Side {
        match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }

    /// Reads what is there. `missing`: so many bytes after it were not captured; they passed at `stamp`.
    fn read(&mut self, direction: Direction, missing: u64, stamp: Stamp, out: &mut Output) {
        while !self.left {
            let side = self.side(direction);
            if !side.known || side.inbox.is_empty() {
                return;
            }
            let Front::Message(message, total) = side.front(missing) else { return };
            let (pos, first) = (side.inbox.position(), side.inbox.front());
            let whole = side.inbox.available().len() >= total;
            let Some(message) = message else {
                if whole {
                    self.malformed(direction, out);
                } else {
                    // Its end is known, what it said is not.
                    side.inbox.skip(total as u64);
                    self.lose_message(direction, out);
                }
                continue;
            };
            side.inbox.skip(total as u64);
            let mut window = Window::open(pos, first);
            let last = if whole { side.inbox.last() } else { stamp };
            window.extend(pos.saturating_add(total as u64), last);
            self.broken = 0;
            self.lookups.take(direction, message, window, first, out);
        }
    }

    fn malformed(&mut self, direction: Direction, out: &mut Output) {
        out.count(Reason::Malformed);
        self.broken += 1;
        if self.broken >= MAX_BROKEN {
            self.left = true;
            out.left = true;
        }
        self.lose(direction, out);
    }

    fn lose_message(&mut self, direction: Direction, out: &mut Output) {
        match direction {
            Direction::ToServer => out.count(Reason::LostRequest),
            Direction::ToClient => self.lookups.lose_answers(out),
        }
    }

    /// It is not known any more where messages begin.
    fn lose(&mut self, direction: Direction, out: &mut Output) {
        let side = self.side(direction);
        side.known = false;
        side.inbox.clear();
        if direction == Direction::ToClient {
            self.lookups.lose_answers(out);
        }
    }
}

impl Session for Stream {
    fn data(&mut self, direction: Direction, chunk: &Chunk<'_>, out: &mut Output) {
        if self.left {
            return;
        }
        let side = self.side(direction);
        let begins = std::mem::replace(&mut side.call, chunk.ends_call);
        if !side.known {
            side.known = begins && certain(chunk.bytes).is_some_and(|found| found == direction);
            if !side.known {
                if direction == Direction::ToClient {
                    self.lookups.lose_answers(out);
                }
                return;
            }
        }
        let mut rest = *chunk;
        while !rest.bytes.is_empty() {
            let before = rest.bytes.len();
            let lost = usize::try_from(self.side(direction).inbox.push(&rest)).unwrap_or(before);
            self.read(direction, 0, chunk.stamp, out);
            if self.left || !self.side(direction).known {
                return;
            }
            // What did not fit is offered again once a message was taken out.
            let taken = before - lost.min(before);
            if taken == 0 {
                out.count(Reason::BufferFull);
                return self.lose(direction, out);
            }
            rest.bytes = rest.bytes.get(taken..).unwrap_or_default();
            rest.pos = rest.pos.saturating_add(taken as u64);
            rest.stamp.arrived_ns = 0;
        }
    }

    fn gap(&mut self, direction: Direction, len: u64, stamp: Stamp, out: &mut Output) {
        if self.left || len == 0 {
            return;
        }
        // A message of which the end is missing says what it asks all the same.
        self.read(direction, len, stamp, out);
        let side = self.side(direction);
        side.call = false;
        if !side.known {
            if direction == Direction::ToClient {
                self.lookups.lose_answers(out);
            }
        } else if side.inbox.gap(len, stamp) > 0 || !side.inbox.is_empty() {
            out.count(Reason::Resync);
            self.lose(direction, out);
        }
    }

    fn half_close(&mut self, _direction: Direction, _at_ns: u64, _out: &mut Output) {}

    fn close(&mut self, how: Close, at_ns: u64, out: &mut Output) {
        if !std::mem::replace(&mut self.left, true) {
            self.lookups.close(how, false, at_ns, out);
        }
    }

    fn abandon(&mut self, reason: Reason, out: &mut Output) {
        if !std::mem::replace(&mut self.left, true) {
            self.lookups.abandon(reason, out);
        }
    }

    fn expire(&mut self, before_ns: u64, out: &mut Output) {
        if !self.left {
            self.lookups.expire(before_ns, out);
            self.to_server.inbox.shrink();
            self.to_client.inbox.shrink();
        }
    }

    fn patience_ns(&self) -> u64 {
        LIMIT_NS
    }

    fn heap_bytes(&self) -> usize {
        self.lookups.heap_bytes() + self.to_server.inbox.heap_bytes() + self.to_client.inbox.heap_bytes()
    }
}

/// The direction of a call that begins with a whole message, if that is beyond doubt.
fn certain(bytes: &[u8]) -> Option<Direction> {
    let (prefix, body) = bytes.split_first_chunk::<PREFIX>()?;
    let len = usize::from(u16::from_be_bytes(*prefix));
    whole(body.get(..len)?)
}

/// The direction of a whole message, if it is one beyond doubt.
pub(super) fn whole(bytes: &[u8]) -> Option<Direction> {
    let message = message(bytes, bytes.len()).filter(is_certain)?;
    Some(if message.is_response { Direction::ToClient } else { Direction::ToServer })
}

/// The registry's question.
pub(super) fn probe(bytes: &[u8], context: Context) -> Probe {
    if let Some(direction) = certain(bytes) {
        return Probe::Yes(direction);
    }
    if context.from_start && context.direction != Some(Direction::ToClient) && may_become_query(bytes) {
        Probe::Maybe
    } else {
        Probe::No
    }
}

/// Whether a few bytes may be the beginning of a query: a small length, then a header that asks one question.
fn may_become_query(bytes: &[u8]) -> bool {
    /// Length (high byte), flags (`QR`, `OPCODE`, `AA`, `TC` clear; then `RA`, `Z`, `RCODE` clear), counts.
    const EXPECTED: [(usize, u8, u8); 8] = [
        (0, 0xfc, 0),
        (4, 0xfe, 0),
        (5, 0xcf, 0),
        (6, 0xff, 0),
        (7, 0xff, 1),
        (8, 0xff, 0),
        (9, 0xff, 0),
        (10, 0xff, 0),
    ];
    let fits = EXPECTED.iter().all(|(at, mask, value)| bytes.get(*at).is_none_or(|byte| byte & mask == *value));
    let Some((prefix, body)) = bytes.split_first_chunk::<PREFIX>() else { return fits };
    let len = usize::from(u16::from_be_bytes(*prefix));
    fits && (HEADER + 5..=MAX_QUERY).contains(&len) && body.len() < len
}
