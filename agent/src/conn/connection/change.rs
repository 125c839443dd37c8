//! How a connection comes to be followed by another session: its protocol is found, it turns to TLS, or another one begins
//! inside it.

use super::{Connection, Stage};
use crate::conn::detection::{Detection, Held, Outcome, Piece, Prefaced};
use crate::event::Flow;
use wirespan_protocols::phase::{Phase, PhaseKind};
use wirespan_protocols::protocol::Opening;
use wirespan_protocols::session::{Output, Reason, Upgrade};
use wirespan_protocols::stream::{Chunk, Direction, Stamp};

impl<T> Connection<T> {
    pub(super) fn detect(&mut self, held: Held, out: &mut Output) {
        let direction = self.direction(held.flow);
        let Stage::Detecting(detection) = &mut self.stage else { return };
        let outcome = detection.push(held, direction);
        let told = std::mem::replace(&mut self.prefaces_told, detection.prefaces.len());
        let prefaces = detection.prefaces.get(told..).unwrap_or_default().to_vec();
        for prefaced in prefaces {
            self.preface(&prefaced, out);
        }
        let Stage::Detecting(detection) = &mut self.stage else { return };
        match outcome {
            Outcome::Waiting => {}
            Outcome::Foreign => self.stage = Stage::Ignored { foreign: true },
            Outcome::Found { protocol, flow, direction } => {
                let held = std::mem::take(&mut detection.held);
                let from_start = detection.is_from_start();
                self.learn_role(flow, direction);
                let opening =
                    Opening { from_start, before: None, may_decrypt: self.may_decrypt, registry: self.registry };
                self.stage = Stage::Following(protocol, (protocol.open)(&opening));
                for held in held {
                    match held.piece {
                        Piece::Bytes { position, bytes, ends_call } => {
                            self.bytes(held.flow, position, &bytes, ends_call, held.stamp, out);
                        }
                        Piece::Gap(len) => self.gap(held.flow, len, held.stamp, out),
                    }
                }
            }
        }
    }

    /// Something was said to a proxy, or by one, before the protocol begins.
    fn preface(&mut self, prefaced: &Prefaced, out: &mut Output) {
        let Prefaced { preface, flow, begin, end } = prefaced;
        self.learn_role(*flow, Direction::ToServer);
        self.client = self.client.or(preface.client);
        out.phases.push(Phase {
            start_ns: begin.first_ns,
            end_ns: end.last_ns.max(begin.first_ns),
            actor: begin.actor,
            error: preface.refused.then(|| "refused".into()),
            spoken: None,
            goes_on: false,
            kind: PhaseKind::Preface(preface.kind),
        });
    }

    /// Follows what is inside a tunnel, if this end is the one that speaks it; `rest` is what came with the last byte before
    /// it.
    pub(super) fn enter(&mut self, rest_at: u64, flow: Flow, chunk: &Chunk<'_>, out: &mut Output) {
        self.prefaces_told = 0;
        self.stage = Stage::Detecting(Detection::new(true, self.registry));
        self.pass_rest(rest_at, flow, chunk, out);
    }

    /// What of a chunk is the new session's.
    fn pass_rest(&mut self, rest_at: u64, flow: Flow, chunk: &Chunk<'_>, out: &mut Output) {
        let skip = usize::try_from(rest_at.saturating_sub(chunk.pos)).unwrap_or(usize::MAX);
        if let Some(rest) = chunk.bytes.get(skip..).filter(|rest| !rest.is_empty()) {
            let stamp = Stamp { arrived_ns: 0, ..chunk.stamp };
            self.bytes(flow, rest_at, rest, chunk.ends_call, stamp, out);
        }
    }

    /// Follows what both ends have agreed on; in `chunk` the server has said so.
    pub(super) fn upgrade(&mut self, upgrade: Upgrade, flow: Flow, chunk: &Chunk<'_>, out: &mut Output) {
        let Upgrade { to, server_at, request } = upgrade;
        let Some(protocol) = self.registry.named(to.name) else { return };
        let opening =
            Opening { from_start: true, before: None, may_decrypt: self.may_decrypt, registry: self.registry };
        let mut session = (protocol.open)(&opening);
        session.take_over(request, out);
        self.stage = Stage::Following(protocol, session);
        self.pass_rest(server_at, flow, chunk, out);
    }

    /// Drops the session when the stream has left its protocol, or replaces it when the stream has changed to TLS.
    pub(super) fn leave(&mut self, out: &mut Output) {
        if !std::mem::take(&mut out.left) {
            return;
        }
        (out.tunnel, out.upgrade) = (None, None);
        self.decrypted(out);
        // What is inside goes on unseen: whether its requests are answered is not known.
        if let Some(mut inside) = self.inside.take() {
            inside.abandon(Reason::LostResponse, out);
        }
        let to_tls = std::mem::take(&mut out.to_tls);
        let registry = self.registry;
        let encryption = registry.encryption().filter(|_| to_tls);
        self.stage = match (&self.stage, encryption) {
            (Stage::Following(before, _), Some(encryption)) => {
                let opening =
                    Opening { from_start: true, before: Some(before), may_decrypt: self.may_decrypt, registry };
                Stage::Following(encryption, (encryption.open)(&opening))
            }
            _ => Stage::Ignored { foreign: false },
        };
    }
}
