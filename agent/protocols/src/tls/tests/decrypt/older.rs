//! Connections that were joined midway: secrets are found, and what is shown from there on is what was said.

use std::sync::OnceLock;

use super::*;
use crate::plain::Candidate;
use Direction::{ToClient, ToServer};
use proptest::prelude::*;
use rustls::crypto::ring::cipher_suite as suites;
use rustls::version::TLS13;

const SUITES: [rustls::SupportedCipherSuite; 3] =
    [suites::TLS13_AES_128_GCM_SHA256, suites::TLS13_AES_256_GCM_SHA384, suites::TLS13_CHACHA20_POLY1305_SHA256];

/// A conversation, the number of calls of its handshake, and its secrets as its object holds them.
struct Case {
    conversation: Conversation,
    begin: usize,
    candidate: Candidate,
    /// Position of the first byte that each side says.
    first: [u64; 2],
}

/// What is said after the handshake: a question and its answer each.
const LENS: [(usize, usize); 8] =
    [(30, 40), (200, 5000), (31, 41), (1500, 10), (32, 20_000), (33, 43), (34, 44), (35, 45)];

fn cases() -> &'static [Case] {
    static ALL: OnceLock<Vec<Case>> = OnceLock::new();
    ALL.get_or_init(|| SUITES.into_iter().map(case).collect())
}

fn case(suite: rustls::SupportedCipherSuite) -> Case {
    let ends = Ends::new(suite, &TLS13, false);
    let mut pair = Pair::new(&ends);
    pair.settle();
    let begin = pair.so_far.calls.len();
    for (up, down) in LENS {
        pair.say(ToServer, &text(up)).say(ToClient, &text(down));
    }
    let conversation = pair.so_far.clone();
    let candidate = candidate(&conversation);
    let mut case = Case { conversation, begin, candidate, first: [0; 2] };
    let mut listener = Listener::midway();
    listener.join(&case, begin, begin + 1, false);
    case.first = [0, 1].map(|side: usize| listener.told[side].shown[0].0);
    case
}

fn field(kind: SecretKind, secret: &[u8]) -> Secret {
    let mut field = [0; 64];
    field[..secret.len()].copy_from_slice(secret);
    Secret::new(kind, &field).unwrap()
}

fn candidate(conversation: &Conversation) -> Candidate {
    let of = |kind| {
        let (_, secret) = conversation.secrets.iter().find(|(_, secret)| secret.kind == kind).unwrap();
        field(kind, secret.bytes())
    };
    Candidate { client: of(SecretKind::ClientTraffic), server: of(SecretKind::ServerTraffic) }
}

fn wrong(candidate: &Candidate, flip: u8) -> Candidate {
    let other = |secret: &Secret| {
        let bytes: Vec<u8> = secret.bytes().iter().map(|byte| if *byte == 0 { 0 } else { byte ^ flip }).collect();
        Secret::new(secret.kind, &bytes).unwrap()
    };
    Candidate { client: other(&candidate.client), server: other(&candidate.server) }
}

impl Listener {
    fn propose(&mut self, candidate: &Candidate) -> bool {
        let is_own = self.talk.session.candidate(candidate, &mut self.talk.out);
        self.take();
        is_own
    }

    /// Joins with so many calls over, wants candidates, and is given this one before the call `at`. `swaps`: what it is told of
    /// directions is the other way round, until it says so.
    fn join(&mut self, case: &Case, from: usize, at: usize, swaps: bool) {
        let mut swaps = swaps;
        for (index, call) in case.conversation.calls.iter().enumerate() {
            let direction = if swaps { call.direction.reverse() } else { call.direction };
            if index < from {
                *self.talk.end(call.direction) += call.bytes.len() as u64;
                continue;
            }
            if index >= at && self.talk.out.wants_candidates {
                assert!(!self.propose(&wrong(&case.candidate, 1)));
                if self.propose(&case.candidate) {
                    assert_eq!(std::mem::take(&mut self.talk.out.reversed), swaps);
                    // What was counted for one direction is the other's.
                    self.talk.ends = if swaps { [self.talk.ends[1], self.talk.ends[0]] } else { self.talk.ends };
                    swaps = false;
                    self.call(call.direction, &call.bytes);
                    continue;
                }
            }
            self.call(direction, &call.bytes);
        }
    }
}

/// From the newest records before the candidate came on, everything, in its place.
#[test]
fn from_the_newest_records_on_all_is_shown() {
    for (number, case) in cases().iter().enumerate() {
        for swaps in [false, true] {
            for questions in [0, 3, 5] {
                let from = case.begin + 2 * questions;
                let mut listener = Listener::midway();
                listener.join(case, from, from + 1, swaps && questions == 0);
                let [up, down] = &listener.told;
                let lens = |told: &Told| told.shown.iter().map(|(_, bytes)| bytes.len()).collect::<Vec<_>>();
                let ups: Vec<usize> = LENS.iter().skip(questions).map(|one| one.0).collect();
                assert_eq!(lens(up), ups, "{number} {questions}");
                let said: usize = LENS.iter().skip(questions).map(|one| one.1).sum();
                assert_eq!(down.bytes().len(), said, "{number} {questions}");
                assert!(up.gaps.is_empty() && down.gaps.is_empty());
                assert!(up.shown.windows(2).all(|two| two[0].0 + two[0].1.len() as u64 == two[1].0));
                assert_eq!((listener.talk.exchanges(), listener.talk.out.left), (Vec::new(), false));
            }
        }
    }
}

