//! One Redis connection: what is known of it, and the way of its bytes to `asking` and `answering`.

use super::RedisExchange;
use super::queue::Queue;
use super::request::Scanner as RequestScanner;
use super::resp::{Head, Scanner as ReplyScanner};
use super::state::State;
use super::sync::Sync;
use crate::appetite::Appetite;
use crate::exchange::{Ending, Exchange, Window};
use crate::session::{Close, Output, Reason, Session, Shedding};
use crate::stream::{Chunk, Direction, Inbox, Stamp};

/// Bytes of one direction that may wait for the rest of a line or a key.
const INBOX: usize = 64 << 10;
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
    /// What came out while commands and replies were paired on trial.
    pub(super) held: Vec<Exchange>,
    /// Replies that will come and belong to commands that were given up, and counted.
    pub(super) settled: u64,
    pub(super) strikes: u32,
    /// Commands were left out on purpose, whose replies are to be passed over.
    skipped: bool,
    appetite: Appetite,
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
            held: Vec::new(),
            settled: 0,
            strikes: 0,
            skipped: false,
            appetite: Appetite::default(),
        }
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

    /// Whether each reply answers one command, and replies and commands are paired rightly.
    fn in_step(&self) -> bool {
        self.sync.is_in_step() && self.state.is_plain()
    }

    pub(super) fn strike(&mut self, out: &mut Output) {
        out.count(Reason::Malformed);
        self.strikes += 1;
        out.left |= self.strikes >= MAX_STRIKES;
    }
}

impl Session for RedisSession {
    fn data(&mut self, direction: Direction, chunk: &Chunk<'_>, out: &mut Output) {
        self.appetite.chunk(direction, chunk);
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
                    self.appetite.starved(direction);
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
                    if self.queue.len() > 1 {
                        self.appetite.starved(direction);
                    }
                    self.lose_replies(out);
                } else {
                    self.replies(out);
                }
            }
        }
    }

    fn skip(&mut self, direction: Direction, len: u64, stamp: Stamp, out: &mut Output) {
        let idle = self.in_step() && self.early.is_empty() && self.settled == 0 && self.open_end.is_none();
        match direction {
            Direction::ToServer
                if idle && self.queue.is_empty() && self.server.is_idle() && self.request_window.is_none() =>
            {
                self.server.jump(len);
                // It may have been selected anew.
                self.state.database = None;
                self.skipped = true;
            }
            Direction::ToClient if idle && self.skipped && self.client.is_idle() && self.reply_window.is_none() => {
                self.skipped = false;
                self.client.jump(len);
            }
            _ => self.gap(direction, len, stamp, out),
        }
    }

    fn shedding(&self) -> Shedding {
        if self.in_step() { Shedding::Any } else { Shedding::Never }
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

    fn rest(&mut self, now_ns: u64, out: &mut Output) {
        if self.sync.is_silent(now_ns) {
            self.settle(out);
        }
    }

    fn expire(&mut self, before_ns: u64, out: &mut Output) {
        if self.sync.last_activity() >= before_ns {
            return;
        }
        if self.open_end.is_some() {
            self.end_open(out, before_ns);
        }
        self.settle(out);
        self.server.shrink();
        self.client.shrink();
        for _ in self.early.drain(..) {
            out.count(Reason::UnmatchedResponse);
        }
        self.queue.shrink();
    }

    fn budget(&self) -> Option<u32> {
        self.appetite.budget()
    }

    fn heap_bytes(&self) -> usize {
        self.server.heap_bytes()
            + self.client.heap_bytes()
            + self.request.args.heap_bytes()
            + self.queue.heap_bytes()
            + self.early.capacity() * size_of::<(Head, Window)>()
            + self.held.capacity() * size_of::<Exchange>()
            + self.held.iter().map(held_bytes).sum::<usize>()
    }
}

/// Heap bytes of an exchange that is held back.
fn held_bytes(exchange: &Exchange) -> usize {
    let redis = exchange.detail.downcast::<RedisExchange>();
    redis.map_or(0, |redis| size_of_val(redis) + redis.command.len() + redis.text.len())
}
