//! Splits change nothing; losses only take away.

use super::build::*;
use super::*;
use proptest::prelude::*;

/// What a side says in one call.
#[derive(Clone)]
struct Turn(Direction, Vec<u8>);

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (mut rest, mut lens) = (&self.1[..], Vec::new());
        while let [kind, _, _, high, low, body @ ..] = rest {
            let len = usize::from(u16::from_be_bytes([*high, *low]));
            lens.push((*kind, len));
            rest = &body[len..];
        }
        write!(f, "{:?} {lens:?}", self.0)
    }
}

/// A conversation: a handshake of some kind, then rounds.
fn conversation() -> impl Strategy<Value = Vec<Turn>> {
    use Direction::{ToClient, ToServer};
    let round = (prop::collection::vec(17usize..3000, 1..3), prop::collection::vec(17usize..3000, 1..4));
    (0..7u8, prop::collection::vec(round, 0..5)).prop_map(|(kind, rounds)| {
        let last12 = [change(), encrypted()].concat();
        let mut turns = match kind {
            0 => vec![
                Turn(ToServer, client_hello()),
                Turn(ToClient, server_flight12(GCM12, 3000, true)),
                Turn(ToServer, client_flight12()),
                Turn(ToClient, last12),
            ],
            1 => vec![
                Turn(ToServer, client_hello()),
                Turn(ToClient, [server_hello12(GCM12), change(), encrypted()].concat()),
                Turn(ToServer, last12),
            ],
            2 => vec![
                Turn(ToServer, client_hello()),
                Turn(ToClient, [retry(), change()].concat()),
                Turn(ToServer, [change(), client_hello()].concat()),
                Turn(ToClient, server_flight13(SHA256)),
                Turn(ToServer, finished13(SHA256)),
            ],
            3 => vec![
                Turn(ToServer, client_hello()),
                Turn(ToClient, server_flight13(SHA384)),
                Turn(ToServer, [change(), data(1200), data(101), finished13(SHA384)].concat()),
                Turn(ToClient, [data(250), data(250)].concat()),
            ],
            4 => vec![Turn(ToServer, client_hello()), Turn(ToClient, alert(2, 40))],
            5 => vec![
                Turn(ToServer, client_hello()),
                Turn(ToClient, server_flight13(SHA256)),
                Turn(ToServer, [change(), data(19)].concat()),
            ],
            _ => vec![
                Turn(ToServer, client_hello()),
                Turn(ToClient, server_flight13(SHA256)),
                Turn(ToServer, [change(), finished13(SHA256)].concat()),
            ],
        };
        for (up, down) in rounds {
            turns.push(Turn(ToServer, up.into_iter().flat_map(data).collect()));
            turns.push(Turn(ToClient, down.into_iter().flat_map(data).collect()));
        }
        turns
    })
}

/// All that is told, in order. Each turn is a call of `step` bytes or less, one tick each; bytes of one direction, from
/// `cut`, are lost.
fn play(turns: &[Turn], step: usize, split_calls: bool, lossy: Direction, cut: std::ops::Range<usize>) -> Told {
    let mut talk = Talk::postgres();
    let mut at = [0usize; 2];
    for Turn(direction, bytes) in turns {
        let index = usize::from(*direction == Direction::ToClient);
        talk.now = talk.now.next_multiple_of(1_000_000) + 1_000_000;
        for part in bytes.chunks(step) {
            let ends = split_calls || std::ptr::eq(part.as_ptr_range().end, bytes.as_ptr_range().end);
            let from = at[index];
            at[index] += part.len();
            let whole = *direction != lossy || at[index] <= cut.start || from >= cut.end;
            if whole {
                talk.part(*direction, part, ends);
            } else {
                talk.skip(*direction, part.len() as u64);
            }
        }
    }
    talk.fin(Direction::ToClient).close(Close::Orderly);
    Told { phases: talk.phases(), exchanges: talk.exchanges() }
}

#[derive(Debug, PartialEq)]
struct Told {
    phases: Vec<Phase>,
    exchanges: Vec<Exchange>,
}

proptest! {
    #[test]
    fn splits_change_nothing(turns in conversation(), step in 1usize..400) {
        let whole = play(&turns, usize::MAX, false, Direction::ToServer, 0..0);
        prop_assert_eq!(&whole, &play(&turns, step, false, Direction::ToServer, 0..0));
        prop_assert_eq!(&whole, &play(&turns, step, true, Direction::ToServer, 0..0));
    }

    /// Lost calls. What was lost at the very end of a direction cannot be known, so something is left there.
    #[test]
    fn losses_only_take_away(turns in conversation(), step in 1usize..900, up: bool, start in 0.0..1.0, len in 1usize..4000) {
        let lossy = if up { Direction::ToServer } else { Direction::ToClient };
        let total: usize = turns.iter().filter(|turn| turn.0 == lossy).map(|turn| turn.1.len()).sum();
        let start = (start * total as f64) as usize;
        let end = (start + len).min(total.saturating_sub(step + 1));
        let end = end.max(start);
        let whole = play(&turns, step, true, lossy, 0..0);
        let some = play(&turns, step, true, lossy, start..end);
        for phase in &some.phases {
            let same = |full: &&Phase| (full.start_ns, full.end_ns, &full.kind) == (phase.start_ns, phase.end_ns, &phase.kind);
            prop_assert!(whole.phases.iter().any(|full| same(&full)), "{phase:?} is none of {:?}", whole.phases);
        }
        for exchange in &some.exchanges {
            let same = |full: &&Exchange| {
                let (full, part) = (sizes(full), sizes(exchange));
                full.0 == part.0 && part.1.is_none_or(|bytes| full.1 == Some(bytes)) && part.2.is_none_or(|bytes| full.2 == Some(bytes))
            };
            prop_assert!(whole.exchanges.iter().any(|full| same(&full)), "{exchange:?} is none of {:?}", whole.exchanges);
        }
    }

    #[test]
    fn garbage_never_panics(script in prop::collection::vec((any::<bool>(), 0..14u8, prop::collection::vec(any::<u8>(), 0..40)), 0..60)) {
        let words = [
            client_hello(), server_hello13(SHA256), server_hello12(GCM12), retry(), change(), encrypted(), alert(1, 90),
            finished13(SHA256), data(19), data(500), Vec::new(),
        ];
        let mut talk = Talk::new();
        for (up, word, junk) in script {
            let direction = if up { Direction::ToServer } else { Direction::ToClient };
            talk.now += 1000;
            match word {
                11 => talk.skip(direction, junk.len() as u64),
                12 => { talk.fin(direction); }
                13 => { let before = talk.now - 400; talk.expire(before); }
                _ => talk.part(direction, &[&words[usize::from(word)][..], &junk].concat(), junk.len() % 2 == 0),
            }
            for phase in talk.phases() {
                prop_assert!(phase.end_ns >= phase.start_ns && phase.end_ns <= talk.now + 10);
            }
            for exchange in talk.exchanges() {
                prop_assert!(exchange.end_ns >= exchange.request.first_ns);
            }
        }
        talk.close(Close::Reset);
    }
}

/// What must not change: the windows; sizes may become unknown.
fn sizes(
    exchange: &Exchange,
) -> ((crate::exchange::Window, Option<crate::exchange::Window>), Option<u64>, Option<u64>) {
    let opaque = opaque(exchange);
    ((exchange.request, exchange.response), opaque.request_bytes, opaque.response_bytes)
}