/// The answer's last record is held, and what of it came before is not there any more.
#[test]
fn what_is_held_says_what_is_missing_before_it() {
    let case = &cases()[0];
    let mut listener = Listener::midway();
    // Question and answer of two records are over.
    let from = case.begin + 8;
    listener.join(case, from, from + 2, false);
    let [up, down] = &listener.told;
    assert_eq!(up.shown[0].1.len(), 32);
    assert_eq!((down.shown[0].1.len(), down.gaps.len()), (20_000 - 16_384, 1));
    assert_eq!(down.gaps[0].0 + down.gaps[0].1, down.shown[0].0);
}

/// Without its own secrets nothing is shown, and after a minute it is left alone.
#[test]
fn others_secrets_show_nothing() {
    for case in cases() {
        let mut listener = Listener::midway();
        for call in &case.conversation.calls[case.begin..] {
            listener.call(call.direction, &call.bytes);
            for flip in [1, 2, 0x80] {
                assert!(!listener.propose(&wrong(&case.candidate, flip)));
            }
        }
        assert_eq!(listener.told, [Told::default(), Told::default()]);
        assert_eq!(listener.talk.budget(), Some(16 * 1024));
        listener.rest(61_000_000_000);
        assert!(listener.talk.out.left);
        assert_eq!(listener.talk.count(Reason::NoKey), 1);
        assert!(!listener.propose(&case.candidate));
    }
}

/// Keys that change after it was joined.
#[test]
fn updates_are_followed() {
    let ends = Ends::new(SUITES[0], &TLS13, false);
    let mut pair = Pair::new(&ends);
    pair.settle();
    let begin = pair.so_far.calls.len();
    pair.say(ToServer, &text(50)).say(ToClient, &text(60));
    let first = candidate(&pair.so_far);
    pair.update(ToServer).say(ToServer, &text(51)).say(ToClient, &text(61));
    pair.update(ToServer).say(ToServer, &text(52)).say(ToClient, &text(62));
    let case = Case { conversation: pair.so_far.clone(), begin, candidate: first, first: [0; 2] };
    let mut listener = Listener::midway();
    listener.join(&case, begin, begin + 1, false);
    let lens: Vec<usize> = listener.told[0].shown.iter().map(|(_, bytes)| bytes.len()).collect();
    assert_eq!(lens, [50, 51, 52]);
}

proptest! {
    /// Whatever is lost, and however calls are split, what is shown was said, at its place.
    #[test]
    fn only_what_was_said_is_shown(
        index in 0..3usize,
        questions in 0..7usize,
        step in 1..3000usize,
        lost in proptest::option::of((any::<bool>(), 0..20_000usize, 1..3000usize)),
        flipped in proptest::option::of((any::<bool>(), 0..20_000usize)),
        at in 0..6usize,
    ) {
        // Of a record whose middle is missing nothing says whether it was changed.
        let flipped = flipped.filter(|_| lost.is_none());
        let case = &cases()[index];
        let from = case.begin + 2 * questions;
        let mut listener = Listener::midway();
        let mut seen = [0usize; 2];
        let mut found = false;
        for call in &case.conversation.calls[..from] {
            *listener.talk.end(call.direction) += call.bytes.len() as u64;
        }
        for (number, call) in case.conversation.calls.iter().enumerate().skip(from) {
            let side = call.direction as usize;
            listener.talk.now += 1000;
            let mut bytes = call.bytes.clone();
            if let Some((up, place)) = flipped
                && (side == 0) == up
                && let Some(byte) = place.checked_sub(seen[side]).and_then(|place| bytes.get_mut(place))
            {
                *byte ^= 0x10;
            }
            for part in bytes.chunks(step) {
                let range = seen[side]..seen[side] + part.len();
                seen[side] = range.end;
                let is_lost = lost.is_some_and(|(up, start, len)| (side == 0) == up && range.start < start + len && range.end > start);
                if is_lost {
                    listener.talk.skip(call.direction, part.len() as u64);
                } else {
                    listener.talk.part(call.direction, part, false);
                }
                listener.take();
                if !found && number >= from + at {
                    prop_assert!(!listener.propose(&wrong(&case.candidate, 4)));
                    found = listener.propose(&case.candidate);
                    prop_assert!(!listener.talk.out.reversed);
                }
            }
        }
        for (side, told) in listener.told.iter().enumerate() {
            let mut last = 0;
            for (pos, bytes) in &told.shown {
                prop_assert!(*pos >= last, "in order");
                last = pos + bytes.len() as u64;
                let place = usize::try_from(pos - case.first[side]).unwrap();
                prop_assert!(case.conversation.plain[side].get(place..place + bytes.len()) == Some(bytes), "{} at {}", side, place);
            }
        }
        prop_assert!(listener.talk.out.exchanges.is_empty() && listener.talk.out.phases.is_empty());
    }
}
