//! Any split of the same bytes gives the same exchanges; any loss a subset of them; nothing makes it panic.

use proptest::prelude::*;

use super::*;
use crate::exchange::detail::Detail;

type Turn = (Direction, Vec<u8>);

/// A conversation in turns: batches of commands, then their replies.
fn conversation() -> impl Strategy<Value = Vec<Turn>> {
    let exchange = prop_oneof![
        Just(("GET k1", "$5\r\nhello\r\n")),
        Just(("SET k2 value", "+OK\r\n")),
        Just(("HGETALL h", "*2\r\n$1\r\nf\r\n$3\r\nabc\r\n")),
        Just(("LPUSH s 1", "-WRONGTYPE bad\r\n")),
        Just(("XRANGE x - +", "*1\r\n*2\r\n$3\r\n1-0\r\n%1\r\n+a\r\n:1\r\n")),
        Just(("SELECT 4", "+OK\r\n")),
        Just(("GET nothing", "_\r\n")),
    ];
    let batch = prop::collection::vec(exchange, 1..4);
    prop::collection::vec(batch, 1..8).prop_map(|batches| {
        let turn = |batch: Vec<(&str, &str)>| {
            let (asked, told): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
            [(ToServer, commands(&asked)), (ToClient, told.concat().into_bytes())]
        };
        batches.into_iter().flat_map(turn).collect()
    })
}

fn play(turns: &[Turn], size: usize) -> Vec<Exchange> {
    let mut talk = Talk::new(true);
    for (direction, bytes) in turns {
        let last = bytes.len().div_ceil(size) - 1;
        for (at, part) in bytes.chunks(size).enumerate() {
            talk.part(*direction, part, at == last);
        }
    }
    assert_eq!(talk.out.counts, Output::default().counts);
    talk.out.exchanges
}

fn facts(exchange: &Exchange) -> (u64, u64, Box<dyn Detail>) {
    let mut detail = exchange.detail.clone();
    if let Some(redis) = detail.downcast_mut::<RedisExchange>() {
        // What was known of the connection may be less after a loss, and of a batch only what was seen counts.
        redis.database = None;
        redis.batch_size = None;
        redis.group = Group::Single;
    }
    (exchange.request.pos, exchange.response.unwrap_or_default().pos, detail)
}

proptest! {
    #[test]
    fn any_split_gives_the_same(turns in conversation(), size in 1usize..40) {
        let whole = play(&turns, 1 << 20);
        let split = play(&turns, size);
        prop_assert_eq!(whole.len(), split.len());
        for (left, right) in whole.iter().zip(&split) {
            prop_assert_eq!((left.request.pos, left.request.bytes, &left.detail), (right.request.pos, right.request.bytes, &right.detail));
            prop_assert_eq!(left.response.map(|w| (w.pos, w.bytes)), right.response.map(|w| (w.pos, w.bytes)));
        }
    }

    #[test]
    fn any_cut_gives_a_subset(turns in conversation(), size in 1usize..60, cut in 0usize..400, len in 1usize..80) {
        let whole: Vec<_> = play(&turns, 1 << 20).iter().map(facts).collect();
        let mut talk = Talk::new(true);
        let mut at = 0;
        for (direction, bytes) in &turns {
            let last = bytes.len().div_ceil(size) - 1;
            for (index, part) in bytes.chunks(size).enumerate() {
                let from = cut.saturating_sub(at).min(part.len());
                let to = (cut + len).saturating_sub(at).min(part.len());
                at += part.len();
                if from > 0 { talk.part(*direction, &part[..from], index == last && from == part.len()); }
                if to > from { talk.gap(*direction, (to - from) as u64); }
                if to < part.len() && to >= from && to > 0 || from == 0 && to == 0 {
                    if to < part.len() { talk.part(*direction, &part[to..], index == last); }
                } else if from < part.len() && to == from {
                    talk.part(*direction, &part[from..], index == last);
                }
            }
        }
        for exchange in &talk.out.exchanges {
            prop_assert!(whole.contains(&facts(exchange)), "{:?} is not in {:?}", exchange, whole);
        }
    }

    #[test]
    fn garbage_never_panics(parts in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 1..60), 0u64..3), 0..40), start in any::<bool>()) {
        let mut talk = Talk::new(start);
        for (to_server, bytes, gap) in parts {
            let direction = if to_server { ToServer } else { ToClient };
            talk.say(direction, &bytes).gap(direction, gap);
        }
        talk.session.close(Close::Orderly, talk.now, &mut talk.out);
        prop_assert!(talk.session.heap_bytes() < 1 << 20);
    }
}
