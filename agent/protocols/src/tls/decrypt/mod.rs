//! Decryption with the secrets of the handshake.
//!
//! - `suite`, `schedule`, `keying`: what a suite is made of, and keys from secrets;
//! - `cipher`, `block`, `keys`: ciphers, and records under the keys of one direction;
//! - `frame`, `search`: records as a whole, and where one may stand after a loss;
//! - `records`, `early`, `number`: the records of one direction in their order, and which number each has;
//! - `opener`: one direction, all of that; `tell`: the pieces that come out;
//! - `older`: both directions of a connection that was joined midway, until its secrets are found and from then on;
//! - `wait`: what waits for a key, both directions in the order of their times.
//!
//! What is certain here. Nothing is shown of a direction before the tag of a record has proved its keys. From then on a record whose
//! number follows by counting is decrypted even if its middle is missing; its tag cannot be checked then, and the next whole record
//! proves that the count is right. After records that were not counted, the next whole record is found by its tag. Positions of
//! plaintext follow from those of the records and their numbers; they are the same at both ends and whatever was lost before,
//! but for records in blocks (CBC), whose overhead depends on the plaintext, and after a KeyUpdate that was lost.

mod block;
mod cipher;
mod early;
mod frame;
mod keying;
mod keys;
mod number;
mod older;
mod opener;
mod records;
mod schedule;
mod search;
mod suite;
mod tell;
mod wait;

pub(super) use keying::Agreed;
pub(super) use older::Joined;

use early::Early;
use keying::Secrets;
use keys::Keys;
use opener::Opener;
use records::Step;
use suite::Suite;
use wait::{Queue, Waiting, What};

use crate::plain::{Secret, SecretKind};
use crate::session::{Output, Reason};
use crate::stream::{Chunk, Direction, Stamp};

/// How long ciphertext waits for its key after the handshake, ns.
pub(super) const PATIENCE_NS: u64 = 1_000_000_000;

/// Both directions of a connection.
pub(super) struct Decrypt {
    agreed: Option<(Agreed, Suite)>,
    secrets: Secrets,
    openers: [Opener; 2],
    queue: Queue,
    /// When the direction that waits began to, and which one it is.
    waits: Option<(Direction, u64)>,
    /// Keys may be there for what waits: the suite is known now.
    fresh: bool,
    /// Something was told.
    told: bool,
}

impl std::fmt::Debug for Decrypt {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Decrypt").field("told", &self.told).finish_non_exhaustive()
    }
}

/// What is known of a connection that may be decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Not known yet.
    Open,
    /// It is.
    Decrypts,
    /// It is not, for that reason.
    Fails(Reason),
}

impl Decrypt {
    pub fn new() -> Self {
        Self {
            agreed: None,
            secrets: Secrets::default(),
            openers: [Opener::new(Direction::ToServer), Opener::new(Direction::ToClient)],
            queue: Queue::default(),
            waits: None,
            fresh: false,
            told: false,
        }
    }

    /// Version, suite and randoms are known.
    pub fn agree(&mut self, agreed: Agreed) -> Outcome {
        let Some(suite) = agreed.parts() else { return Outcome::Fails(Reason::UnsupportedSuite) };
        self.agreed = Some((agreed, suite));
        self.fresh = true;
        for opener in &mut self.openers {
            opener.records.suite = Some(suite);
        }
        for kind in SecretKind::ALL {
            self.make_keys(kind);
        }
        Outcome::Open
    }

    pub fn has_agreed(&self) -> bool {
        self.agreed.is_some()
    }

    /// A secret of the handshake.
    pub fn secret(&mut self, secret: &Secret, out: &mut Output) -> Outcome {
        let known = self.openers.iter().all(|opener| opener.records.is_proved());
        if known {
            return Outcome::Decrypts;
        }
        self.secrets.learn(secret);
        self.make_keys(secret.kind);
        self.drain(out)
    }

    /// Makes keys of the secret of this kind, once it and the suite are known. What was proved has its keys.
    fn make_keys(&mut self, kind: SecretKind) {
        let (Some((agreed, suite)), Some(secret)) = (&self.agreed, self.secrets.get(kind)) else { return };
        let [up, down] = &mut self.openers;
        let keys = match kind {
            SecretKind::ClientEarly if suite.is_13 && up.records.early.is_none() && !up.records.is_proved() => {
                up.records.early = Keys::of_traffic(*suite, secret).map(Early::new);
                return;
            }
            SecretKind::ClientTraffic if suite.is_13 => [Keys::of_traffic(*suite, secret), None],
            SecretKind::ServerTraffic if suite.is_13 => [None, Keys::of_traffic(*suite, secret)],
            SecretKind::Master if !suite.is_13 => agreed.keys(*suite, secret),
            _ => return,
        };
        for (opener, keys) in [up, down].into_iter().zip(keys) {
            if !opener.records.is_proved() && keys.is_some() {
                opener.records.keys = keys;
            }
        }
    }

