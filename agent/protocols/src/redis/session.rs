//! One Redis connection: requests in order, replies in order, and how the two are kept together over losses.

use super::command::{self, Effect};
use super::queue::{MAX_PENDING, Pending, Queue};
use super::request::Scanner as RequestScanner;
use super::resp::{Head, Scanner as ReplyScanner, Step};
use super::state::State;
use super::sync::Sync;
use super::{Group, RedisExchange};
use crate::exchange::{Detail, Ending, Exchange, Window};
use crate::session::{Close, Output, Reason, Session};
use crate::stream::{Chunk, Direction, Inbox, Stamp};

/// Bytes of one direction that may wait for the rest of a line or a key.
const INBOX: usize = 64 << 10;
/// Replies that may wait for a request that was handed over late.
const MAX_EARLY: usize = 64;
/// Broken frames after which this never was Redis.
const MAX_STRIKES: u32 = 8;

/// See the module.
pub struct RedisSession {
    pub(super) server: Inbox,
    pub(super) client: Inbox,
    pub(super) request: RequestScanner,
    pub(super) request_window: Option<(Window, Stamp)>,
    pub(super) reply: ReplyScanner,
    pub(super) reply_window: Option<Window>,
    pub(super) early: Vec<(Head, Window)>,
    pub(super) queue: Queue,
    pub(super) state: State,
    pub(super) sync: Sync,
    /// A reply whose framing was lost; its end shows when the next request begins.
    pub(super) open_end: Option<Head>,
    pub(super) strikes: u32,
}

impl RedisSession {
    pub fn new(from_start: bool) -> Self {
        Self {
            server: Inbox::new(INBOX),
            client: Inbox::new(INBOX),
            request: RequestScanner::new(),
            request_window: None,
            reply: ReplyScanner::new(),
            reply_window: None,
            early: Vec::new(),
            queue: Queue::default(),
            state: State::new(from_start),
            sync: Sync::new(from_start),
            open_end: None,
            strikes: 0,
        }
    }

    fn requests(&mut self, out: &mut Output) {
        loop {
            if self.server.is_skipping() || out.left {
                return;
            }
            if self.request.is_done() {
                self.finish_request(out);
                continue;
            }
            if self.server.is_empty() {
                return;
            }
            if self.request_window.is_none() {
                self.begin_request(out);
            }
            let (used, step) = self.request.step(self.server.available());
            let before = self.server.position();
            let stamp = self.server.consume(used);
            if let Some((window, _)) = &mut self.request_window
                && self.server.position() > before
            {
                window.extend(self.server.position(), stamp);
            }
            match step {
                Step::Done => {}
                Step::Need => return,
                Step::Skip(len) => {
                    self.server.skip(len);
                }
                Step::Bad => {
                    self.strike(out);
                    self.lose_requests(out);
                    return;
                }
            }
        }
    }

    fn begin_request(&mut self, out: &mut Output) {
        let front = self.server.front();
        let window = Window::open(self.server.position(), front);
        self.request_window = Some((window, front));
        if self.open_end.is_some() && self.sync.at_call_start(window.pos) {
            self.end_open(out, front.first_ns);
        }
        if self.sync.is_lost() {
            let idle = self.queue.is_empty();
            let replying = self.reply_window.is_some();
            if self.sync.try_again(window, idle, replying) {
                self.client.clear();
                self.reply.reset();
                self.reply_window = None;
                self.early.clear();
            }
        }
    }

    fn finish_request(&mut self, out: &mut Output) {
        let position = self.server.position();
        let last = self.server.last();
        if let Some((mut window, front)) = self.request_window.take() {
            window.extend(position, last);
            if self.request.args.total > 0 {
                self.take_request(window, front, out);
            }
        }
        self.request.reset();
    }

    fn take_request(&mut self, window: Window, front: Stamp, out: &mut Output) {
        let Some(command) = command::read(&self.request.args) else {
            // What it does to the connection is unknown: nothing after it can be trusted.
            self.lose_requests(out);
            return;
        };
        if command.effect == Effect::Replication {
            out.left = true;
            return;
        }
        let damaged = command::is_damaged(&command, &self.request.args);
        if damaged || self.sync.is_lost() {
            out.count(Reason::LostRequest);
        }
        let in_multi = self.state.sent(command.effect);
        let silent = self.state.is_silent(command.effect);
        if self.sync.is_lost() {
            self.sync.request_passed();
            self.state.unknown(command.effect);
            return;
        }
        let group = if in_multi { Group::Transaction } else { Group::Single };
        let detail = (!damaged).then(|| {
            Box::new(RedisExchange {
                command: command.name,
                text: command.text,
                group,
                stored_procedure: command.stored_procedure,
                ..RedisExchange::default()
            })
        });
        let actor = front.actor;
        let pending =
            Pending { request: window, actor, detail, effect: command.effect, in_multi, confirmed: 0, reply: None };
        if silent {
            self.emit_silent(pending, out);
            return;
        }
        if self.queue.len() >= MAX_PENDING
            && let Some((oldest, _)) = self.queue.pop()
        {
            self.queue.ghosts += 1;
            self.state.unknown(oldest.effect);
            out.count(Reason::TooManyPending);
        }
        self.queue.push(pending);
        self.sync.outstanding(self.queue.len());
        self.match_early(out);
    }

