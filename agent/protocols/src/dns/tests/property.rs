//! Any split of the same bytes gives the same exchanges, any loss a subset of them, and nothing makes it panic.

use super::build::*;
use super::*;
use proptest::prelude::*;
use proptest::test_runner::Config;

/// A look-up: its query and its answer, and whether the next query is sent before the answer comes.
#[derive(Clone, Debug)]
struct Lookup {
    ask: Vec<u8>,
    answer: Vec<u8>,
    ahead: bool,
}

fn lookups() -> impl Strategy<Value = Vec<Lookup>> {
    let one = ("[a-zA-Z]{1,9}(\\.[a-z0-9_-]{1,20}){0,3}", 0usize..6, 0u8..20, any::<bool>());
    prop::collection::vec(one, 1..10).prop_map(|list| {
        let lookup = |(id, (text, kind, count, ahead)): (usize, (String, usize, u8, bool))| {
            let id = u16::try_from(id).unwrap() + 300;
            let (kind, answers): (u16, Vec<_>) = match kind {
                0 | 1 => (A, (0..count).map(a).collect()),
                2 | 3 => (AAAA, (0..count).map(aaaa).collect()),
                4 => (A, vec![record(SAME, CNAME, &name("z.test")), record(&name("z.test"), A, &[1, 2, 3, count])]),
                _ => (33, vec![record(SAME, 33, &[&[0, 1, 0, 1, 0, 53][..], &name(&text)].concat())]),
            };
            let code = u16::from(count % 4);
            Lookup { ask: query(id, &text, kind), answer: reply(id, &text, kind, code, &answers), ahead }
        };
        list.into_iter().enumerate().map(lookup).collect()
    })
}

/// The messages in the order in which they pass.
fn order(lookups: &[Lookup]) -> Vec<(Direction, &[u8])> {
    let (mut all, mut waiting) = (Vec::new(), Vec::new());
    for lookup in lookups {
        all.push((Direction::ToServer, &*lookup.ask));
        waiting.push((Direction::ToClient, &*lookup.answer));
        if !lookup.ahead {
            // The last one is answered first.
            all.extend(waiting.drain(..).rev());
        }
    }
    all.extend(waiting);
    all
}

/// Request position, request bytes, response bytes, and what is said of it: all that does not depend on the calls.
fn found(talk: &mut Talk) -> Vec<(u64, u64, u64, String)> {
    let parts = |exchange: &Exchange| {
        let response = exchange.response.map_or(0, |response| response.bytes);
        (exchange.request.pos, exchange.request.bytes, response, line(exchange))
    };
    talk.take().iter().map(parts).collect()
}

fn whole(lookups: &[Lookup], tcp: bool) -> Vec<(u64, u64, u64, String)> {
    let mut talk = if tcp { Talk::tcp(true) } else { Talk::udp() };
    for (direction, message) in order(lookups) {
        talk.call(direction, &if tcp { framed(message) } else { message.to_vec() });
    }
    assert!(talk.counted().is_empty());
    found(&mut talk)
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::with_cases(256) })]

    #[test]
    fn any_split_gives_the_same(lookups in lookups(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
        let mut talk = Talk::tcp(true);
        for (direction, message) in order(&lookups) {
            let bytes = framed(message);
            let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).chain([bytes.len()]).collect();
            ends.sort_unstable();
            let mut from = 0;
            for end in ends {
                if end > from {
                    talk.call(direction, &bytes[from..end]);
                }
                from = end;
            }
        }
        prop_assert_eq!(talk.counted(), vec![]);
        let all = whole(&lookups, true);
        prop_assert_eq!(all.len(), lookups.len());
        prop_assert_eq!(found(&mut talk), all);
    }

    /// Runs of bytes are lost, of calls or within them.
    #[test]
    fn any_loss_gives_a_subset(
        lookups in lookups(),
        tcp: bool,
        losses in prop::collection::vec((any::<bool>(), 0usize..1500, 1usize..300), 1..4),
    ) {
        let all = whole(&lookups, tcp);
        let mut talk = if tcp { Talk::tcp(true) } else { Talk::udp() };
        let mut at = [0usize; 2];
        for (direction, message) in order(&lookups) {
            let bytes = if tcp { framed(message) } else { message.to_vec() };
            let side = usize::from(direction == Direction::ToClient);
            let gone = |offset: usize| losses.iter().any(|(client, from, len)| {
                usize::from(*client) == side && (*from..from + len).contains(&(at[side] + offset))
            });
            // A datagram is captured from its beginning, or not at all.
            let stamp = talk.stamp();
            let head = (0..bytes.len()).take_while(|offset| !gone(*offset)).count();
            if head > 0 {
                talk.piece(direction, &bytes[..head], head == bytes.len(), stamp);
            }
            let mut from = head;
            while from < bytes.len() {
                let lost = gone(from);
                let run = (from..bytes.len()).take_while(|offset| !tcp || gone(*offset) == lost).count();
                if lost || !tcp {
                    talk.gap(direction, run, stamp);
                } else {
                    talk.piece(direction, &bytes[from..from + run], from + run == bytes.len(), stamp);
                }
                from += run;
            }
            at[side] += bytes.len();
        }
        talk.close(Close::Orderly);
        let mut seen = Vec::new();
        for (pos, bytes, response, line) in found(&mut talk) {
            // The end of an answer may be missing.
            let same = |one: &&(u64, u64, u64, String)| (one.0, one.1, one.2) == (pos, bytes, response) && one.3.starts_with(&line);
            let lost = all.iter().find(same);
            prop_assert!(lost.is_some(), "{} in {:?}", line, all);
            prop_assert!(!seen.contains(&pos));
            seen.push(pos);
        }
    }

    #[test]
    fn garbage_never_panics(
        tcp: bool,
        start: bool,
        parts in prop::collection::vec((any::<bool>(), 0u8..8, prop::collection::vec(any::<u8>(), 1..80)), 0..60),
    ) {
        let mut talk = if tcp { Talk::tcp(start) } else { Talk::udp() };
        for (client, kind, bytes) in parts {
            let direction = if client { Direction::ToServer } else { Direction::ToClient };
            let stamp = talk.stamp();
            let id = u16::from(bytes[0]);
            let bytes = match kind {
                0 => { talk.gap(direction, bytes.len(), stamp); continue }
                1 => { talk.piece(direction, &bytes, false, stamp); continue }
                2 => [header(id, 0x0100, [1, 0, 0, 1]), bytes].concat(),
                3 => [header(id, 0x8180, [1, 3, 1, 1]), bytes].concat(),
                4 => query(id, "x.test", A),
                5 => reply(id, "x.test", A, 0, &[a(1)]),
                _ => bytes,
            };
            talk.call(direction, &if tcp { framed(&bytes) } else { bytes });
            prop_assert!(talk.session.heap_bytes() < 256 << 10);
            for exchange in talk.take() {
                prop_assert!(exchange.end_ns >= exchange.request.first_ns && exchange.end_ns <= talk.now + 10);
            }
        }
        talk.session.expire(talk.now, &mut talk.out);
        talk.close(Close::Reset);
    }

    #[test]
    fn probes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..100), from_start: bool) {
        for direction in [None, Some(Direction::ToServer), Some(Direction::ToClient)] {
            let context = crate::protocol::Context { direction, from_start };
            (PROTOCOL.probe)(&bytes, context);
            (PROTOCOL.probe)(&framed(&bytes), context);
            (crate::dns::DATAGRAMS.probe)(&bytes, context);
        }
    }
}
