//! Redis commands a second on one core: pipelines of 16 GET and SET with their replies, through a session.
#![expect(clippy::print_stdout, reason = "the result is what it is run for")]

use std::time::Instant;

use wirespan_protocols::redis::PROTOCOL;
use wirespan_protocols::session::Output;
use wirespan_protocols::stream::{Actor, Chunk, Direction, Stamp};

const DEPTH: usize = 16;
const ROUNDS: usize = 100_000;

fn main() {
    let mut asked = Vec::new();
    let mut told = Vec::new();
    for at in 0..DEPTH {
        if at % 2 == 0 {
            asked.extend_from_slice(b"*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000042\r\n$3\r\nxxx\r\n");
            told.extend_from_slice(b"+OK\r\n");
        } else {
            asked.extend_from_slice(b"*2\r\n$3\r\nGET\r\n$16\r\nkey:000000000042\r\n");
            told.extend_from_slice(b"$3\r\nxxx\r\n");
        }
    }
    let mut session = PROTOCOL.session(true);
    let mut out = Output::default();
    let (mut total, mut pos, mut now) = (0, [0u64; 2], 0);
    let begin = Instant::now();
    for _ in 0..ROUNDS {
        for (side, direction, bytes) in [(0, Direction::ToServer, &asked), (1, Direction::ToClient, &told)] {
            now += 1000;
            let stamp = Stamp { first_ns: now, last_ns: now, actor: Actor::default(), arrived_ns: 0 };
            session.data(direction, &Chunk { pos: pos[side], bytes, ends_call: true, stamp }, &mut out);
            pos[side] += bytes.len() as u64;
        }
        total += out.exchanges.len();
        out.exchanges.clear();
    }
    let seconds = begin.elapsed().as_secs_f64();
    assert_eq!(total, DEPTH * ROUNDS);
    println!("redis: {:.2} million commands/s", total as f64 / seconds / 1e6);
}
