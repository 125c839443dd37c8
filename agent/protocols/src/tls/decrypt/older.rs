//! A connection that was joined midway: neither version nor suite nor keys are known. Each whole record may show that secrets are its
//! own: the newest one is kept of each direction, and whatever secrets are proposed are tried on the newest of both.
//!
//! Only TLS 1.3 keeps in its sessions what keys follow from, and its records of AES-GCM tell their own number. From the record that
//! is proved on all of it is decrypted, in both directions.

use super::super::names::TLS13;
use super::frame::Frame;
use super::keys::Keys;
use super::opener::Opener;
use super::records::Step;
use super::suite::{Seal, Suite};
use crate::plain::{Candidate, Secret};
use crate::session::{Output, Reason};
use crate::stream::{Chunk, Direction, Stamp};

/// Suites that are tried (RFC 8446, section B.4): of 384 bits' hash, and of 256.
const LONG: &[u16] = &[0x1302, 0x1301, 0x1303];
const SHORT: &[u16] = &[0x1301, 0x1303];
/// Numbers that are tried where a record does not tell its own, and the longest record on which they are.
const MAX_NUMBERS: u64 = 32;
const MAX_TRIED: usize = 2048;

/// A record that may prove secrets.
struct Held {
    bytes: Vec<u8>,
    pos: u64,
    stamp: Stamp,
    ends_call: bool,
    /// The last one before it, which is not kept any more.
    after: Option<Stamp>,
}

impl Held {
    fn frame(&self) -> Frame<'_> {
        let Self { bytes, pos, stamp, ends_call, .. } = self;
        Frame { bytes, hole: None, pos: *pos, stamp: *stamp, ends_call: *ends_call }
    }
}

/// See the module.
pub(in super::super) struct Joined {
    openers: [Opener; 2],
    held: [Option<Held>; 2],
    is_proved: bool,
}

impl std::fmt::Debug for Joined {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Joined").field("is_proved", &self.is_proved).finish_non_exhaustive()
    }
}

impl Joined {
    pub fn new() -> Self {
        let opener = |direction| {
            let mut opener = Opener::new(direction);
            opener.framer.lose();
            opener
        };
        Self {
            openers: [opener(Direction::ToServer), opener(Direction::ToClient)],
            held: [None, None],
            is_proved: false,
        }
    }

    pub fn is_proved(&self) -> bool {
        self.is_proved
    }

    /// Captured bytes passed. How many whole records were among them, until secrets were proved.
    pub fn data(&mut self, direction: Direction, chunk: &Chunk<'_>, out: &mut Output) -> u32 {
        let opener = &mut self.openers[direction as usize];
        let mut at = 0;
        if self.is_proved {
            if let Step::GiveUp(reason) = opener.data(chunk, &mut at, out) {
                give_up(reason, out);
            }
            return 0;
        }
        let held = &mut self.held[direction as usize];
        let mut whole = 0;
        loop {
            let found = opener.framer.next(chunk, &mut at);
            let Some(Frame { bytes, pos, stamp, ends_call, .. }) = opener.framer.frame(found, chunk, at) else { break };
            let after = held.as_ref().map(|held| held.stamp);
            *held = Some(Held { bytes: bytes.to_vec(), pos, stamp, ends_call, after });
            opener.framer.refuse(found);
            whole += 1;
        }
        whole
    }

    /// Bytes passed unseen.
    pub fn gap(&mut self, direction: Direction, len: u64, stamp: Stamp, out: &mut Output) {
        let opener = &mut self.openers[direction as usize];
        if self.is_proved {
            if let Step::GiveUp(reason) = opener.gap(len, stamp, out) {
                give_up(reason, out);
            }
            return;
        }
        self.held[direction as usize] = None;
        opener.framer.lose();
    }

