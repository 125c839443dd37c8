//! Which request the next response answers, and what to do when that is not known.
//!
//! Two things can be lost independently. *Framing*: where a message begins ([`Framing`], per direction). *Pairing*:
//! which request the next response answers; the connection is then `adrift`, and nothing is reported until it is
//! quiescent: ReadyForQuery was the last that the server said, and a later request begins. A client that was seen to
//! send requests before the last one was answered (`deep`) might have others on their way, so for it some silence must
//! lie between the two. A client that starts to do that in the very bytes that were lost is the one case that this
//! cannot see; the shape of the answers and their command tags must fit the requests, which catches nearly all of it.
//! After a loss, and when the agent came in mid-connection, what was answered is `held` until ReadyForQuery comes where
//! it should: had a part of the batch been missed, something else would come.

use super::session::{Framing, Phase, Postgres};
use super::step::{Kind, Step};
use crate::exchange::Window;
use crate::session::{Output, Reason};
use crate::stream::Stamp;

/// Messages that may wait for their answer.
pub(super) const MAX_PENDING: usize = 8 * 1024;
/// Bytes of texts and names that they may hold.
const MAX_WEIGHT: usize = 1024 * 1024;
/// Silence after which nothing of a pipeline is taken to be on its way, ns.
const SILENCE_NS: u64 = 20_000_000;

impl Postgres {
    /// Takes a message of the client into the queue, unless it cannot be paired with its answer.
    pub fn ask(&mut self, step: Step, out: &mut Output) {
        self.settle_head(out);
        if self.adrift && !self.is_quiescent(&step) {
            self.ready = None;
            self.doubt(&step);
            return;
        }
        let was_adrift = self.adrift;
        if self.adrift {
            let silence = self.ready.and_then(|ready| step.request.first_ns.checked_sub(ready));
            self.proven = silence.is_some_and(|silence| silence >= SILENCE_NS);
            self.adrift = false;
            self.skipping = false;
            self.copy_in = false;
            self.response = None;
            self.rows = Some(0);
            self.executes = u32::from(matches!(step.kind, Kind::Execute(_)));
            if self.back == Framing::Lost {
                self.back = Framing::Await;
                self.to_client.clear();
            }
        } else if self.back == Framing::Lost && self.turns > 0 && self.pending.back().is_some_and(Step::ends_turn) {
            // The end of the last response was not seen. A client that waits for it has got it.
            let clear = !self.deep && self.first_in_call;
            self.set_adrift(Reason::LostResponse, out);
            self.deep |= !clear;
            return self.ask(step, out);
        }
        self.proven |=
            !was_adrift && self.pending.is_empty() && self.ready.is_some_and(|ready| ready <= step.request.first_ns);
        self.ready = None;
        if matches!(self.pending.back(), Some(Step { kind: Kind::Lost, .. })) {
            return self.doubt(&step);
        }
        if self.skipping && !matches!(step.kind, Kind::Sync) {
            return;
        }
        self.skipping = false;
        let weight = step.weight();
        if self.pending.len() >= MAX_PENDING || self.weight + weight > MAX_WEIGHT {
            self.deep = true;
            self.set_adrift(Reason::TooManyPending, out);
            return self.doubt(&step);
        }
        self.deep |= self.turns > 0;
        if self.deep && !self.proven {
            // A pipeline may have been under way before the first of its requests was seen.
            self.set_adrift(Reason::LostRequest, out);
            return self.doubt(&step);
        }
        self.turns += usize::from(step.ends_turn());
        self.weight += weight;
        self.pending.push_back(step);
    }

    /// Whether nothing can be on its way when `step` begins.
    fn is_quiescent(&self, step: &Step) -> bool {
        match self.ready {
            Some(ready) => {
                let silence = step.request.first_ns.checked_sub(ready);
                silence.is_some_and(|silence| !self.deep || silence >= SILENCE_NS)
            }
            // Nothing is known of the server's side; its first answer must have the right shape at the right place.
            None => self.back == Framing::Lost && !self.deep && self.first_in_call,
        }
    }

    /// Removes the step at the head of the queue.
    pub fn pop(&mut self) -> Option<Step> {
        let step = self.pending.pop_front()?;
        self.turns = self.turns.saturating_sub(usize::from(step.ends_turn()));
        self.weight = self.weight.saturating_sub(step.weight());
        Some(step)
    }

    /// Gives up the pairing: each execution that waits is counted, and not reported.
    pub fn set_adrift(&mut self, reason: Reason, out: &mut Output) {
        let steps = std::mem::take(&mut self.pending);
        let mut lost = 0;
        for step in &steps {
            lost += step.executions();
            self.doubt(step);
        }
        for _ in 0..lost.max(1) {
            out.count(reason);
        }
        self.drop_held(reason, out);
        (self.turns, self.weight) = (0, 0);
        self.sign_in = None;
        self.adrift = true;
        self.ready = None;
        self.group = None;
        self.response = None;
        self.copy_in = false;
        self.skipping = false;
    }

    /// What was answered is not believed.
    pub fn drop_held(&mut self, reason: Reason, out: &mut Output) {
        for _ in self.held.drain(..) {
            out.count(reason);
        }
    }

    /// The effect of `step` will not be seen: names that it may have changed are forgotten.
    fn doubt(&mut self, step: &Step) {
        match &step.kind {
            Kind::Parse { name, .. } | Kind::CloseStatement(name) => self.names.forget_statement(name),
            Kind::Bind { portal, .. } | Kind::ClosePortal(portal) => self.names.forget_portal(portal),
            Kind::Query(query) => {
                self.names.forget_unnamed();
                let harmless = |text: &str| !matches!(text.as_bytes().first(), Some(b'd' | b'D' | b'p' | b'P'));
                let pieces = &query.digest.pieces;
                if query.digest.total != Some(pieces.len())
                    || !pieces.iter().all(|piece| harmless(&piece.statement.text))
                {
                    self.names.clear();
                }
            }
            Kind::Lost => self.names.clear(),
            _ => {}
        }
    }

    /// Bytes of the client were lost.
    pub fn lose_front(&mut self, stamp: Stamp, reason: Reason, out: &mut Output) {
        out.count(reason);
        let pos = self.to_server.position();
        self.to_server.clear();
        self.sign_in = None;
        self.front = Framing::Lost;
        if self.phase == Phase::Opening {
            self.phase = Phase::Messages;
        }
        self.stretching = false;
        self.group = None;
        self.ready = None;
        self.names.clear();
        self.executes = 0;
        self.batch += 1;
        if self.pending.is_empty() {
            if !self.adrift {
                self.set_adrift(Reason::LostRequest, out);
            }
        } else if !matches!(self.pending.back(), Some(Step { kind: Kind::Lost, .. })) {
            let request = Window::open(pos, stamp);
            let (batch, actor) = (self.batch, stamp.actor);
            self.pending.push_back(Step { kind: Kind::Lost, request, actor, batch, batch_size: 0 });
        }
    }

    /// Bytes of the server were lost.
    pub fn lose_back(&mut self, stamp: Stamp, reason: Reason, out: &mut Output) {
        out.count(reason);
        if !self.pending.is_empty() && self.response.is_none() {
            let pos = self.to_client.position();
            self.response = Some(Window::open(pos, stamp));
        }
        self.rows = None;
        self.ready = None;
        self.sign_in = None;
        self.to_client.clear();
        self.back = Framing::Lost;
    }
}
