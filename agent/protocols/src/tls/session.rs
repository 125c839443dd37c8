//! A TLS connection: what anybody sees of it, and what is inside, where its secrets come.
//!
//! Until it is known whether they do, what is told without keys of what is inside waits: a connection that is decrypted tells
//! it itself. The handshake waits for nothing.

use super::decrypt::{Decrypt, Outcome, PATIENCE_NS};
use super::outside::Outside;
use crate::phase::{Phase, PhaseKind};
use crate::plain::Secret;
use crate::protocol::Opening;
use crate::session::{BEFORE_KNOWN, Close, Output, Reason, Session};
use crate::stream::{Chunk, Direction, Stamp};

/// Payload bytes of a turn once the keys of both directions are proved: small records are whole, and long ones show where they begin and
/// end. Sessions of what is inside may wish for more.
const BUDGET_PROVED: u32 = 8 * 1024;

/// See the module.
#[derive(Debug)]
pub(super) struct Tls {
    outside: Outside,
    inside: Option<Box<Inside>>,
}

/// What is known of the inside.
#[derive(Debug)]
struct Inside {
    decrypt: Decrypt,
    decrypts: bool,
    /// What was told from outside, and waits.
    aside: Output,
    /// When the handshake was over.
    done_ns: Option<u64>,
    wanted: bool,
}

impl Tls {
    pub fn new(opening: &Opening) -> Self {
        let inside = opening.may_decrypt.then(|| {
            Box::new(Inside {
                decrypt: Decrypt::new(),
                decrypts: false,
                aside: Output::default(),
                done_ns: None,
                wanted: false,
            })
        });
        Self { outside: Outside::new(opening), inside }
    }

    /// Lets the outside look on, and keeps what it says of the inside.
    fn look(&mut self, out: &mut Output, at_ns: u64, look: impl FnOnce(&mut Outside, &mut Output)) {
        let Some(inside) = &mut self.inside else { return look(&mut self.outside, out) };
        if inside.decrypts && self.outside.is_settled() || inside.aside.left {
            return;
        }
        look(&mut self.outside, &mut inside.aside);
        for (sum, count) in out.counts.iter_mut().zip(std::mem::take(&mut inside.aside.counts)) {
            *sum += count;
        }
        let is_handshake = |phase: &mut Phase| matches!(phase.kind, PhaseKind::Tls(_));
        let mut failed = false;
        for phase in inside.aside.phases.extract_if(.., is_handshake) {
            failed |= phase.error.is_some();
            out.phases.push(phase);
        }
        if inside.decrypts {
            inside.aside.phases.clear();
            inside.aside.exchanges.clear();
        }
        if inside.done_ns.is_none() && (self.outside.is_done() || inside.aside.left) {
            inside.done_ns = Some(at_ns);
        }
        if failed && inside.aside.left {
            return self.give_up(None, out);
        }
        self.learn(out);
    }

    /// What hellos say.
    fn learn(&mut self, out: &mut Output) {
        let Some(inside) = &mut self.inside else { return };
        if !inside.wanted
            && let Some(random) = self.outside.handshake().client_random()
        {
            inside.wanted = true;
            out.wants_secrets = Some(random);
        }
        if !inside.decrypt.has_agreed() {
            let outcome = match self.outside.handshake().keying() {
                Some(agreed) => inside.decrypt.agree(agreed),
                // It failed, or not all of the hellos was seen.
                None if inside.aside.left => return self.give_up(None, out),
                None => return,
            };
            self.conclude(outcome, out);
        }
    }

    fn conclude(&mut self, outcome: Outcome, out: &mut Output) {
        match outcome {
            Outcome::Open => {}
            Outcome::Decrypts => {
                if let Some(inside) = &mut self.inside
                    && !std::mem::replace(&mut inside.decrypts, true)
                {
                    inside.aside.phases = Vec::new();
                    inside.aside.exchanges = Vec::new();
                }
            }
            Outcome::Fails(reason) => self.give_up(Some(reason), out),
        }
    }

