//! One FastCGI connection.

use std::collections::VecDeque;

use super::record::{BEGIN_LEN, HEAD_LEN, Head, Kind, ends_with_end};
use super::{FastCgiExchange, answer, params};
use crate::exchange::{Ending, Exchange, Window};
use crate::phase::{Print, RequestStart};
use crate::session::{Close, Output, Reason, Session};
use crate::stream::{Actor, Chunk, Direction, Inbox, Stamp};

/// Bytes of one direction that wait for the rest of a head.
const INBOX: usize = 16 << 10;
/// Most bytes of parameters that are kept of a request.
const MAX_PARAMS: usize = 32 << 10;
/// Most requests that may wait on one connection.
const MAX_PENDING: usize = 64;
/// Broken records after which this never was FastCGI.
const MAX_STRIKES: u32 = 4;

/// A request, and as much of its answer as was seen.
#[derive(Debug)]
struct Pending {
    id: u16,
    window: Window,
    actor: Actor,
    read_ns: u64,
    params: Vec<u8>,
    /// What is asked: known when all parameters, or the first of what comes after them, were seen.
    detail: Option<Box<FastCgiExchange>>,
    is_read: bool,
    body: u64,
    response: Option<Window>,
    head: Vec<u8>,
    /// A part of the answer's head was lost: its status is not known.
    is_head_lost: bool,
    status: Option<u16>,
    response_body: Option<u64>,
}

/// One direction.
#[derive(Debug)]
struct Side {
    inbox: Inbox,
    /// The record whose content comes next, and how many bytes of that are left.
    record: Option<(Head, u64)>,
    /// Where records begin is not known.
    is_lost: bool,
}

/// See the module.
#[derive(Debug)]
pub(super) struct FastCgi {
    server: Side,
    client: Side,
    pending: VecDeque<Pending>,
    strikes: u32,
}

impl Default for FastCgi {
    fn default() -> Self {
        let side = || Side { inbox: Inbox::new(INBOX), record: None, is_lost: false };
        Self { server: side(), client: side(), pending: VecDeque::new(), strikes: 0 }
    }
}

impl Pending {
    /// All that is asked was seen, or as much as will be: tells that it began.
    fn read(&mut self, stamp: Stamp, is_whole: bool, out: &mut Output) {
        if std::mem::replace(&mut self.is_read, true) {
            return;
        }
        (self.actor, self.read_ns) = (stamp.actor, stamp.last_ns);
        self.detail = params::read(&self.params, is_whole).map(Box::new);
        self.params = Vec::new();
        let Some(detail) = self.detail.as_deref() else { return };
        out.requests.push(RequestStart {
            stream: 0,
            pos: self.window.pos,
            at_ns: self.window.first_ns,
            read_ns: self.read_ns,
            actor: self.actor,
            traceparent: detail.traceparent.clone(),
            print: (!detail.target_truncated).then(|| Print::of(&detail.method, &detail.target)),
        });
    }

    fn answered(&mut self, bytes: &[u8]) {
        if self.is_head_lost {
            return;
        }
        if self.status.is_some() {
            self.response_body = self.response_body.map(|body| body + bytes.len() as u64);
            return;
        }
        let room = answer::MAX_HEAD.saturating_sub(self.head.len());
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if let Some(len) = answer::head_len(&self.head) {
            self.status = Some(answer::status(&self.head[..len]));
            self.response_body = Some((self.head.len() - len) as u64 + bytes.len().saturating_sub(room) as u64);
            self.head = Vec::new();
        }
    }

    /// Reports it. False when nothing is known of what it asked.
    fn emit(mut self, ending: Ending, end_ns: u64, out: &mut Output) -> bool {
        let stamp = Stamp { last_ns: self.window.last_ns, actor: self.actor, ..Stamp::default() };
        self.read(stamp, false, out);
        let Some(mut detail) = self.detail else { return false };
        detail.status = self.status;
        detail.request_body = Some(self.body);
        detail.response_body = self.response_body;
        out.exchanges.push(Exchange {
            stream: 0,
            request: self.window,
            response: self.response,
            actor: self.actor,
            ending,
            end_ns: end_ns.max(self.window.first_ns),
            detail,
        });
        true
    }
}

impl FastCgi {
    fn side(&mut self, direction: Direction) -> &mut Side {
        match direction {
            Direction::ToServer => &mut self.server,
            Direction::ToClient => &mut self.client,
        }
    }

    fn find(&mut self, id: u16) -> Option<&mut Pending> {
        self.pending.iter_mut().rev().find(|pending| pending.id == id)
    }

