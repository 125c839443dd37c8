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

    /// Keys of the client's and of the server's direction, as far as they are known.
    pub fn keys(&self, suite: Suite, agreed: &Agreed) -> [Option<Keys>; 2] {
        if suite.is_13 {
            return [SecretKind::ClientTraffic, SecretKind::ServerTraffic]
                .map(|kind| self.get(kind).and_then(|secret| Keys::of_traffic(suite, secret)));
        }
        let material = self
            .get(SecretKind::Master)
            .and_then(|master| schedule::of_master(suite, master, &agreed.client_random, &agreed.server_random));
        let Some(material) = material else { return [None, None] };
        material.map(|side| Keys::new(suite, &side, agreed.encrypt_then_mac))
    }
}