    /// It is not decrypted, or not any more.
    fn give_up(&mut self, reason: Option<Reason>, out: &mut Output) {
        let Some(mut inside) = self.inside.take() else { return };
        if let Some(reason) = reason {
            out.count(reason);
        }
        if inside.decrypts {
            out.left = true;
        } else {
            out.phases.append(&mut inside.aside.phases);
            out.exchanges.append(&mut inside.aside.exchanges);
            out.left |= inside.aside.left;
        }
    }

    /// The connection is over, and it was not found out whether it can be decrypted.
    fn give_up_open(&mut self, out: &mut Output) {
        if let Some(inside) = self.inside.as_ref().filter(|inside| !inside.decrypts) {
            let reason = inside.done_ns.map(|_| inside.decrypt.reason());
            self.give_up(reason, out);
        }
    }

    /// It is `now_ns`.
    fn pass_time(&mut self, now_ns: u64, out: &mut Output) {
        if let Some(inside) = &mut self.inside
            && let Some(done_ns) = inside.done_ns
        {
            let mut outcome = inside.decrypt.rest(now_ns, done_ns, out);
            if outcome == Outcome::Open && inside.aside.left && done_ns.saturating_add(PATIENCE_NS) < now_ns {
                // No more of it can be kept.
                outcome = Outcome::Fails(inside.decrypt.reason());
            }
            self.conclude(outcome, out);
        }
    }
}

impl Session for Tls {
    fn data(&mut self, direction: Direction, chunk: &Chunk<'_>, out: &mut Output) {
        if chunk.bytes.is_empty() {
            return;
        }
        self.look(out, chunk.stamp.last_ns, |outside, out| outside.data(direction, chunk, out));
        if let Some(inside) = &mut self.inside {
            let outcome = inside.decrypt.data(direction, chunk, out);
            self.conclude(outcome, out);
            self.pass_time(chunk.stamp.last_ns, out);
        }
    }

    fn gap(&mut self, direction: Direction, len: u64, stamp: Stamp, out: &mut Output) {
        if len == 0 {
            return;
        }
        self.look(out, stamp.last_ns, |outside, out| outside.gap(direction, len, stamp, out));
        if let Some(inside) = &mut self.inside {
            let outcome = inside.decrypt.gap(direction, len, stamp, out);
            self.conclude(outcome, out);
            self.pass_time(stamp.last_ns, out);
        }
    }

    fn secret(&mut self, secret: &Secret, at_ns: u64, out: &mut Output) {
        if let Some(inside) = &mut self.inside {
            let outcome = inside.decrypt.secret(secret, out);
            self.conclude(outcome, out);
            self.pass_time(at_ns, out);
        }
    }

    fn half_close(&mut self, direction: Direction, at_ns: u64, out: &mut Output) {
        self.look(out, at_ns, |outside, out| outside.half_close(direction, at_ns, out));
        if let Some(inside) = &mut self.inside {
            inside.decrypt.finish(direction, out);
        }
    }

    fn close(&mut self, how: Close, at_ns: u64, out: &mut Output) {
        self.look(out, at_ns, |outside, out| outside.close(how, at_ns, out));
        self.give_up_open(out);
        if let Some(inside) = &mut self.inside {
            inside.decrypt.finish(Direction::ToServer, out);
            inside.decrypt.finish(Direction::ToClient, out);
        }
    }

    fn abandon(&mut self, reason: Reason, out: &mut Output) {
        self.look(out, 0, |outside, out| outside.abandon(reason, out));
        self.give_up_open(out);
    }

    fn rest(&mut self, now_ns: u64, out: &mut Output) {
        self.pass_time(now_ns, out);
    }

    fn expire(&mut self, before_ns: u64, out: &mut Output) {
        self.look(out, 0, |outside, out| outside.expire(before_ns, out));
    }

    fn heap_bytes(&self) -> usize {
        let inside = self.inside.as_ref().map_or(0, |inside| {
            let exchanges = inside.aside.exchanges.capacity() * size_of::<crate::exchange::Exchange>();
            size_of::<Inside>() + inside.decrypt.heap_bytes() + exchanges
        });
        self.outside.heap_bytes() + inside
    }

    fn budget(&self) -> Option<u32> {
        match &self.inside {
            Some(inside) if inside.decrypts => Some(BUDGET_PROVED),
            Some(_) => Some(BEFORE_KNOWN),
            None => self.outside.budget(),
        }
    }
}
