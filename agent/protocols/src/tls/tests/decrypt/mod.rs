//! Real ciphertext in, plaintext out.

mod fixed;
mod keys;
mod loss;
mod older;
mod pair;
mod properties;
mod whole;

use super::*;
use crate::plain::{PlainBytes, Secret, SecretKind};
use pair::{Conversation, Ends, Pair};

/// What was told of a direction.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Told {
    /// Bytes with the position of the first, as they came.
    pub shown: Vec<(u64, Vec<u8>)>,
    pub gaps: Vec<(u64, u64)>,
    pub end: bool,
}

impl Told {
    pub fn bytes(&self) -> Vec<u8> {
        self.shown.iter().flat_map(|(_, bytes)| bytes.clone()).collect()
    }
}

/// A connection that may be decrypted.
pub(super) struct Listener {
    pub talk: Talk,
    pub told: [Told; 2],
    /// Time of the first byte and direction of each piece that was shown, in order.
    pub order: Vec<(u64, Direction)>,
    /// Their stamps, and whether each ends its call.
    pub stamps: Vec<(Stamp, bool)>,
}

impl Listener {
    pub fn new() -> Self {
        let opening = Opening { from_start: true, before: None, may_decrypt: true, registry: PROTOCOLS };
        Self {
            talk: Talk::open(&opening),
            told: [Told::default(), Told::default()],
            order: Vec::new(),
            stamps: Vec::new(),
        }
    }

    /// One that was joined midway.
    pub fn midway() -> Self {
        let opening = Opening { from_start: false, before: None, may_decrypt: true, registry: PROTOCOLS };
        Self { talk: Talk::open(&opening), ..Self::new() }
    }

    pub fn call(&mut self, direction: Direction, bytes: &[u8]) {
        self.talk.call(direction, bytes);
        self.take();
    }

    pub fn secret(&mut self, secret: &Secret) {
        let now = self.talk.now;
        self.talk.session.secret(secret, now, &mut self.talk.out);
        self.take();
    }

    pub fn rest(&mut self, ns: u64) {
        self.talk.now += ns;
        let now = self.talk.now;
        self.talk.session.rest(now, &mut self.talk.out);
        self.take();
    }

    pub fn take(&mut self) {
        let plain = &mut self.talk.out.plain;
        for piece in &plain.pieces {
            let told = &mut self.told[piece.direction as usize];
            match &piece.what {
                PlainBytes::Shown { range, ends_call } => {
                    self.stamps.push((piece.stamp, *ends_call));
                    self.order.push((piece.stamp.first_ns, piece.direction));
                    told.shown.push((piece.pos, plain.bytes[range.clone()].to_vec()));
                }
                PlainBytes::Gap(len) => told.gaps.push((piece.pos, *len)),
                PlainBytes::End => told.end = true,
            }
        }
        plain.clear();
    }

    /// All of a conversation, the secrets when they were logged.
    pub fn hear(&mut self, conversation: &Conversation) {
        for (index, call) in conversation.calls.iter().enumerate() {
            for (_, secret) in conversation.secrets.iter().filter(|(at, _)| *at == index) {
                self.secret(secret);
            }
            self.call(call.direction, &call.bytes);
        }
        for (_, secret) in conversation.secrets.iter().filter(|(at, _)| *at >= conversation.calls.len()) {
            self.secret(secret);
        }
    }
}

/// Some text of this length.
pub(super) fn text(len: usize) -> Vec<u8> {
    (0..len).map(|at| b'a' + u8::try_from((at + at / 26) % 26).unwrap()).collect()
}

/// Everything that was said, with nothing told of the outside.
#[track_caller]
pub(super) fn assert_whole(listener: &Listener, conversation: &Conversation) {
    for (told, plain) in listener.told.iter().zip(&conversation.plain) {
        assert!(told.bytes() == *plain, "{} of {} bytes", told.bytes().len(), plain.len());
        assert_eq!(told.gaps, []);
    }
    assert_eq!(listener.talk.out.exchanges, []);
    assert_eq!(listener.talk.out.counts, [0; Reason::ALL.len()]);
    assert!(!listener.talk.out.left);
}
