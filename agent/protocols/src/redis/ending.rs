//! What becomes of what is under way when bytes are lost, or when the connection ends.

use super::Group;
use super::command::Effect;
use super::session::RedisSession;
use crate::exchange::{Ending, Exchange};
use crate::session::{Output, Reason};

impl RedisSession {
    /// An unknown number of requests passed unseen. Those sent before are still answered in order.
    pub(super) fn lose_requests(&mut self, out: &mut Output) {
        if self.request_window.take().is_some() {
            out.count(Reason::LostRequest);
        }
        if self.open_end.take().is_some() || self.sync.is_trial() {
            self.settled = self.queue.len() as u64;
            self.drop_pending(out);
        }
        for _ in self.early.drain(..) {
            out.count(Reason::UnmatchedResponse);
        }
        self.request.reset();
        self.server.clear();
        out.count(Reason::Resync);
        self.state.lose();
        self.sync.lose_requests();
    }

    /// Where replies begin and end is unknown from here on.
    pub(super) fn lose_replies(&mut self, out: &mut Output) {
        self.client.clear();
        let head = self.reply.head;
        self.reply.reset();
        out.count(Reason::Resync);
        let aggregate = matches!(head.kind, b'*' | b'%' | b'~') && head.error.is_none();
        let plain = self
            .queue
            .front()
            .is_some_and(|front| matches!(front.effect, Effect::None | Effect::Blocking) && front.detail.is_some());
        let in_step = !self.sync.is_lost() && !self.sync.is_trial();
        if aggregate && plain && self.queue.len() == 1 && self.queue.ghosts == 0 && in_step {
            self.open_end = Some(head);
            self.sync.lose_frames();
            return;
        }
        self.reply_window = None;
        self.drop_pending(out);
        self.state.lose();
        self.sync.lose_replies();
    }

    /// The trial assumed that nothing was outstanding, which is wrong.
    pub(super) fn refute(&mut self, out: &mut Output) {
        out.count(Reason::Resync);
        // Their replies will come.
        self.settled = self.queue.len() as u64;
        self.drop_pending(out);
        self.state.lose();
        self.sync.refute();
    }

    /// What was held back is not believed.
    pub(super) fn drop_held(&mut self, out: &mut Output) {
        for _ in self.held.drain(..) {
            out.count(Reason::LostResponse);
        }
    }

    /// The connection is silent: what was held back is true, unless something is missing still.
    pub(super) fn settle(&mut self, out: &mut Output) {
        if self.sync.is_trial() && self.queue.is_empty() && self.reply_window.is_none() {
            self.sync.settle();
            out.exchanges.append(&mut self.held);
        }
    }

    fn drop_pending(&mut self, out: &mut Output) {
        self.drop_held(out);
        self.reply_window = None;
        while self.queue.pop().is_some() {
            out.count(Reason::LostResponse);
        }
        self.queue.clear();
    }

    /// The next request begins: a client that does not send ahead has read the whole reply.
    pub(super) fn end_open(&mut self, out: &mut Output, now_ns: u64) {
        let (Some(head), Some(window)) = (self.open_end.take(), self.reply_window.take()) else { return };
        let ended = self.queue.len() == 1 && self.sync.reply_ended() && window.last_ns <= now_ns;
        if ended && self.sync.frames_found() {
            self.answer(head, window, out);
        } else {
            self.drop_pending(out);
            self.state.lose();
            self.sync.lose_replies();
        }
    }

    /// The connection is followed no longer: counts what waits.
    pub(super) fn abandon_all(&mut self, reason: Reason, out: &mut Output) {
        if self.request_window.take().is_some() {
            out.count(reason);
        }
        for _ in self.early.drain(..) {
            out.count(Reason::UnmatchedResponse);
        }
        self.reply_window = None;
        self.open_end = None;
        for _ in self.held.drain(..) {
            out.count(reason);
        }
        while let Some((pending, _)) = self.queue.pop() {
            if pending.detail.is_some() {
                out.count(reason);
            }
        }
        self.queue.clear();
        self.request.reset();
        self.reply.reset();
        self.server.clear();
        self.client.clear();
    }

    pub(super) fn end_all(&mut self, ending: Ending, at_ns: u64, out: &mut Output) {
        if self.open_end.is_some() && ending == Ending::Closed {
            self.end_open(out, at_ns);
        }
        if ending == Ending::Closed {
            self.settle(out);
        }
        if self.sync.is_trial() {
            self.drop_pending(out);
        }
        if self.request_window.take().is_some() {
            out.count(Reason::LostRequest);
        }
        for _ in self.early.drain(..) {
            out.count(Reason::UnmatchedResponse);
        }
        let begun = self.reply_window.take();
        let mut first = true;
        let mut database = self.state.database;
        while let Some((pending, batch)) = self.queue.pop() {
            let response = if first { pending.reply.or(begun) } else { None };
            first = false;
            let here = database;
            if matches!(pending.effect, Effect::Select(_) | Effect::Exec | Effect::Reset) {
                database = None;
            }
            let Some(mut detail) = pending.detail else { continue };
            detail.database = here;
            if pending.in_multi {
                detail.group = Group::Transaction;
            } else if batch > 1 {
                detail.group = Group::Pipeline;
                detail.batch_size = Some(batch);
            }
            let ending = if pending.effect == Effect::Shutdown { Ending::Answered } else { ending };
            out.exchanges.push(Exchange {
                stream: 0,
                request: pending.request,
                response,
                actor: pending.actor,
                ending,
                end_ns: at_ns.max(pending.request.first_ns),
                detail,
            });
        }
        self.queue.clear();
        self.request.reset();
        self.reply.reset();
        self.server.clear();
        self.client.clear();
    }
}
