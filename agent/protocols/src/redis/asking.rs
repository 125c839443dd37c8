//! What the client says: commands, in order.

use super::command::{self, Effect};
use super::queue::{MAX_PENDING, Pending};
use super::resp::Step;
use super::session::RedisSession;
use super::{Group, RedisExchange};
use crate::exchange::{Ending, Exchange, Window};
use crate::session::{Output, Reason};
use crate::stream::Stamp;

impl RedisSession {
    /// Reads what the client said.
    pub(super) fn requests(&mut self, out: &mut Output) {
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
        let idle = self.queue.is_empty();
        let replying = self.reply_window.is_some();
        if self.early.is_empty() && self.sync.begins(window, idle && !replying) {
            out.exchanges.append(&mut self.held);
        }
        if self.sync.is_lost() && self.sync.try_again(window, idle, replying) {
            self.client.clear();
            self.reply.reset();
            self.reply_window = None;
            self.settled = 0;
            for _ in self.early.drain(..) {
                out.count(Reason::UnmatchedResponse);
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
            self.settled += u64::from(!silent);
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
        self.match_early(out);
    }

    /// A command that has no reply, because the client turned replies off.
    fn emit_silent(&mut self, pending: Pending, out: &mut Output) {
        let database = if self.queue.changes_database() { None } else { self.state.database };
        if pending.effect != Effect::ReplyOff && pending.effect != Effect::ReplySkip {
            self.state.unknown(pending.effect);
        }
        let Some(mut detail) = pending.detail else { return };
        detail.database = database;
        let exchange = Exchange {
            stream: 0,
            request: pending.request,
            response: None,
            actor: pending.actor,
            ending: Ending::Answered,
            end_ns: pending.request.last_ns,
            detail,
        };
        self.tell(exchange, out);
    }

    fn match_early(&mut self, out: &mut Output) {
        while !self.early.is_empty() && !self.queue.is_empty() {
            let (head, window) = self.early.remove(0);
            self.queue.reply_begins();
            self.answer(head, window, out);
        }
    }
}
