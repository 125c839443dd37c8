//! The connection inside a connection that encrypts it: what its session decrypts is followed like the bytes of any other.

use super::{Connection, Stage};
use crate::conn::detection::Detection;
use crate::conn::timeline::Life;
use crate::event::{Change, Flow, Role};
use wirespan_protocols::plain::{PlainBytes, PlainPiece, Secret};
use wirespan_protocols::session::Output;
use wirespan_protocols::stream::Direction;

impl<T> Connection<T> {
    /// Takes in a secret of its handshake.
    pub(in crate::conn) fn secret(&mut self, secret: &Secret, at_ns: u64, out: &mut Output) {
        if let Stage::Following(_, session) = &mut self.stage {
            session.secret(secret, at_ns, out);
        }
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
        let stage = Stage::Detecting(Detection::new(true, self.registry));
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