    /// Whether these secrets are its own, as the newest record tells. What is held is decrypted then.
    pub fn candidate(&mut self, candidate: &Candidate, out: &mut Output) -> bool {
        if self.is_proved {
            return false;
        }
        let newest = self.held.iter().flatten().max_by_key(|held| held.stamp.last_ns);
        let Some(newest) = newest else { return false };
        let is_up = self.held[0].as_ref().is_some_and(|held| std::ptr::eq(held, newest));
        let Candidate { client, server } = candidate;
        let Some((suite, is_client)) = [(client, true), (server, false)]
            .into_iter()
            .find_map(|(secret, is_client)| Some((suite_of(secret, &newest.frame())?, is_client)))
        else {
            return false;
        };
        let sides = [client, server].map(|secret| Keys::of_traffic(suite, &cut(secret, suite)?));
        if is_client != is_up {
            self.reverse();
            out.reversed = true;
        }
        for (opener, keys) in self.openers.iter_mut().zip(sides) {
            let records = &mut opener.records;
            (records.suite, records.keys, records.joined, records.framing_lost) = (Some(suite), keys, true, true);
        }
        self.is_proved = true;
        self.open_held(out);
        true
    }

    fn reverse(&mut self) {
        self.openers.swap(0, 1);
        self.held.swap(0, 1);
        for (opener, direction) in self.openers.iter_mut().zip([Direction::ToServer, Direction::ToClient]) {
            opener.records.direction = direction;
        }
    }

    /// Decrypts what is held, in the order of its times.
    fn open_held(&mut self, out: &mut Output) {
        let mut held: Vec<(usize, Held)> =
            self.held.iter_mut().enumerate().filter_map(|(side, held)| Some((side, held.take()?))).collect();
        held.sort_by_key(|(_, held)| held.stamp.last_ns);
        let begun_ns = held.first().map_or(0, |(_, held)| held.stamp.first_ns);
        for (side, held) in &held {
            let records = &mut self.openers[*side].records;
            // Some of this direction came after what the other one begins with, and is not there any more.
            records.owed = held.after.filter(|after| after.last_ns >= begun_ns);
            if let Step::GiveUp(reason) = records.record(&held.frame(), out) {
                give_up(reason, out);
            }
        }
    }

    /// Nothing more will come of `direction`.
    pub fn finish(&mut self, direction: Direction, out: &mut Output) {
        if self.is_proved {
            self.openers[direction as usize].records.finish(out);
        }
    }

    /// Frees what is held of a connection on which nothing passed since then.
    pub fn expire(&mut self, before_ns: u64) {
        let is_over = |held: &Option<Held>| held.as_ref().is_none_or(|held| held.stamp.last_ns < before_ns);
        if !self.is_proved && self.held.iter().all(is_over) {
            self.held = [None, None];
            self.openers.iter_mut().for_each(|opener| opener.framer.lose());
        }
    }

    /// Heap bytes held.
    pub fn heap_bytes(&self) -> usize {
        let held: usize = self.held.iter().flatten().map(|held| held.bytes.capacity()).sum();
        held + self.openers.iter().map(Opener::heap_bytes).sum::<usize>()
    }
}

fn give_up(reason: Reason, out: &mut Output) {
    out.count(reason);
    out.left = true;
}

/// The part of a field that is the secret of this suite.
fn cut(secret: &Secret, suite: Suite) -> Option<Secret> {
    Secret::new(secret.kind, secret.bytes().get(..suite.hash.len())?)
}

/// The suite under which this secret proves a record.
fn suite_of(secret: &Secret, frame: &Frame<'_>) -> Option<Suite> {
    let is_long = secret.bytes().get(32..48).is_some_and(|rest| rest.iter().any(|byte| *byte != 0));
    let suites = if is_long { LONG } else { SHORT };
    suites.iter().filter_map(|code| Suite::of(TLS13, *code)).find(|suite| proves(*suite, secret, frame))
}

fn proves(suite: Suite, secret: &Secret, frame: &Frame<'_>) -> bool {
    let is_counted = suite.seal != Seal::Gcm;
    if is_counted && frame.bytes.len() > MAX_TRIED {
        return false;
    }
    let Some(keys) = cut(secret, suite).and_then(|secret| Keys::of_traffic(suite, &secret)) else { return false };
    let mut plain = zeroize::Zeroizing::new(Vec::new());
    let mut opens = |number| keys.open(number, frame.bytes, &mut plain).is_some();
    if is_counted { (0..MAX_NUMBERS).any(opens) } else { keys.number(frame.bytes).is_some_and(&mut opens) }
}
