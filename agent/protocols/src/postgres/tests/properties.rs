//! Any split of the same bytes gives the same exchanges; any loss a subset of them; nothing makes it panic.

use super::build::*;
use super::*;
use proptest::prelude::*;
use proptest::test_runner::Config;

/// A client's messages, and the server's answers to them.
#[derive(Clone, Debug)]
struct Turn {
    ask: Vec<u8>,
    answer: Vec<u8>,
    /// More than one ReadyForQuery is on its way.
    deep: bool,
}

fn turn() -> impl Strategy<Value = Turn> {
    let text = (0usize..7, 0u32..1000).prop_map(|(kind, number)| match kind {
        0 => format!("SELECT {number}"),
        1 => format!("SELECT * FROM t{number} WHERE a = 'x'"),
        2 => format!("SELECT 'Z;' FROM s.t{number} /* c */"),
        _ => format!("SELECT a FROM table_{number} WHERE b = $1"),
    });
    let one = |ask: Vec<u8>, answer: Vec<u8>| Turn { ask, answer, deep: false };
    (text, 0usize..10, 0usize..12, 1usize..400).prop_map(move |(text, kind, count, size)| {
        let rows = [row(size).repeat(count), complete(&format!("SELECT {count}"))].concat();
        let all = [columns(), rows.clone()].concat();
        match kind {
            0 | 1 => one(query(&text), [all, ready(b'I')].concat()),
            2 => one(
                query(&format!("BEGIN;{text}; COMMIT")),
                [complete("BEGIN"), all, complete("COMMIT"), ready(b'I')].concat(),
            ),
            3 => one(query(&text), [columns(), row(size), error("22012"), ready(b'E')].concat()),
            4 | 5 => one([once(&text), sync()].concat(), [parsed(), bound(), all, ready(b'I')].concat()),
            6 => one(
                [close(b'S', "s"), parse("s", &text), describe(b'S', "s"), sync()].concat(),
                [message(b'3', b""), parsed(), message(b't', &[0, 0]), no_data(), ready(b'I')].concat(),
            ),
            7 => one([bind("", "s"), execute("", 0), sync()].concat(), [bound(), rows, ready(b'I')].concat()),
            8 => one(
                [once("SELECT 1"), once(&text), once("SELECT 3"), sync()].concat(),
                [answered(1), parsed(), error("42P01"), ready(b'I')].concat(),
            ),
            _ => Turn {
                ask: [once("SELECT 1"), sync(), once(&text), sync()].concat(),
                answer: [answered(1), ready(b'I'), parsed(), bound(), all, ready(b'I')].concat(),
                deep: true,
            },
        }
    })
}

fn conversation() -> impl Strategy<Value = Vec<Turn>> {
    prop::collection::vec(turn(), 1..8)
}

/// Request position, request bytes, and what is said of it: all that does not depend on the calls.
type Found = Vec<(u64, u64, String)>;

fn found(wire: &mut Wire) -> Found {
    wire.take().iter().map(|exchange| (exchange.request.pos, exchange.request.bytes, line(exchange))).collect()
}

fn whole(turns: &[Turn]) -> Found {
    let mut wire = Wire::ready();
    for turn in turns {
        wire.client(&turn.ask).server(&turn.answer);
    }
    found(&mut wire)
}

