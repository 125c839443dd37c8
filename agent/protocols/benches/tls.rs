//! Cost of following TLS on one core: a handshake, and what is inside. The goal: at least 1 GB/s of application data, and
//! 10,000 handshakes a second below 2 % of a core.

use std::hint::black_box;
use std::time::Instant;
use wirespan_protocols::session::Output;
use wirespan_protocols::stream::{Actor, Chunk, Direction, Stamp};
use wirespan_protocols::tls::PROTOCOL;

fn record(kind: u8, len: usize) -> Vec<u8> {
    let [high, low] = u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes();
    [&[kind, 3, 3, high, low][..], &vec![0x5a; len]].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes();
    let record_length = u16::try_from(body.len() + 4).unwrap_or(u16::MAX).to_be_bytes();
    [&[22, 3, 3, record_length[0], record_length[1], kind, 0, high, low][..], body].concat()
}

/// The calls of a full handshake of TLS 1.3 with a post-quantum key share.
fn handshake() -> [(Direction, Vec<u8>); 3] {
    let vector = |len: usize| {
        let [high, low] = u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes();
        [high, low]
    };
    let mut key_share = vec![0, 51];
    key_share.extend(vector(1220));
    key_share.extend([7; 1220]);
    let hello = [&[3, 3][..], &[9; 32], &[0, 0, 2, 0x13, 1, 1, 0], &vector(key_share.len()), &key_share].concat();
    let answer = [&[3, 3][..], &[9; 32], &[0, 0x13, 1, 0, 0, 6, 0, 43, 0, 2, 3, 4]].concat();
    let flight =
        [message(2, &answer), record(20, 1), record(23, 40), record(23, 2500), record(23, 280), record(23, 53)];
    [
        (Direction::ToServer, message(1, &hello)),
        (Direction::ToClient, flight.concat()),
        (Direction::ToServer, [record(20, 1), record(23, 53)].concat()),
    ]
}

/// Nanoseconds a connection with `rounds` rounds whose answers are a record of `len` bytes; and bytes of them.
fn run(rounds: usize, len: usize) -> (f64, f64) {
    const CONNECTIONS: u64 = 20_000;
    let (handshake, request, response) = (handshake(), record(23, 200), record(23, len));
    let mut out = Output::default();
    let (mut phases, mut exchanges, mut bytes) = (0, 0, 0);
    let start = Instant::now();
    for now in 0..CONNECTIONS {
        let stamp = Stamp { first_ns: now, last_ns: now, actor: Actor::default(), arrived_ns: 0 };
        let mut session = PROTOCOL.session(true);
        let mut ends = [0; 2];
        let mut call = |direction: Direction, call: &[u8], out: &mut Output| {
            let pos = &mut ends[usize::from(direction == Direction::ToClient)];
            session.data(direction, &Chunk { pos: *pos, bytes: black_box(call), ends_call: true, stamp }, out);
            *pos += call.len() as u64;
            bytes += call.len();
        };
        for (direction, bytes) in &handshake {
            call(*direction, bytes, &mut out);
        }
        for _ in 0..rounds {
            call(Direction::ToServer, &request, &mut out);
            call(Direction::ToClient, &response, &mut out);
        }
        phases += out.phases.drain(..).count() as u64;
        exchanges += out.exchanges.drain(..).count();
    }
    assert_eq!((phases, exchanges), (CONNECTIONS, CONNECTIONS as usize * rounds.saturating_sub(1)), "all are told");
    let took = start.elapsed().as_nanos() as f64;
    (took / CONNECTIONS as f64, bytes as f64 / took)
}

fn main() {
    for (name, rounds, len) in
        [("a handshake", 0, 0), ("20 rounds of 1 KiB", 20, 1024), ("20 rounds of 16 KiB", 20, 16_384)]
    {
        let (ns, rate) =
            (0..5).map(|_| run(rounds, len)).fold((f64::MAX, 0.0), |best, one| if one.0 < best.0 { one } else { best });
        println!("tls: {name}: {ns:.0} ns a connection, {rate:.2} GB/s");
    }
}
