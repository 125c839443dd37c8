//! Secrets of handshakes until the connections that they are of have them. Which connection that is, the random of its ClientHello tells.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use wirespan_protocols::plain::{Random, Secret};

/// Most handshakes of which secrets are kept, or awaited.
const MAX_HANDSHAKES: usize = 8 * 1024;
/// Most secrets of one, and most connections: both ends, as a proxy sees them, and repeats.
const MAX_OF_ONE: usize = 8;
/// How long after its first sign a handshake is forgotten, ns: its secrets are erased.
const KEPT_NS: u64 = 30_000_000_000;

/// How long after its first message the secrets of a handshake are missing, ns.
const PATIENCE_NS: u64 = 500_000_000;

/// A handshake.
#[derive(Debug, Default)]
struct Handshake {
    secrets: Vec<Secret>,
    connections: Vec<u64>,
    /// The process of the first one.
    pid: u32,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Keyring {
    handshakes: FxHashMap<Random, Handshake>,
    /// When each was first heard of.
    order: VecDeque<(u64, Random)>,
    /// Handshakes that were asked for, and when, until it is seen whether somebody tells of them.
    awaited: VecDeque<(u64, Random)>,
    /// Processes whose handshakes nobody told of.
    silent: Vec<u32>,
    /// Secrets that stay: of a log of keys that somebody has given.
    given: FxHashMap<Random, Vec<Secret>>,
    counts: Counts,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Secrets that came.
    pub secrets: u64,
    /// Handshakes whose secrets came, and whose connection was never seen.
    pub unclaimed: u64,
    /// Handshakes whose connection waited for secrets that never came.
    pub unanswered: u64,
    /// Handshakes that were forgotten before their time, to make room.
    pub crowded_out: u64,
}

impl Keyring {
    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes in a secret that stays.
    pub fn give(&mut self, random: Random, secret: Secret) {
        self.given.entry(random).or_default().push(secret);
    }

    /// A secret was told: the connections that want it.
    pub fn tell(&mut self, random: Random, secret: &Secret, at_ns: u64) -> Vec<u64> {
        self.counts.secrets += 1;
        let handshake = self.handshake(random, at_ns);
        if handshake.secrets.contains(secret) {
            return Vec::new();
        }
        if handshake.secrets.len() < MAX_OF_ONE {
            handshake.secrets.push(secret.clone());
        }
        handshake.connections.clone()
    }

    /// A connection of a process wants the secrets of a handshake: those that are known.
    pub fn want(&mut self, random: Random, (connection, pid): (u64, u32), at_ns: u64) -> Vec<Secret> {
        if let Some(given) = self.given.get(&random) {
            return given.clone();
        }
        let handshake = self.handshake(random, at_ns);
        if handshake.connections.len() < MAX_OF_ONE {
            handshake.connections.push(connection);
        }
        let is_first = std::mem::replace(&mut handshake.pid, pid) == 0 && handshake.secrets.is_empty();
        let secrets = handshake.secrets.clone();
        if is_first && self.awaited.len() < MAX_HANDSHAKES {
            self.awaited.push_back((at_ns, random));
        }
        secrets
    }

    /// Takes the processes of which a handshake was seen, and no secret: their library is perhaps not known yet.
    pub fn take_silent(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.silent)
    }

    /// Forgets what is older than it may be.
    pub fn sweep(&mut self, now_ns: u64) {
        while self.awaited.front().is_some_and(|(at_ns, _)| now_ns.saturating_sub(*at_ns) > PATIENCE_NS) {
            let Some((_, random)) = self.awaited.pop_front() else { break };
            let silent = self.handshakes.get(&random).filter(|handshake| handshake.secrets.is_empty());
            if let Some(pid) = silent.map(|handshake| handshake.pid).filter(|pid| !self.silent.contains(pid)) {
                self.silent.push(pid);
            }
        }
        let before_ns = now_ns.saturating_sub(KEPT_NS);
        while self.order.front().is_some_and(|(at_ns, _)| *at_ns < before_ns) {
            self.forget_first();
        }
    }

    fn handshake(&mut self, random: Random, at_ns: u64) -> &mut Handshake {
        if !self.handshakes.contains_key(&random) {
            if self.handshakes.len() >= MAX_HANDSHAKES {
                self.counts.crowded_out += 1;
                self.forget_first();
            }
            self.order.push_back((at_ns, random));
        }
        self.handshakes.entry(random).or_default()
    }

    fn forget_first(&mut self) {
        let Some((_, random)) = self.order.pop_front() else { return };
        let Some(handshake) = self.handshakes.remove(&random) else { return };
        self.counts.unclaimed += u64::from(handshake.connections.is_empty());
        self.counts.unanswered += u64::from(handshake.secrets.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirespan_protocols::plain::SecretKind;

    fn secret(byte: u8) -> Secret {
        Secret::new(SecretKind::Master, &[byte; 48]).unwrap()
    }

    #[test]
    fn secrets_come_before_and_after_those_who_want_them() {
        let mut keyring = Keyring::default();
        assert!(keyring.tell([1; 32], &secret(1), 0).is_empty());
        assert_eq!(keyring.want([1; 32], (7, 70), 1), [secret(1)]);
        assert!(keyring.want([2; 32], (8, 80), 2).is_empty());
        assert_eq!(keyring.tell([2; 32], &secret(2), 3), [8]);
        // From the other end of the same connection.
        assert_eq!(keyring.want([2; 32], (9, 90), 3), [secret(2)]);
        assert!(keyring.tell([2; 32], &secret(2), 4).is_empty());
        keyring.sweep(KEPT_NS + 10);
        assert!(keyring.handshakes.is_empty());
        assert_eq!(keyring.counts(), Counts { secrets: 3, ..Counts::default() });
    }

    #[test]
    fn what_nobody_wants_and_what_never_comes_is_counted() {
        let mut keyring = Keyring::default();
        for number in 0..=MAX_HANDSHAKES {
            let mut random = [0; 32];
            random[..8].copy_from_slice(&number.to_ne_bytes());
            keyring.tell(random, &secret(1), 0);
        }
        keyring.want([9; 32], (1, 10), 0);
        keyring.sweep(PATIENCE_NS);
        assert!(keyring.take_silent().is_empty());
        keyring.sweep(PATIENCE_NS + 1);
        assert_eq!(keyring.take_silent(), [10]);
        assert_eq!(keyring.handshakes.len(), MAX_HANDSHAKES);
        keyring.sweep(u64::MAX);
        let counts = keyring.counts();
        assert_eq!((counts.crowded_out, counts.unclaimed, counts.unanswered), (2, MAX_HANDSHAKES as u64 + 1, 1));
    }
}