/// Sends `bytes` in calls that end at `cuts`.
fn send(wire: &mut Wire, direction: Direction, bytes: &[u8], cuts: &[usize]) {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    let mut from = 0;
    for end in ends {
        if end > from {
            wire.call(direction, &bytes[from..end], true);
        }
        from = end;
    }
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::with_cases(256) })]

    #[test]
    fn any_split_gives_the_same(turns in conversation(), cuts in prop::collection::vec(any::<usize>(), 0..12)) {
        let mut wire = Wire::ready();
        for turn in &turns {
            send(&mut wire, Direction::ToServer, &turn.ask, &cuts);
            send(&mut wire, Direction::ToClient, &turn.answer, &cuts);
        }
        prop_assert_eq!(found(&mut wire), whole(&turns));
        prop_assert_eq!(wire.out.counts, [0; Reason::ALL.len()]);
    }

    #[test]
    fn byte_by_byte_gives_the_same(turns in conversation()) {
        let mut wire = Wire::ready();
        for turn in &turns {
            for (direction, bytes) in [(Direction::ToServer, &turn.ask), (Direction::ToClient, &turn.answer)] {
                bytes.chunks(1).for_each(|byte| { wire.call(direction, byte, true); });
            }
        }
        prop_assert_eq!(found(&mut wire), whole(&turns));
    }

    /// Bytes of one call or several are lost, in either direction, in the middle of calls or not. Texts may be cut or
    /// unknown then, and are never another's.
    #[test]
    fn any_loss_gives_a_subset(
        turns in conversation(),
        cuts in prop::collection::vec(any::<usize>(), 0..4),
        losses in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>(), 1usize..600), 1..4),
    ) {
        let mut wire = Wire::ready();
        let all = whole(&turns);
        let mut position = [0usize; 2];
        for turn in &turns {
            // A client that pipelines for the first time in bytes that are lost cannot be told from one that does not.
            wire.now += if turns.iter().any(|turn| turn.deep) { 50_000_000 } else { 0 };
            for (side, direction, bytes) in [(0, Direction::ToServer, &turn.ask), (1, Direction::ToClient, &turn.answer)] {
                let total: usize = turns.iter().map(|turn| if side == 0 { turn.ask.len() } else { turn.answer.len() }).sum();
                let lost = |at: usize| losses.iter().any(|(client, index, len)| {
                    let from = index.index(total.max(1));
                    usize::from(!*client) == side && (from..from + len).contains(&at)
                });
                let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).chain([bytes.len()]).collect();
                ends.sort_unstable();
                let mut from = 0;
                for end in ends {
                    // Runs of captured and lost bytes within one call.
                    while from < end {
                        let gone = lost(position[side] + from);
                        let run = (from..end).take_while(|at| lost(position[side] + at) == gone).count();
                        if gone {
                            wire.gap(direction, run as u64);
                        } else {
                            wire.call(direction, &bytes[from..from + run], from + run == end);
                        }
                        from += run;
                    }
                }
                position[side] += bytes.len();
            }
        }
        for (pos, bytes, line) in found(&mut wire) {
            let (text, rest) = line.split_once('|').unwrap();
            let same = |(from, len, expected): &&(u64, u64, String)| {
                let (expected_text, expected_rest) = expected.split_once('|').unwrap();
                let overlap = *from < pos + bytes && pos < from + len;
                let outcome = |rest: &str| rest.split(' ').next().unwrap().to_owned();
                let excused = line.contains("truncated") || line.contains("prepared");
                let fits = text == expected_text || excused && (text == "-" || expected_text.starts_with(text));
                overlap && fits && outcome(rest) == outcome(expected_rest)
            };
            prop_assert!(all.iter().any(|one| same(&one)), "{pos} {bytes} {line} in {all:?}");
        }
    }

    #[test]
    fn an_early_end_gives_a_subset(turns in conversation(), keep in any::<prop::sample::Index>(), side: bool) {
        let all = whole(&turns);
        let mut wire = Wire::ready();
        let cut = keep.index(turns.len());
        for turn in &turns[..cut] {
            wire.client(&turn.ask).server(&turn.answer);
        }
        let last = &turns[cut];
        let from = wire.pos[0];
        if side {
            let to = keep.index(last.answer.len());
            wire.client(&last.ask);
            if to > 0 { wire.server(&last.answer[..to]); }
        } else {
            let to = keep.index(last.ask.len());
            if to > 0 { wire.client(&last.ask[..to]); }
        }
        wire.close(Close::Orderly);
        for (pos, bytes, line) in found(&mut wire) {
            if line.ends_with("Closed") {
                prop_assert!(pos >= from && pos + bytes <= from + last.ask.len() as u64, "{}", line);
            } else {
                prop_assert!(all.contains(&(pos, bytes, line.clone())), "{}", line);
            }
        }
    }

    #[test]
    fn garbage_never_panics(
        start: bool,
        parts in prop::collection::vec((any::<bool>(), 0u8..8, prop::collection::vec(any::<u8>(), 0..60)), 0..40),
    ) {
        let mut wire = Wire::new(start);
        for (client, kind, bytes) in parts {
            let direction = if client { Direction::ToServer } else { Direction::ToClient };
            let bytes = match kind {
                0 => { wire.gap(direction, bytes.len() as u64 + 1); continue }
                1 => startup(&[("user", "x")]),
                2 => message(b"QPBDECSHFXdcf"[bytes.len() % 13], &bytes),
                3 => message(b"123RKZSNEATDCIGHWVsntdc"[bytes.len() % 23], &bytes),
                4 => [once("SELECT 1"), sync()].concat(),
                5 => [answered(1), ready(b'I')].concat(),
                _ => bytes,
            };
            if !bytes.is_empty() {
                wire.call(direction, &bytes, kind != 7);
            }
            prop_assert!(wire.session.heap_bytes() < 4 << 20);
        }
        wire.session.expire(wire.now + 1, &mut wire.out);
        wire.close(Close::Reset);
    }

    #[test]
    fn probes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..100), tag in 0usize..30, from_start: bool) {
        for direction in [None, Some(Direction::ToServer), Some(Direction::ToClient)] {
            let tag = b"QPBDECSHFXdcf123RKZNATIGWVsnt"[tag.min(28)];
            let context = crate::protocol::Context { direction, from_start };
            (PROTOCOL.probe)(&bytes, context);
            (PROTOCOL.probe)(&message(tag, &bytes), context);
            (PROTOCOL.probe)(&message(tag, &bytes)[..bytes.len().min(9)], context);
        }
    }
}
