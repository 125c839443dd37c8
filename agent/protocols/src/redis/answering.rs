//! What the server says: replies, each of which belongs to the oldest command.

use super::Group;
use super::command::Effect;
use super::resp::{Head, Step};
use super::session::RedisSession;
use super::shape;
use crate::exchange::{Ending, Exchange, Window};
use crate::session::{Output, Reason};

/// Replies that may wait for a request that was handed over late.
const MAX_EARLY: usize = 64;
/// Exchanges that may be held back: the deepest pipelines, for some turns.
const MAX_HELD: usize = 8192;

impl RedisSession {
    /// Reads what the server said.
    pub(super) fn replies(&mut self, out: &mut Output) {
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
                    if !self.sync.is_lost() && !self.sync.is_trial() {
                        self.strike(out);
                    }
                    self.lose_replies(out);
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
            if !self.sync.is_lost() && !self.sync.is_trial() && self.early.len() < MAX_EARLY {
                self.early.push((head, window));
                return;
            }
            if self.sync.is_trial() {
                self.refute(out);
            }
            self.unmatched(out);
            return;
        }
        self.answer(head, window, out);
    }

    /// A reply came that is that of no command which is waiting.
    fn unmatched(&mut self, out: &mut Output) {
        match self.settled.checked_sub(1) {
            Some(left) => self.settled = left,
            None => out.count(Reason::UnmatchedResponse),
        }
    }

    /// A reply belongs to the oldest command, unless it came before that was sent.
    pub(super) fn answer(&mut self, head: Head, window: Window, out: &mut Output) {
        if self.queue.ghosts > 0 {
            self.queue.ghosts -= 1;
            return;
        }
        let Some(front) = self.queue.front() else { return };
        let fits = front.detail.as_ref().is_none_or(|detail| shape::fits(&detail.command, &head));
        let follows = window.first_ns >= front.request.first_ns;
        if !follows || (self.sync.is_trial() && !fits) {
            if self.sync.is_trial() {
                self.refute(out);
            }
            self.unmatched(out);
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
        let exchange = Exchange {
            stream: 0,
            request: pending.request,
            response: Some(response),
            actor: pending.actor,
            ending: Ending::Answered,
            end_ns: response.last_ns.max(pending.request.first_ns),
            detail,
        };
        self.tell(exchange, out);
    }

    /// Reports an exchange, or holds it back until it is proven.
    pub(super) fn tell(&mut self, exchange: Exchange, out: &mut Output) {
        if !self.sync.is_trial() {
            out.exchanges.push(exchange);
            return;
        }
        if self.held.len() >= MAX_HELD {
            self.drop_held(out);
        }
        self.held.push(exchange);
    }
}
