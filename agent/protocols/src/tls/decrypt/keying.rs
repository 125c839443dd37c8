//! What hellos say of keys, and the secrets that are known.

use super::keys::Keys;
use super::schedule;
use super::suite::Suite;
use crate::plain::{Random, Secret, SecretKind};

/// What both hellos agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Agreed {
    pub version: u16,
    pub suite: u16,
    pub client_random: Random,
    pub server_random: Random,
    pub encrypt_then_mac: bool,
    /// Records are compressed (up to TLS 1.2).
    pub compresses: bool,
}

impl Agreed {
    /// Its parts, if it can be decrypted.
    pub(super) fn parts(&self) -> Option<Suite> {
        Suite::of(self.version, self.suite).filter(|_| !self.compresses)
    }

    /// Keys of the client's and of the server's direction (TLS 1.2).
    pub(super) fn keys(&self, suite: Suite, master: &Secret) -> [Option<Keys>; 2] {
        match schedule::of_master(suite, master, &self.client_random, &self.server_random) {
            Some(sides) => sides.map(|side| Keys::new(suite, &side, self.encrypt_then_mac)),
            None => [None, None],
        }
    }
}

/// The secrets of a handshake.
#[derive(Debug, Default)]
pub(super) struct Secrets([Option<Secret>; SecretKind::ALL.len()]);

impl Secrets {
    pub fn learn(&mut self, secret: &Secret) {
        self.0[secret.kind as usize] = Some(secret.clone());
    }

    pub fn any(&self) -> bool {
        self.0.iter().any(Option::is_some)
    }

    pub fn get(&self, kind: SecretKind) -> Option<&Secret> {
        self.0[kind as usize].as_ref()
    }

    /// Forgets them: keys were made of them.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}
