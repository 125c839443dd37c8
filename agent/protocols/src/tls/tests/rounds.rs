//! Turns of application data.

use super::build::*;
use super::*;

fn connected() -> Talk {
    let mut talk = Talk::new();
    talk.up(client_hello()).down(server_flight13(SHA256)).up(finished13(SHA256));
    talk.phase();
    talk
}

/// Request and response bytes, records of the response, its last record.
fn sizes(exchange: &Exchange) -> (Option<u64>, Option<u64>, Option<u32>, Option<u64>) {
    let opaque = opaque(exchange);
    (opaque.request_bytes, opaque.response_bytes, opaque.response_records, opaque.last_record_bytes)
}

#[test]
fn a_turn_and_its_answer() {
    let mut talk = connected();
    // Tickets.
    talk.down([data(255), data(255)].concat());
    talk.up(data(117)).up(data(27)).down([data(1017), data(517)].concat()).down(data(23));
    assert_eq!(talk.exchanges(), [], "more may come");
    talk.up(data(47)).down(data(37));
    let first = talk.exchanges().remove(0);
    assert_eq!(sizes(&first), (Some(110), Some(1506), Some(3), Some(6)));
    assert_eq!((first.request.first_ns, first.request.last_ns, first.end_ns), (5000, 6010, 8010));
    assert_eq!((first.request.bytes, first.response.map(|window| window.bytes)), (154, Some(1572)));
    assert_eq!((opaque(&first).number, opaque(&first).perhaps_tickets), (0, false));
    talk.fin(Direction::ToClient).close(Close::Orderly);
    let second = talk.exchanges();
    assert_eq!(second.iter().map(sizes).collect::<Vec<_>>(), [(Some(30), Some(20), Some(1), Some(20))]);
    assert_eq!((opaque(&second[0]).number, second[0].end_ns), (1, 10_010));
}

#[test]
fn tickets_may_be_in_the_first_answer() {
    let mut talk = connected();
    talk.up(data(117)).down([data(255), data(255)].concat()).down(data(517)).up(data(47)).down(data(37));
    talk.close(Close::Orderly);
    let all = talk.exchanges();
    assert_eq!(all.iter().map(|one| opaque(one).perhaps_tickets).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn a_farewell_is_no_request() {
    let mut talk = connected();
    talk.up(data(117)).down(data(517)).up(data(22)).up(data(19)).fin(Direction::ToServer).close(Close::Orderly);
    assert_eq!(talk.exchanges().len(), 1);
}

#[test]
fn neither_is_that_of_the_server() {
    let mut talk = connected();
    talk.up(data(117)).down(data(517)).down(data(19)).fin(Direction::ToClient).close(Close::Orderly);
    let all = talk.exchanges();
    assert_eq!((sizes(&all[0]), all[0].end_ns), ((Some(100), Some(500), Some(1), Some(500)), 5010));

    let mut talk = connected();
    talk.up(data(117)).down(data(19)).up(data(117)).down(data(19)).fin(Direction::ToClient);
    let all = talk.exchanges();
    assert_eq!(all.iter().map(sizes).collect::<Vec<_>>(), [(Some(100), Some(2), Some(1), Some(2))]);
}

#[test]
fn in_tls12() {
    for (suite, expected) in [(GCM12, Some(76)), (0xcca8, Some(84)), (0xc013, None)] {
        let mut talk = Talk::new();
        talk.up(client_hello()).down(server_flight12(suite, 800, false));
        // The client does not wait for the server's Finished.
        talk.up([client_flight12(), data(100)].concat());
        talk.down([change(), encrypted()].concat()).down(data(100));
        talk.close(Close::Orderly);
        assert_eq!(talk.phases().len(), 1);
        let all = talk.exchanges();
        assert_eq!(all.len(), 1);
        assert_eq!((opaque(&all[0]).request_bytes, opaque(&all[0]).response_bytes), (expected, expected));
        assert_eq!(opaque(&all[0]).response_records, expected.map(|_| 1));
    }
}

#[test]
fn long_answers_without_their_middle() {
    let mut talk = connected();
    // Each record begins a call: all lengths are known.
    talk.up(data(117)).beyond(Direction::ToClient, &data(16_401), 64, 192).beyond(
        Direction::ToClient,
        &data(9017),
        64,
        192,
    );
    talk.up(data(117)).beyond(Direction::ToClient, &[data(8000), data(9000)].concat(), 64, 192);
    talk.up(data(117)).down(data(57)).up(data(117)).down(data(57)).close(Close::Orderly);
    let all = talk.exchanges();
    assert_eq!(
        all.iter().map(sizes).collect::<Vec<_>>(),
        [
            (Some(100), Some(25_384), Some(2), Some(9000)),
            (Some(100), None, None, None),
            (Some(100), Some(40), Some(1), Some(40)),
            (Some(100), Some(40), Some(1), Some(40)),
        ]
    );
    assert_eq!(all[1].response.map(|window| (window.last_ns, window.bytes)), Some((8010, 17_010)));
}

#[test]
fn lost_calls_void_their_round() {
    let whole = |lost: Option<usize>| {
        let mut talk = connected();
        for index in 0..4 {
            for (way, direction) in [Direction::ToServer, Direction::ToClient].into_iter().enumerate() {
                talk.now += 1000;
                if lost == Some(2 * index + way) {
                    *talk.end(direction) += data(100).len() as u64;
                    continue;
                }
                if lost.is_some_and(|lost| lost + 2 == 2 * index + way) {
                    *talk.end(direction) -= data(100).len() as u64;
                    talk.skip(direction, data(100).len() as u64);
                }
                talk.part(direction, &data(100), true);
            }
        }
        talk.close(Close::Orderly);
        talk.exchanges().iter().map(|one| (one.request.first_ns, one.end_ns, sizes(one))).collect::<Vec<_>>()
    };
    let all = whole(None);
    assert_eq!(all.len(), 4);
    for lost in 0..6 {
        let some = whole(Some(lost));
        assert!(some.iter().all(|one| all.contains(one)), "{lost}: {some:?}");
        assert!(!some.is_empty(), "{lost}: {some:?}");
    }
}

#[test]
fn only_the_first_rounds_are_told() {
    let mut talk = connected();
    for _ in 0..40 {
        talk.up(data(117)).down(data(217));
    }
    assert_eq!((talk.exchanges().len(), talk.out.left), (32, true));
}

#[test]
fn an_idle_connection_tells_what_it_has() {
    let mut talk = connected();
    talk.up(data(117)).down(data(217)).expire(1000);
    assert_eq!(talk.exchanges(), []);
    talk.expire(4_000_000_000_000);
    assert_eq!(talk.exchanges().len(), 1);
}

#[test]
fn what_is_asked_waits_as_long_as_it_takes() {
    let mut talk = connected();
    talk.up(data(117)).expire(u64::MAX).down(data(217)).close(Close::Orderly);
    assert_eq!(talk.exchanges().len(), 1);
}
