//! The connection inside a connection that encrypts it: what its session decrypts is followed like the bytes of any other.

use super::{Age, Connection, Stage};
use crate::conn::detection::Detection;
use crate::conn::timeline::Life;
use crate::event::{Change, Flow, Role};
use wirespan_protocols::plain::{Candidate, PlainBytes, PlainPiece, Secret};
use wirespan_protocols::protocol::Opening;
use wirespan_protocols::session::Output;
use wirespan_protocols::stream::Direction;

impl<T> Connection<T> {
    /// Takes in a secret of its handshake.
    pub(in crate::conn) fn secret(&mut self, secret: &Secret, at_ns: u64, out: &mut Output) {
        if let Stage::Following(_, session) = &mut self.stage {
            session.secret(secret, at_ns, out);
        }
        self.follow_up(out);
    }

    /// Whether it was encrypted before anybody looked, and may still be read.
    #[must_use]
    pub fn waits_for_secrets(&self) -> bool {
        self.age == Age::Older && matches!(self.stage, Stage::Following(..))
    }

    /// Follows a connection that was joined midway as an encrypted one from this call on, if it is one.
    pub(super) fn join_encrypted(&mut self, head: &[u8], len: u32) {
        let Stage::Detecting(detection) = &self.stage else { return };
        if !self.may_decrypt || detection.is_from_start() || detection.has_candidate() {
            return;
        }
        if let Some(protocol) = self.registry.goes_on(head, len) {
            let opening = Opening { from_start: false, before: None, may_decrypt: true, registry: self.registry };
            self.stage = Stage::Following(protocol, (protocol.open)(&opening));
            self.age = Age::Older;
        }
    }

    /// Takes in the secrets of a session of its process. True if they are its own.
    pub(in crate::conn) fn candidate(&mut self, candidate: &Candidate, out: &mut Output) -> bool {
        let Stage::Following(_, session) = &mut self.stage else { return false };
        if !session.candidate(candidate, out) {
            return false;
        }
        self.age = Age::Read;
        if std::mem::take(&mut out.reversed) {
            match self.role {
                None => self.role = Some(Role::Server),
                // The kernel knows who connected.
                Some(_) => {
                    out.plain.clear();
                    out.left = true;
                }
            }
        } else {
            self.role.get_or_insert(Role::Client);
        }
        self.follow_up(out);
        true
    }

    /// The direction of a flow: as long as the role of a connection that waits for secrets is not known, that of a client.
    pub(super) fn direction_or_guess(&self, flow: Flow) -> Option<Direction> {
        let guessed = match flow {
            Flow::Sent => Direction::ToServer,
            Flow::Received => Direction::ToClient,
        };
        self.direction(flow).or_else(|| self.waits_for_secrets().then_some(guessed))
    }

    /// Does what the session has asked for besides: leaves it, follows what it has decrypted.
    pub(super) fn follow_up(&mut self, out: &mut Output) {
        self.leave(out);
        self.decrypted(out);
    }

    /// Follows what was just decrypted.
    pub(super) fn decrypted(&mut self, out: &mut Output) {
        if out.plain.pieces.is_empty() {
            return;
        }
        let mut plain = std::mem::take(&mut out.plain);
        if self.inside.is_none() {
            self.inside = Some(Box::new(self.begin_inside()));
        }
        if let Some(inside) = &mut self.inside {
            for PlainPiece { direction, pos, what, stamp } in &plain.pieces {
                let flow = inside.flow(*direction);
                match what {
                    PlainBytes::Shown { range, ends_call } => {
                        let bytes = plain.bytes.get(range.clone()).unwrap_or_default();
                        inside.bytes(flow, *pos, bytes, *ends_call, *stamp, out);
                    }
                    PlainBytes::Gap(len) => inside.gap(flow, *len, *stamp, out),
                    PlainBytes::End => {
                        let change = if flow == Flow::Sent { Change::SentFin } else { Change::ReceivedFin };
                        _ = inside.change(change, stamp.last_ns, out);
                    }
                }
            }
        }
        plain.clear();
        out.plain = plain;
    }

    /// The connection inside: it has the same ends, and what it encrypts in turn is not read.
    fn begin_inside(&self) -> Self {
        let role = self.role.unwrap_or(Role::Server);
        let from_start = self.age == Age::Young;
        let stage = Stage::Detecting(Detection::new(from_start, self.registry));
        let mut inside = Self::new(self.open.clone(), self.registry);
        (inside.role, inside.stage, inside.began, inside.pid) = (Some(role), stage, true, self.pid);
        // Its set-up is that of the whole.
        inside.life = Life::default();
        inside
    }

    fn flow(&self, direction: Direction) -> Flow {
        match (self.role, direction) {
            (Some(Role::Client), Direction::ToServer) | (Some(Role::Server) | None, Direction::ToClient) => Flow::Sent,
            (Some(Role::Client), Direction::ToClient) | (Some(Role::Server) | None, Direction::ToServer) => {
                Flow::Received
            }
        }
    }
}
