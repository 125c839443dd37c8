//! Secrets on their way to the connections that they are of.

use super::super::candidates::Candidates;
use super::super::connection::Connection;
use super::super::fact::Fact;
use super::super::keyring::{Counts, Keyring};
use super::super::telling::drain;
use super::Tracker;
use crate::event::Told;
use wirespan_protocols::plain::Secret;

impl<T> Tracker<T> {
    /// Secrets of handshakes.
    pub fn keyring(&mut self) -> &mut Keyring {
        &mut self.keyring
    }

    /// Secrets of sessions that go on.
    #[must_use]
    pub fn candidates(&self) -> &Candidates {
        &self.candidates
    }

    /// What was counted of them.
    #[must_use]
    pub fn secret_counts(&self) -> Counts {
        self.keyring.counts()
    }

    /// Takes in a secret.
    pub(super) fn told(&mut self, told: &Told, sink: &mut impl FnMut(&mut Connection<T>, Fact)) {
        let Some(secret) = &told.secret else { return };
        if told.is_live {
            return self.try_live(told, secret, sink);
        }
        for id in self.keyring.tell(told.random, secret, told.at_ns) {
            if let Some(connection) = self.connections.get_mut(&id) {
                connection.secret(secret, told.at_ns, &mut self.output);
                drain(&mut self.output, &mut self.counts, connection, sink);
                connection.count_heap(&mut self.heap);
            }
        }
    }

    /// A session of a process goes on with this secret: it is tried on the connections that wait for theirs.
    fn try_live(&mut self, told: &Told, secret: &Secret, sink: &mut impl FnMut(&mut Connection<T>, Fact)) {
        let Some(number) = self.candidates.tell(told.pid, told.random, secret, told.at_ns) else { return };
        let Some(candidate) = self.candidates.get(told.pid, number) else { return };
        for id in self.candidates.waiting(told.pid) {
            let Some(connection) = self.connections.get_mut(&id) else { continue };
            if connection.candidate(&candidate, &mut self.output) {
                self.candidates.claim(told.pid, number);
                self.candidates.decided(id);
                drain(&mut self.output, &mut self.counts, connection, sink);
                connection.count_heap(&mut self.heap);
                return;
            }
        }
    }
}
