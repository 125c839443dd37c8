//! Whether requests and replies are known to be in step, and how that is found again.
//!
//! After requests were lost (or when we came in the middle) an unknown number of replies is under way. They are in
//! step again when a request begins a turn while nothing can be outstanding: after a silence, or, for a client that
//! waits for all replies at each of its turns, after any reply. Who does that is a matter of habit, so from there on
//! commands and replies are paired *on trial*. What comes of it is held back until as many turns seemed to begin at rest
//! as the client's habits ask for, or until a silence in which nothing was left over; one reply too many, or one that
//! cannot be that of its command, ends the trial, and what was held is dropped.

use super::probe;
use crate::exchange::Window;
use crate::habit::Habit;
use crate::stream::{Chunk, Stamp};

/// Silence in both directions after which nothing is under way.
const SILENCE_NS: u64 = 100_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Each reply is that of the oldest command.
    InStep,
    /// So it seems; so many more turns must begin at rest.
    Trial(u32),
    /// Nobody knows.
    Lost,
}

/// See the module.
#[derive(Debug)]
pub struct Sync {
    standing: Standing,
    habit: Habit,
    /// The turn that began last seems to have begun ahead of a reply, unless that was lost.
    perhaps_ahead: bool,
    /// Something of a reply passed since the last turn began.
    turned: bool,
    /// Came in the middle and has seen nothing yet that spoke against a client at rest.
    fresh: bool,
    seek_request: bool,
    seek_reply: bool,
    request_ended: bool,
    /// What is missing begins where a call ended: whole calls are.
    calls_missing: bool,
    call_start: Option<u64>,
    reply_ended: bool,
    reply_since_loss: bool,
    last_ns: u64,
    previous_ns: u64,
}

impl Sync {
    pub fn new(from_start: bool) -> Self {
        Self {
            standing: if from_start { Standing::InStep } else { Standing::Lost },
            habit: Habit::default(),
            perhaps_ahead: false,
            turned: true,
            fresh: !from_start,
            seek_request: false,
            seek_reply: false,
            request_ended: true,
            calls_missing: false,
            call_start: None,
            reply_ended: true,
            reply_since_loss: false,
            last_ns: 0,
            previous_ns: 0,
        }
    }

    pub fn is_lost(&self) -> bool {
        self.standing == Standing::Lost
    }

    /// Whether each reply is that of the oldest command.
    pub fn is_in_step(&self) -> bool {
        self.standing == Standing::InStep && !self.seek_request && !self.seek_reply
    }

    /// Whether what comes out is to be held back.
    pub fn is_trial(&self) -> bool {
        matches!(self.standing, Standing::Trial(_))
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

    /// Whether nothing has passed for so long that nothing is under way.
    pub fn is_silent(&self, now_ns: u64) -> bool {
        now_ns.saturating_sub(self.last_ns) >= SILENCE_NS
    }

    fn touch(&mut self, ns: u64) {
        self.previous_ns = self.last_ns;
        self.last_ns = self.last_ns.max(ns);
    }

    /// Whether a chunk of requests cannot be read because it may begin anywhere.
    pub fn refuses_request(&self, chunk: &Chunk<'_>) -> bool {
        self.seek_request && !((self.request_ended || self.calls_missing) && probe::begins_command(chunk.bytes))
    }

    pub fn request_chunk(&mut self, chunk: &Chunk<'_>) {
        if self.request_ended || self.calls_missing && probe::begins_command(chunk.bytes) {
            self.call_start = Some(chunk.pos);
            self.seek_request &= !probe::begins_command(chunk.bytes);
        }
        self.calls_missing = false;
        self.request_ended = chunk.ends_call;
        self.touch(chunk.stamp.first_ns);
    }

    pub fn request_gap(&mut self, stamp: Stamp) {
        self.calls_missing |= std::mem::take(&mut self.request_ended);
        self.touch(stamp.last_ns);
    }

    pub fn refuses_reply(&self) -> bool {
        self.seek_reply
    }

    pub fn reply_chunk(&mut self, chunk: &Chunk<'_>) {
        self.reply_ended = chunk.ends_call && chunk.bytes.ends_with(b"\r\n");
        self.reply_passed(chunk.stamp);
    }

    pub fn reply_gap(&mut self, stamp: Stamp) {
        self.reply_ended = false;
        self.reply_passed(stamp);
    }

    fn reply_passed(&mut self, stamp: Stamp) {
        self.reply_since_loss = true;
        self.turned = true;
        self.touch(stamp.last_ns);
    }

    /// A command was answered by its reply.
    pub fn answered(&mut self) {
        if std::mem::take(&mut self.perhaps_ahead) {
            self.habit.turn(true);
        }
    }

    fn lose(&mut self) {
        self.standing = Standing::Lost;
        self.perhaps_ahead = false;
    }

    pub fn lose_requests(&mut self) {
        self.lose();
        self.fresh = false;
        self.reply_since_loss = false;
        self.seek_request = true;
    }

    pub fn lose_replies(&mut self) {
        self.lose();
        self.reply_since_loss = true;
        self.seek_reply = true;
    }

    /// Only the framing of the reply under way is lost.
    pub fn lose_frames(&mut self) {
        self.perhaps_ahead = false;
        self.seek_reply = true;
    }

    /// What the trial assumed is wrong.
    pub fn refute(&mut self) {
        self.lose();
    }

    /// The reply whose framing was lost seems to have ended, since a request begins. Does it count as ended?
    pub fn frames_found(&mut self) -> bool {
        if !self.habit.never_ahead() {
            let Some(rounds) = self.habit.rounds() else { return false };
            self.standing = Standing::Trial(rounds);
        }
        self.seek_reply = false;
        true
    }

    fn is_quiet(&self, request: Window) -> bool {
        self.last_ns == 0 || request.first_ns.saturating_sub(self.previous_ns) >= SILENCE_NS
    }

    /// A request begins; `rests`: nothing is waiting and no reply has begun. True when a trial ends well.
    pub fn begins(&mut self, request: Window, rests: bool) -> bool {
        if !self.at_call_start(request.pos) || !std::mem::take(&mut self.turned) {
            return false;
        }
        match self.standing {
            Standing::InStep if rests => self.habit.turn(false),
            Standing::InStep => self.perhaps_ahead = true,
            Standing::Trial(left) if rests => {
                let left = if self.is_quiet(request) { 0 } else { left.saturating_sub(1) };
                self.standing = if left == 0 { Standing::InStep } else { Standing::Trial(left) };
                return left == 0;
            }
            Standing::Trial(_) | Standing::Lost => {}
        }
        false
    }

    /// The connection is silent and nothing was left over.
    pub fn settle(&mut self) {
        self.standing = Standing::InStep;
    }

    /// A request begins while we are lost. Are we in step from here on, if only on trial?
    pub fn try_again(&mut self, request: Window, idle: bool, replying: bool) -> bool {
        if !self.at_call_start(request.pos) || !self.reply_ended || !idle {
            return false;
        }
        let alternates = self.reply_since_loss && (self.seek_reply || !replying);
        if self.fresh || self.is_quiet(request) {
            self.standing = Standing::InStep;
        } else {
            let Some(rounds) = self.habit.rounds().filter(|_| alternates) else { return false };
            self.standing = Standing::Trial(rounds);
        }
        self.fresh = false;
        self.seek_reply = false;
        true
    }
}
