//! Whether requests and replies are known to be in step, and how that is found again.
//!
//! After requests were lost (or when we came in the middle) an unknown number of replies is under way. They are in
//! step again when a request begins a system call while nothing can be outstanding: for a client that never was seen
//! to send ahead that is after the reply to what it sent before; for any other only after a long silence, or after
//! many rounds in which requests and replies alternated.

use crate::exchange::Window;
use crate::stream::{Chunk, Stamp};

/// Silence in both directions after which nothing is under way.
const SILENCE_NS: u64 = 100_000_000;
/// Rounds of request and reply that speak for it as well.
const ROUNDS: u32 = 32;
/// Exchanges one at a time after which a client counts as one that does not send ahead.
const HISTORY: u64 = 4;

/// See the module.
#[derive(Debug)]
pub struct Sync {
    lost: bool,
    /// Came in the middle and has seen nothing yet that spoke against a client at rest.
    fresh: bool,
    seek_request: bool,
    seek_reply: bool,
    sends_ahead: bool,
    answered: u64,
    requests: u64,
    replies: u64,
    rounds: u32,
    request_ended: bool,
    call_start: Option<u64>,
    reply_ended: bool,
    reply_since_loss: bool,
    last_ns: u64,
    previous_ns: u64,
}

impl Sync {
    pub fn new(from_start: bool) -> Self {
        Self {
            lost: !from_start,
            fresh: !from_start,
            seek_request: false,
            seek_reply: false,
            sends_ahead: false,
            answered: 0,
            requests: 0,
            replies: 0,
            rounds: 0,
            request_ended: true,
            call_start: None,
            reply_ended: true,
            reply_since_loss: false,
            last_ns: 0,
            previous_ns: 0,
        }
    }

    pub fn is_lost(&self) -> bool {
        self.lost
    }

    pub fn is_sequential(&self) -> bool {
        !self.lost && !self.sends_ahead
    }

    pub fn at_call_start(&self, pos: u64) -> bool {
        self.call_start == Some(pos)
    }

    pub fn reply_ended(&self) -> bool {
        self.reply_ended
    }

    pub fn last_activity(&self) -> u64 {
        self.last_ns
    }

    fn touch(&mut self, ns: u64) {
        self.previous_ns = self.last_ns;
        self.last_ns = self.last_ns.max(ns);
    }

    /// Whether a chunk of requests cannot be read because it may begin anywhere.
    pub fn refuses_request(&self, chunk: &Chunk<'_>) -> bool {
        self.seek_request && !(self.request_ended && chunk.bytes.first() == Some(&b'*'))
    }

    pub fn request_chunk(&mut self, chunk: &Chunk<'_>) {
        if self.request_ended {
            self.call_start = Some(chunk.pos);
            self.seek_request &= chunk.bytes.first() != Some(&b'*');
        }
        self.request_ended = chunk.ends_call;
        self.touch(chunk.stamp.first_ns);
    }

    pub fn request_gap(&mut self, stamp: Stamp) {
        self.request_ended = false;
        self.touch(stamp.last_ns);
    }

    pub fn refuses_reply(&self) -> bool {
        self.seek_reply
    }

    pub fn reply_chunk(&mut self, chunk: &Chunk<'_>) {
        self.reply_ended = chunk.ends_call && chunk.bytes.ends_with(b"\r\n");
        self.reply_since_loss = true;
        self.touch(chunk.stamp.last_ns);
    }

    pub fn reply_gap(&mut self, stamp: Stamp) {
        self.reply_ended = false;
        self.reply_since_loss = true;
        self.touch(stamp.last_ns);
    }

    /// So many are waiting.
    pub fn outstanding(&mut self, count: usize) {
        self.sends_ahead |= count > 1;
    }

    pub fn answered(&mut self) {
        self.answered += 1;
    }

    pub fn request_passed(&mut self) {
        self.requests += 1;
    }

    pub fn reply_passed(&mut self) {
        self.replies += 1;
    }

    fn lose(&mut self) {
        self.fresh = false;
        self.lost = true;
        self.reply_since_loss = false;
        self.requests = 0;
        self.replies = 0;
        self.rounds = 0;
    }

    pub fn lose_requests(&mut self) {
        self.lose();
        self.seek_request = true;
    }

    pub fn lose_replies(&mut self) {
        let fresh = self.fresh;
        self.lose();
        self.fresh = fresh;
        self.reply_since_loss = true;
        self.seek_reply = true;
    }

    /// Only the framing of the reply under way is lost.
    pub fn lose_frames(&mut self) {
        self.seek_reply = true;
    }

    pub fn frames_found(&mut self) {
        self.seek_reply = false;
    }

    /// A request begins. Are we in step from here on?
    pub fn try_again(&mut self, request: Window, idle: bool, replying: bool) -> bool {
        let quiet = self.last_ns == 0 || request.first_ns.saturating_sub(self.previous_ns) >= SILENCE_NS;
        let boundary = self.at_call_start(request.pos) && self.reply_ended;
        if !boundary || !idle {
            self.rounds = 0;
            return false;
        }
        let alternates = self.reply_since_loss && (self.seek_reply || (!replying && self.requests == self.replies));
        self.rounds = if alternates { self.rounds + 1 } else { 0 };
        self.requests = 0;
        self.replies = 0;
        let modest = !self.sends_ahead && self.answered >= HISTORY && self.reply_since_loss;
        if !(self.fresh || modest || quiet || self.rounds >= ROUNDS) {
            return false;
        }
        self.lost = false;
        self.fresh = false;
        self.seek_reply = false;
        self.rounds = 0;
        true
    }
}
