//! Which request the next response answers, and what to do when that is not known.
//!
//! Two things can be lost independently. *Framing*: where a message begins ([`Framing`], per direction). *Pairing*:
//! which request the next response answers; the connection is then `adrift`, and nothing is reported until it may be
//! quiescent: ReadyForQuery was the last that the server said, and the client begins another turn. What is answered from
//! there on is `held` until it is proven.
//!
//! Whether the client really was at rest then is a matter of its [`Habit`]. For one that was never seen to begin a turn
//! ahead of an answer, ReadyForQuery where it should come is proof: had a part of the batch been missed, something else
//! would come. For another one as many turns must seem to begin at rest as its habits ask for (`trial`), or there must be
//! some silence in which nothing is left over; for one that hardly ever rests only silence helps. An answer too many, or
//! one that does not fit, ends it, and what was held is dropped. A client that begins to send ahead in the very bytes that
//! were lost is the one case that this cannot see; the shape of the answers and their command tags must fit the requests,
//! which catches nearly all of it.

use super::names::Known;
use super::session::{Framing, Phase, Postgres};
use super::step::{Kind, Step};
use crate::exchange::Window;
#[cfg(doc)]
use crate::habit::Habit;
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
        let begins = self.first_in_call && std::mem::take(&mut self.turned);
        if begins && !self.adrift && self.back != Framing::Lost {
            self.begin_turn(&step, out);
        }
        if self.adrift && !self.is_quiescent(&step, begins) {
            self.ready = None;
            return self.give_up(&step, out);
        }
        let was_adrift = self.adrift;
        if self.adrift {
            self.proven = self.is_silent(step.request.first_ns);
            self.trial = match self.habit.rounds() {
                Some(rounds) if !self.proven && !self.habit.never_ahead() => rounds,
                _ => 0,
            };
            self.adrift = false;
            self.names.certain();
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
            self.set_adrift(Reason::LostResponse, out);
            self.turned = begins;
            return self.ask(step, out);
        }
        let ready = self.ready.is_some_and(|ready| ready <= step.request.first_ns);
        if !was_adrift && self.trial == 0 && self.pending.is_empty() && ready {
            self.prove(out);
        }
        self.ready = None;
        if matches!(self.pending.back(), Some(Step { kind: Kind::Lost, .. })) {
            return self.give_up(&step, out);
        }
        if self.skipping && !matches!(step.kind, Kind::Sync) {
            return;
        }
        self.skipping = false;
        let weight = step.weight();
        if self.pending.len() >= MAX_PENDING || self.weight + weight > MAX_WEIGHT {
            self.habit.turn(true);
            self.set_adrift(Reason::TooManyPending, out);
            return self.give_up(&step, out);
        }
        self.turns += usize::from(step.ends_turn());
        self.weight += weight;
        self.pending.push_back(step);
    }

    /// The client begins to ask again after it was told something.
    fn begin_turn(&mut self, step: &Step, out: &mut Output) {
        let rests = self.pending.is_empty() && self.to_client.is_empty();
        match (self.proven, rests) {
            (true, true) => self.habit.turn(false),
            (true, false) => self.perhaps_ahead = true,
            (false, true) => {
                self.trial = if self.is_silent(step.request.first_ns) { 0 } else { self.trial.saturating_sub(1) };
                if self.trial == 0 && self.ready.is_some() {
                    self.prove(out);
                }
            }
            (false, false) if self.trial == 0 => {
                // A pipeline may have been under way before the first of its requests was seen.
                self.habit.turn(true);
                self.set_adrift(Reason::LostRequest, out);
            }
            (false, false) => {}
        }
    }

    /// The pairing is right.
    pub(super) fn prove(&mut self, out: &mut Output) {
        self.proven = true;
        self.trial = 0;
        out.exchanges.append(&mut self.held);
    }

    /// Whether the server was done, and nothing passed since, for so long before `at_ns` that nothing is on its way.
    pub(super) fn is_silent(&self, at_ns: u64) -> bool {
        let silence = self.ready.and_then(|ready| at_ns.checked_sub(ready));
        silence.is_some_and(|silence| silence >= SILENCE_NS)
    }

    /// Whether nothing may be on its way when `step` begins.
    fn is_quiescent(&self, step: &Step, begins: bool) -> bool {
        let may_rest = self.habit.never_ahead() || begins && self.habit.rounds().is_some();
        match self.ready {
            Some(ready) => ready <= step.request.first_ns && (may_rest || self.is_silent(step.request.first_ns)),
            // Nothing is known of the server's side; its first answer must have the right shape at the right place.
            None => self.back == Framing::Lost && self.first_in_call && may_rest,
        }
    }

    /// What `step` asks for will not be reported.
    fn give_up(&mut self, step: &Step, out: &mut Output) {
        for _ in 0..step.executions() {
            out.count(Reason::LostRequest);
        }
        self.doubt(step);
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
        self.lossy = true;
        self.trial = 0;
        self.perhaps_ahead = false;
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
    pub fn doubt(&mut self, step: &Step) {
        match &step.kind {
            Kind::Parse { name, statement } => {
                self.names.perhaps_prepared(name, Known { statement: statement.clone(), batch: Some(step.batch) });
            }
            Kind::CloseStatement(name) => self.names.perhaps_closed(name),
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
            Kind::Lost => self.names.doubt(),
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
        self.names.doubt();
        self.lossy = true;
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
        self.lossy = true;
        self.perhaps_ahead = false;
        self.names.unseen();
        self.to_client.clear();
        self.back = Framing::Lost;
    }
}