    /// A command that has no reply, because the client turned replies off.
    fn emit_silent(&mut self, pending: Pending, out: &mut Output) {
        let database = if self.queue.changes_database() { None } else { self.state.database };
        if pending.effect != Effect::ReplyOff && pending.effect != Effect::ReplySkip {
            self.state.unanswered(pending.effect);
        }
        let Some(mut detail) = pending.detail else { return };
        detail.database = database;
        out.exchanges.push(Exchange {
            request: pending.request,
            response: None,
            actor: pending.actor,
            ending: Ending::Answered,
            end_ns: pending.request.last_ns,
            detail: Detail::Redis(detail),
        });
    }

    fn match_early(&mut self, out: &mut Output) {
        while !self.early.is_empty() && !self.queue.is_empty() {
            let (head, window) = self.early.remove(0);
            self.queue.reply_begins();
            self.answer(head, window, out);
        }
    }

    fn replies(&mut self, out: &mut Output) {
        loop {
            if self.client.is_skipping() {
                return;
            }
            if self.reply.is_done() {
                self.finish_reply(out);
                continue;
            }
            let Some(&kind) = self.client.available().first() else { return };
            if self.reply_window.is_none() {
                self.reply_window = Some(Window::open(self.client.position(), self.client.front()));
                if kind != b'>' && !self.state.is_subscribed() {
                    self.queue.reply_begins();
                }
            }
            let (used, step) = self.reply.step(self.client.available());
            let stamp = self.client.consume(used);
            if used > 0
                && let Some(window) = &mut self.reply_window
            {
                window.extend(self.client.position(), stamp);
            }
            match step {
                Step::Done => {}
                Step::Need => return,
                Step::Skip(len) => {
                    self.client.skip(len);
                }
                Step::Bad => {
                    // In the middle of a reply that was under way when we came, anything may be seen.
                    if self.sync.is_lost() {
                        self.lose_replies(out);
                    } else {
                        self.strike(out);
                        self.lose_replies(out);
                    }
                    return;
                }
            }
        }
    }

    fn finish_reply(&mut self, out: &mut Output) {
        let (position, last) = (self.client.position(), self.client.last());
        let head = self.reply.head;
        self.reply.reset();
        let Some(mut window) = self.reply_window.take() else { return };
        window.extend(position, last);
        if self.state.is_push(&head, self.queue.front().map(|front| front.effect)) {
            return;
        }
        if self.queue.is_empty() {
            if self.sync.is_lost() {
                self.sync.reply_passed();
                out.count(Reason::UnmatchedResponse);
            } else if self.early.len() < MAX_EARLY {
                self.early.push((head, window));
            } else {
                out.count(Reason::UnmatchedResponse);
            }
            return;
        }
        self.answer(head, window, out);
    }

    /// A reply belongs to the oldest command, unless it came before that was sent.
    pub(super) fn answer(&mut self, head: Head, window: Window, out: &mut Output) {
        if self.queue.ghosts > 0 {
            self.queue.ghosts -= 1;
            return;
        }
        let Some(front) = self.queue.front() else { return };
        if window.first_ns < front.request.first_ns {
            out.count(Reason::UnmatchedResponse);
            return;
        }
        let response = match front.reply {
            Some(begun) => Window { last_ns: window.last_ns, bytes: window.pos + window.bytes - begun.pos, ..begun },
            None => window,
        };
        front.confirmed += 1;
        let more = self.state.more_confirmations(front.effect, front.confirmed, &head);
        if more {
            front.reply = Some(response);
            return;
        }
        let Some((pending, batch)) = self.queue.pop() else { return };
        let database = self.state.database;
        let queued = self.state.answered(&pending, &head);
        self.sync.answered();
        let Some(mut detail) = pending.detail else { return };
        detail.database = database;
        detail.error = head.error.map(|word| word.text());
        if queued || pending.in_multi {
            detail.group = Group::Transaction;
        } else if batch > 1 {
            detail.group = Group::Pipeline;
            detail.batch_size = Some(batch);
        }
        if pending.effect == Effect::Exec {
            let size = if head.kind == b'*' && !head.null { head.len } else { self.state.queued };
            self.state.queued = 0;
            detail.batch_size = u32::try_from(size).ok().filter(|size| *size > 1);
            detail.group = Group::Transaction;
            detail.error = head.error.or(head.nested_error).map(|word| word.text());
        }
        out.exchanges.push(Exchange {
            request: pending.request,
            response: Some(response),
            actor: pending.actor,
            ending: Ending::Answered,
            end_ns: response.last_ns.max(pending.request.first_ns),
            detail: Detail::Redis(detail),
        });
    }