    /// Takes whole records, and contents as far as they are there.
    fn records(&mut self, direction: Direction, out: &mut Output) {
        while !out.left {
            let side = self.side(direction);
            if let Some((head, left)) = side.record {
                let content = side.inbox.available();
                let take = usize::try_from(left).map_or(content.len(), |left| left.min(content.len()));
                let bytes = content[..take].to_vec();
                let stamp = side.inbox.consume(take);
                let left = left - take as u64;
                side.record = Some((head, left));
                if take > 0 {
                    self.content(direction, head, &bytes, stamp);
                }
                if left > 0 {
                    return;
                }
                let side = self.side(direction);
                side.record = None;
                side.inbox.skip(u64::from(head.padding));
                let (stamp, end) = (side.inbox.last(), side.inbox.position());
                self.over(direction, head, (end, stamp), out);
                continue;
            }
            if side.inbox.is_skipping() {
                return;
            }
            let Some(bytes) = side.inbox.available().first_chunk::<HEAD_LEN>() else { return };
            let Some(head) = Head::parse(bytes) else {
                self.lose(direction, out);
                return self.strike(out);
            };
            if head.kind == Kind::Begin && side.inbox.available().len() < BEGIN_LEN {
                return;
            }
            let (pos, front) = (side.inbox.position(), side.inbox.front());
            let stamp = side.inbox.consume(HEAD_LEN);
            side.record = Some((head, u64::from(head.content)));
            self.begins(direction, head, (pos, front), stamp, out);
        }
    }

    /// The head of a record passed.
    fn begins(&mut self, direction: Direction, head: Head, (pos, front): (u64, Stamp), stamp: Stamp, out: &mut Output) {
        if direction == Direction::ToClient {
            if let Some(pending) = self.find(head.id) {
                pending.response.get_or_insert_with(|| Window::open(pos, front));
            }
            return;
        }
        match head.kind {
            Kind::Begin => {
                // What was not seen to end has ended by now, unless several go on at once.
                if self.client.is_lost || self.pending.iter().any(|pending| pending.id == head.id) {
                    self.end_all(Ending::Closed, front.first_ns, out);
                    self.client.is_lost = false;
                }
                if self.pending.len() >= MAX_PENDING {
                    self.pending.pop_front();
                    out.count(Reason::TooManyPending);
                }
                self.pending.push_back(Pending {
                    id: head.id,
                    window: Window::open(pos, front),
                    actor: front.actor,
                    read_ns: front.last_ns,
                    params: Vec::new(),
                    detail: None,
                    is_read: false,
                    body: 0,
                    response: None,
                    head: Vec::new(),
                    is_head_lost: false,
                    status: None,
                    response_body: None,
                });
            }
            Kind::Params if head.content == 0 => {
                if let Some(pending) = self.find(head.id) {
                    pending.read(stamp, true, out);
                }
            }
            Kind::In => {
                if let Some(pending) = self.find(head.id) {
                    pending.read(stamp, false, out);
                    pending.body += u64::from(head.content);
                }
            }
            _ => {}
        }
    }

    /// A part of a record's content passed.
    fn content(&mut self, direction: Direction, head: Head, bytes: &[u8], stamp: Stamp) {
        let Some(pending) = self.find(head.id) else { return };
        match (direction, head.kind) {
            (Direction::ToServer, Kind::Params) => {
                let room = MAX_PARAMS.saturating_sub(pending.params.len());
                pending.params.extend_from_slice(&bytes[..bytes.len().min(room)]);
                pending.window.last_ns = pending.window.last_ns.max(stamp.last_ns);
            }
            (Direction::ToClient, Kind::Out) => pending.answered(bytes),
            _ => {}
        }
    }

    /// A whole record passed, up to the byte before `end`.
    fn over(&mut self, direction: Direction, head: Head, (end, stamp): (u64, Stamp), out: &mut Output) {
        let Some(at) = self.pending.iter().rposition(|pending| pending.id == head.id) else {
            if head.kind == Kind::End && direction == Direction::ToClient {
                out.count(Reason::UnmatchedResponse);
            }
            return;
        };
        let pending = &mut self.pending[at];
        match direction {
            Direction::ToServer => pending.window.extend(end, stamp),
            Direction::ToClient => {
                if let Some(response) = &mut pending.response {
                    response.extend(end, stamp);
                }
                if head.kind == Kind::End {
                    self.end(at, Ending::Answered, stamp.last_ns, out);
                }
            }
        }
    }

    fn end(&mut self, at: usize, ending: Ending, at_ns: u64, out: &mut Output) {
        if let Some(pending) = self.pending.remove(at)
            && !pending.emit(ending, at_ns, out)
        {
            out.count(Reason::LostRequest);
        }
    }

