//! Queries that wait for their answers. Matched by id and question, never by order.

use super::DnsExchange;
use super::kinds::{TRANSFERS, mnemonic};
use super::message::{Message, Question};
use crate::exchange::{Ending, Exchange, Window};
use crate::session::{Close, Output, Reason};
use crate::stream::{Actor, Direction, Stamp};
use std::collections::VecDeque;

/// Most queries that may wait on one connection.
const MAX_PENDING: usize = 64;
/// Answers that may wait for a query that was handed over late, and for how long, ns.
const MAX_EARLY: usize = 8;
const EARLY_NS: u64 = 100_000_000;
/// How long a query may wait since it was last sent, ns. Stub resolvers send again after 5 s, which must find it here.
pub(super) const LIMIT_NS: u64 = 6_000_000_000;

/// A query without an answer yet.
#[derive(Debug)]
struct Query {
    id: u16,
    question: Question,
    window: Window,
    actor: Actor,
    /// Answers were lost since it was sent: perhaps its own.
    doubtful: bool,
}

/// An answer without a query yet.
#[derive(Debug)]
struct Early {
    message: Message,
    window: Window,
}

/// The look-ups of one connection.
#[derive(Debug, Default)]
pub(super) struct Lookups {
    /// In the order in which they were first sent.
    pending: VecDeque<Query>,
    early: VecDeque<Early>,
    /// Time of the last message, ns.
    now_ns: u64,
}

impl Lookups {
    /// Takes in a message whose bytes are `window`; `first` is the stamp of its first byte.
    pub fn take(&mut self, direction: Direction, message: Message, window: Window, first: Stamp, out: &mut Output) {
        self.now_ns = self.now_ns.max(window.last_ns);
        let transfer = message.question.as_ref().is_some_and(|question| TRANSFERS.contains(&question.kind));
        match (direction, message.is_response) {
            // Notifications, updates, transfers: no look-ups.
            _ if message.opcode != 0 || message.counts[0] > 1 || transfer => {}
            (Direction::ToServer, false) => self.query(message, window, first, out),
            (Direction::ToClient, true) => self.answer(message, window, out),
            _ => out.count(Reason::Malformed),
        }
        self.give_up(self.now_ns.saturating_sub(LIMIT_NS), out);
    }

    fn query(&mut self, message: Message, window: Window, first: Stamp, out: &mut Output) {
        let Some(question) = message.question else { return };
        if let Some(same) = self.pending.iter_mut().find(|query| query.id == message.id && query.question == question) {
            same.window.last_ns = same.window.last_ns.max(window.last_ns);
            return;
        }
        let query = Query { id: message.id, question, window, actor: first.actor, doubtful: false };
        if let Some(index) = self.early.iter().position(|early| is_answer(&early.message, &query))
            && let Some(early) = self.early.remove(index)
        {
            if early.window.last_ns >= window.first_ns {
                query.answered(early.message, early.window, out);
            } else {
                // The time at which it was asked is not known: a hook saw the end of the call only.
                out.count(Reason::UnmatchedResponse);
            }
            return;
        }
        if self.pending.len() >= MAX_PENDING {
            self.pending.pop_front();
            out.count(Reason::TooManyPending);
        }
        self.pending.push_back(query);
    }

    fn answer(&mut self, message: Message, window: Window, out: &mut Output) {
        let mut matching = self.pending.iter().enumerate().filter(|(_, query)| is_answer(&message, query));
        let index = match (matching.next(), matching.next()) {
            // Without a question the id alone has to tell.
            (Some((index, _)), None) => Some(index),
            _ => None,
        };
        match index.and_then(|index| self.pending.remove(index)) {
            Some(query) => query.answered(message, window, out),
            None => {
                if self.early.len() >= MAX_EARLY {
                    self.early.pop_front();
                    out.count(Reason::UnmatchedResponse);
                }
                self.early.push_back(Early { message, window });
            }
        }
    }

    /// Answers were lost: what waits may have been answered.
    pub fn lose_answers(&mut self, out: &mut Output) {
        for query in self.pending.iter_mut().filter(|query| !query.doubtful) {
            query.doubtful = true;
            out.count(Reason::LostResponse);
        }
    }