    /// Captured bytes passed.
    pub fn data(&mut self, direction: Direction, chunk: &Chunk<'_>, out: &mut Output) -> Outcome {
        let mut at = 0;
        if self.waits.is_none() {
            match self.openers[direction as usize].data(chunk, &mut at, out) {
                Step::GiveUp(reason) => return Outcome::Fails(reason),
                Step::Wait => self.waits = Some((direction, chunk.stamp.last_ns)),
                Step::Done | Step::Refused => {}
            }
        }
        if self.waits.is_some() && !self.queue.data(direction, chunk, at) {
            out.count(Reason::KeyLate);
        }
        if std::mem::take(&mut self.fresh) { self.drain(out) } else { self.outcome(out) }
    }

    /// Bytes passed unseen.
    pub fn gap(&mut self, direction: Direction, len: u64, stamp: Stamp, out: &mut Output) -> Outcome {
        if self.waits.is_some() {
            self.queue.gap(direction, len, stamp);
            return Outcome::Open;
        }
        match self.openers[direction as usize].gap(len, stamp, out) {
            Step::GiveUp(reason) => return Outcome::Fails(reason),
            Step::Wait => self.waits = Some((direction, stamp.last_ns)),
            Step::Done | Step::Refused => {}
        }
        self.outcome(out)
    }

    /// Opens what waited, as far as keys are there.
    fn drain(&mut self, out: &mut Output) -> Outcome {
        let Some((direction, since_ns)) = self.waits.take() else { return self.outcome(out) };
        let mut step = self.openers[direction as usize].retry(out);
        let mut waits = (direction, since_ns);
        while !matches!(step, Step::Wait | Step::GiveUp(_))
            && let Some(Waiting { direction, stamp, what }) = self.queue.pop()
        {
            waits = (direction, stamp.last_ns);
            let opener = &mut self.openers[direction as usize];
            match what {
                What::Gap(len) => step = opener.gap(len, stamp, out),
                What::Bytes { pos, bytes, ends_call } => {
                    let chunk = Chunk { pos, bytes: &bytes, ends_call, stamp };
                    let mut at = 0;
                    step = opener.data(&chunk, &mut at, out);
                    self.queue.put_back(direction, &chunk, at);
                }
            }
        }
        match step {
            Step::GiveUp(reason) => return Outcome::Fails(reason),
            Step::Wait => self.waits = Some(waits),
            Step::Done | Step::Refused => {}
        }
        self.outcome(out)
    }

    fn outcome(&mut self, out: &Output) -> Outcome {
        let proved = |opener: &Opener| opener.records.is_proved();
        self.told |= !out.plain.pieces.is_empty()
            || self.openers.iter().any(proved) && self.openers.iter().all(|opener| opener.records.keys.is_some());
        if self.openers.iter().all(proved) {
            self.secrets.forget();
        }
        if self.told { Outcome::Decrypts } else { Outcome::Open }
    }

    /// It is `now_ns`, and the handshake was over at `done_ns`: what waited for too long is lost.
    pub fn rest(&mut self, now_ns: u64, done_ns: u64, out: &mut Output) -> Outcome {
        let over = |since_ns: u64| since_ns.max(done_ns).saturating_add(PATIENCE_NS) < now_ns;
        if !self.told {
            let missing = self.openers.iter().any(|opener| opener.records.keys.is_none());
            return if missing && over(0) { Outcome::Fails(Reason::NoKey) } else { Outcome::Open };
        }
        while let Some((direction, since_ns)) = self.waits
            && over(since_ns)
        {
            out.count(Reason::KeyLate);
            self.openers[direction as usize].forsake(out);
            if let failed @ Outcome::Fails(_) = self.drain(out) {
                return failed;
            }
        }
        Outcome::Decrypts
    }

    /// Nothing more will come of `direction`.
    pub fn finish(&mut self, direction: Direction, out: &mut Output) {
        self.openers[direction as usize].records.finish(out);
    }

    /// Why it was not decrypted, at its end.
    pub fn reason(&self) -> Reason {
        if self.secrets.any() { Reason::NotProved } else { Reason::NoKey }
    }

    /// Heap bytes held.
    pub fn heap_bytes(&self) -> usize {
        let openers: usize = self.openers.iter().map(Opener::heap_bytes).sum();
        size_of::<Self>() + self.queue.heap_bytes() + openers
    }
}