    /// Ends all requests: those of which the end of the answer may have been lost as answered.
    fn end_all(&mut self, ending: Ending, at_ns: u64, out: &mut Output) {
        while let Some(pending) = self.pending.front() {
            match pending.response.filter(|_| self.client.is_lost) {
                Some(response) => self.end(0, Ending::Answered, response.last_ns, out),
                None => self.end(0, ending, at_ns, out),
            }
        }
    }

    /// Where records of a direction begin is not known any more.
    fn lose(&mut self, direction: Direction, out: &mut Output) {
        let side = self.side(direction);
        side.inbox.clear();
        side.record = None;
        if std::mem::replace(&mut side.is_lost, true) {
            return;
        }
        out.count(Reason::Resync);
        for pending in &mut self.pending {
            if direction == Direction::ToServer {
                pending.read(Stamp { last_ns: pending.read_ns, actor: pending.actor, ..Stamp::default() }, false, out);
            } else {
                pending.response_body = None;
                pending.is_head_lost |= pending.status.is_none();
            }
        }
    }

    fn strike(&mut self, out: &mut Output) {
        out.count(Reason::Malformed);
        self.strikes += 1;
        out.left |= self.strikes >= MAX_STRIKES;
    }

    /// Looks for a place where records are known again: a request begins with a call. True when this is one.
    fn finds(&mut self, direction: Direction, chunk: &Chunk<'_>, out: &mut Output) -> bool {
        if direction == Direction::ToServer {
            let is_begin = chunk.bytes.first_chunk::<HEAD_LEN>().and_then(Head::parse);
            self.server.is_lost = is_begin.is_none_or(|head| head.kind != Kind::Begin || head.content != 8);
            return !self.server.is_lost;
        }
        let end = chunk.pos + chunk.bytes.len() as u64;
        let Some(pending) = self.pending.front_mut() else { return false };
        pending.response.get_or_insert_with(|| Window::open(chunk.pos, chunk.stamp)).extend(end, chunk.stamp);
        if chunk.ends_call && ends_with_end(chunk.bytes, pending.id) {
            self.end(0, Ending::Answered, chunk.stamp.last_ns, out);
            self.client.is_lost = !self.pending.is_empty();
        }
        false
    }
}

impl Session for FastCgi {
    fn data(&mut self, direction: Direction, chunk: &Chunk<'_>, out: &mut Output) {
        if self.side(direction).is_lost && !self.finds(direction, chunk, out) {
            return;
        }
        // In pieces that fit beside what still waits.
        let mut pos = chunk.pos;
        for bytes in chunk.bytes.chunks(INBOX / 2) {
            let piece = Chunk { pos, bytes, ends_call: false, stamp: chunk.stamp };
            pos += bytes.len() as u64;
            let side = self.side(direction);
            if side.is_lost {
                return;
            }
            if side.inbox.push(&piece) > 0 {
                out.count(Reason::BufferFull);
                return self.lose(direction, out);
            }
            self.records(direction, out);
        }
    }

    fn gap(&mut self, direction: Direction, len: u64, stamp: Stamp, out: &mut Output) {
        let side = self.side(direction);
        if side.is_lost {
            return;
        }
        // What is missing may be of one record's content alone.
        if let Some((head, left)) = side.record
            && side.inbox.is_empty()
            && len <= left
        {
            side.record = Some((head, left - len));
            side.inbox.jump(len);
            if head.kind == Kind::Out
                && let Some(pending) = self.find(head.id)
            {
                pending.response_body = pending.response_body.map(|body| body + len);
                pending.is_head_lost |= pending.status.is_none();
            }
            return;
        }
        if side.inbox.gap(len, stamp) > 0 {
            self.lose(direction, out);
        }
    }

    fn half_close(&mut self, direction: Direction, at_ns: u64, out: &mut Output) {
        if direction == Direction::ToClient {
            self.end_all(Ending::Closed, at_ns, out);
        }
    }

    fn close(&mut self, how: Close, at_ns: u64, out: &mut Output) {
        self.end_all(if how == Close::Reset { Ending::Reset } else { Ending::Closed }, at_ns, out);
    }

    fn abandon(&mut self, reason: Reason, out: &mut Output) {
        self.pending.drain(..).for_each(|_| out.count(reason));
    }

    fn expire(&mut self, _before_ns: u64, _out: &mut Output) {
        self.server.inbox.shrink();
        self.client.inbox.shrink();
    }

    fn heap_bytes(&self) -> usize {
        let held = |pending: &Pending| size_of::<Pending>() + pending.params.capacity() + pending.head.capacity();
        let inboxes = self.server.inbox.heap_bytes() + self.client.inbox.heap_bytes();
        inboxes + self.pending.iter().map(held).sum::<usize>()
    }
}