    /// Gives up what was last sent before `before_ns`, and answers to nothing.
    fn give_up(&mut self, before_ns: u64, out: &mut Output) {
        let now_ns = self.now_ns.max(before_ns);
        let early_before = now_ns.saturating_sub(EARLY_NS);
        while self.early.front().is_some_and(|early| early.window.last_ns < early_before) {
            self.early.pop_front();
            out.count(Reason::UnmatchedResponse);
        }
        if self.pending.iter().all(|query| query.window.last_ns >= before_ns) {
            return;
        }
        let (old, waiting) =
            std::mem::take(&mut self.pending).into_iter().partition(|query| query.window.last_ns < before_ns);
        self.pending = waiting;
        let old: VecDeque<Query> = old;
        for query in old {
            let end_ns = query.window.last_ns.saturating_add(LIMIT_NS);
            query.unanswered(Ending::Unanswered, end_ns, out);
        }
    }

    /// Time passed: see [`Session::expire`](crate::session::Session::expire).
    pub fn expire(&mut self, before_ns: u64, out: &mut Output) {
        self.give_up(before_ns.max(self.now_ns.saturating_sub(LIMIT_NS)), out);
        if self.pending.is_empty() {
            *self = Self { now_ns: self.now_ns, early: std::mem::take(&mut self.early), ..Self::default() };
        }
    }

    /// The connection is followed no longer: counts what waits.
    pub fn abandon(&mut self, reason: Reason, out: &mut Output) {
        for _ in self.early.drain(..) {
            out.count(Reason::UnmatchedResponse);
        }
        for _ in self.pending.drain(..).filter(|query| !query.doubtful) {
            out.count(reason);
        }
    }

    /// The connection ended. `patient`: whoever asks closes only when it has its answer or will wait no longer.
    pub fn close(&mut self, how: Close, patient: bool, at_ns: u64, out: &mut Output) {
        for _ in self.early.drain(..) {
            out.count(Reason::UnmatchedResponse);
        }
        for query in std::mem::take(&mut self.pending) {
            let waited = at_ns.saturating_sub(query.window.last_ns);
            let ending = match how {
                Close::Reset => Ending::Reset,
                Close::Orderly if patient && waited >= PATIENCE_NS => Ending::Unanswered,
                Close::Orderly => Ending::Closed,
            };
            // The end of a socket may be noticed much later.
            let given_up_ns = at_ns.min(query.window.last_ns.saturating_add(LIMIT_NS));
            query.unanswered(ending, if ending == Ending::Unanswered { given_up_ns } else { at_ns }, out);
        }
    }

    pub fn heap_bytes(&self) -> usize {
        self.pending.capacity() * size_of::<Query>()
            + self.early.capacity() * size_of::<Early>()
            + self.pending.iter().map(|query| query.question.name.len()).sum::<usize>()
            + self.early.len() * 512
    }
}

/// Whoever waited so long, ns, for a datagram and then closes its socket has given up.
const PATIENCE_NS: u64 = 1_000_000_000;

fn is_answer(message: &Message, query: &Query) -> bool {
    message.id == query.id && message.question.as_ref().is_none_or(|question| *question == query.question)
}

impl Query {
    fn answered(self, message: Message, response: Window, out: &mut Output) {
        let end_ns = response.last_ns;
        self.emit(Some((message, response)), Ending::Answered, end_ns, out);
    }

    fn unanswered(self, ending: Ending, end_ns: u64, out: &mut Output) {
        // Its loss was counted.
        if self.doubtful {
            return;
        }
        if ending == Ending::Unanswered {
            out.count(Reason::Unanswered);
        }
        self.emit(None, ending, end_ns, out);
    }

    fn emit(self, answer: Option<(Message, Window)>, ending: Ending, end_ns: u64, out: &mut Output) {
        let (message, response) = answer.unzip();
        let detail = DnsExchange {
            name: self.question.text(),
            question: mnemonic(self.question.kind).into(),
            response_code: message.as_ref().map(|message| message.response_code),
            addresses: message.map(|message| message.addresses).unwrap_or_default(),
        };
        out.exchanges.push(Exchange {
            stream: 0,
            request: self.window,
            response,
            actor: self.actor,
            ending,
            end_ns: end_ns.max(self.window.first_ns),
            detail: Box::new(detail),
        });
    }
}