    fn piece(&mut self, direction: Direction, chunk: &Chunk<'_>, out: &mut Output) {
        let dropped = match direction {
            Direction::ToServer => {
                let refused = self.sync.refuses_request(chunk);
                self.sync.request_chunk(chunk);
                if refused {
                    return;
                }
                let dropped = self.server.push(chunk);
                self.requests(out);
                dropped
            }
            Direction::ToClient => {
                let refused = self.sync.refuses_reply();
                self.sync.reply_chunk(chunk);
                if refused {
                    if let Some(window) = &mut self.reply_window {
                        window.extend(chunk.pos + chunk.bytes.len() as u64, chunk.stamp);
                    }
                    return;
                }
                let dropped = self.client.push(chunk);
                self.replies(out);
                dropped
            }
        };
        if dropped > 0 {
            out.count(Reason::BufferFull);
            self.gap(direction, dropped, chunk.stamp, out);
        }
    }

    fn strike(&mut self, out: &mut Output) {
        out.count(Reason::Malformed);
        self.strikes += 1;
        out.left |= self.strikes >= MAX_STRIKES;
    }
}

impl Session for RedisSession {
    fn data(&mut self, direction: Direction, chunk: &Chunk<'_>, out: &mut Output) {
        // In pieces that fit whatever is still waiting in the inbox.
        let mut pos = chunk.pos;
        let mut pieces = chunk.bytes.chunks(INBOX / 2).peekable();
        while let Some(bytes) = pieces.next() {
            let ends_call = chunk.ends_call && pieces.peek().is_none();
            self.piece(direction, &Chunk { pos, bytes, ends_call, stamp: chunk.stamp }, out);
            pos += bytes.len() as u64;
        }
    }

    fn gap(&mut self, direction: Direction, len: u64, stamp: Stamp, out: &mut Output) {
        if len == 0 {
            return;
        }
        match direction {
            Direction::ToServer => {
                self.sync.request_gap(stamp);
                if !self.server.is_skipping()
                    && let Some(skip) = self.request.lose()
                {
                    self.server.skip(skip);
                }
                let lost = self.server.gap(len, stamp);
                if lost > 0 {
                    if self.request.is_done() {
                        self.requests(out);
                    }
                    self.lose_requests(out);
                } else {
                    self.requests(out);
                }
            }
            Direction::ToClient => {
                self.sync.reply_gap(stamp);
                if self.sync.refuses_reply() {
                    if let Some(window) = &mut self.reply_window {
                        window.last_ns = window.last_ns.max(stamp.last_ns);
                        window.bytes += len;
                    }
                    return;
                }
                let lost = self.client.gap(len, stamp);
                if lost > 0 && self.reply.is_done() {
                    self.replies(out);
                }
                if lost > 0 {
                    self.lose_replies(out);
                } else {
                    self.replies(out);
                }
            }
        }
    }

    fn half_close(&mut self, direction: Direction, at_ns: u64, out: &mut Output) {
        if direction == Direction::ToClient {
            self.end_all(Ending::Closed, at_ns, out);
        }
    }

    fn close(&mut self, how: Close, at_ns: u64, out: &mut Output) {
        let ending = if how == Close::Reset { Ending::Reset } else { Ending::Closed };
        self.end_all(ending, at_ns, out);
    }

    fn abandon(&mut self, reason: Reason, out: &mut Output) {
        self.abandon_all(reason, out);
    }

    fn expire(&mut self, before_ns: u64, out: &mut Output) {
        if self.sync.last_activity() >= before_ns {
            return;
        }
        if self.open_end.is_some() {
            self.end_open(out, before_ns);
        }
        self.server.shrink();
        self.client.shrink();
        for _ in self.early.drain(..) {
            out.count(Reason::UnmatchedResponse);
        }
        self.queue.shrink();
    }

    fn heap_bytes(&self) -> usize {
        self.server.heap_bytes()
            + self.client.heap_bytes()
            + self.request.args.heap_bytes()
            + self.queue.heap_bytes()
            + self.early.capacity() * size_of::<(Head, Window)>()
    }
}
