//! Throughput of the PostgreSQL parser on one core: executions and bytes a second, as pgbench talks.

use std::time::Instant;
use wirespan_protocols::postgres::PROTOCOL;
use wirespan_protocols::session::Output;
use wirespan_protocols::stream::{Chunk, Direction, Stamp};

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    [&[tag][..], &length.to_be_bytes(), body].concat()
}

/// Repeats one request and its response on one connection.
fn run(name: &str, first: &[(Direction, Vec<u8>)], turn: &[(Direction, Vec<u8>)], times: u64) {
    let mut session = PROTOCOL.session(false);
    let mut out = Output::default();
    let mut positions = [0u64; 2];
    let mut now = 0;
    let (mut exchanges, mut bytes) = (0u64, 0u64);
    let begin = Instant::now();
    for index in 0..=times {
        for (direction, data) in if index == 0 { first } else { turn } {
            now += 1000;
            let position = &mut positions[usize::from(*direction == Direction::ToClient)];
            let stamp = Stamp { first_ns: now, last_ns: now, ..Stamp::default() };
            session.data(*direction, &Chunk { pos: *position, bytes: data, ends_call: true, stamp }, &mut out);
            *position += data.len() as u64;
            bytes += data.len() as u64;
        }
        exchanges += out.exchanges.drain(..).count() as u64;
    }
    let seconds = begin.elapsed().as_secs_f64();
    assert_eq!(exchanges, times, "{name}: one exchange a turn");
    #[expect(clippy::cast_precision_loss, reason = "figures to be read")]
    let (rate, speed) = (exchanges as f64 / seconds / 1e6, bytes as f64 / seconds / 1e6);
    println!("{name:<28} {rate:>7.2} M executions/s {speed:>9.0} MB/s");
}

fn main() {
    use Direction::{ToClient, ToServer};
    let ready = message(b'Z', b"I");
    let select = b"SELECT abalance FROM pgbench_accounts WHERE aid = 12345;\0";
    let columns = message(b'T', &[&[0, 1][..], b"abalance\0", &[0; 18]].concat());
    let row = message(b'D', b"\0\x01\0\0\0\x0512345");
    let complete = message(b'C', b"SELECT 1\0");
    let answer = [columns, row.clone(), complete.clone(), ready.clone()].concat();
    run("simple query", &[], &[(ToServer, message(b'Q', select)), (ToClient, answer)], 2_000_000);

    let parse = message(b'P', b"s\0SELECT abalance FROM pgbench_accounts WHERE aid = $1\0\0\0");
    let prepare = [parse, message(b'S', b"")].concat();
    let prepared = [message(b'1', b""), ready.clone()].concat();
    let bind = message(b'B', b"\0s\0\0\0\0\x01\0\0\0\x0512345\0\0");
    let execute = [bind, message(b'D', b"P\0"), message(b'E', b"\0\0\0\0\0"), message(b'S', b"")].concat();
    let answer = [message(b'2', b""), message(b'n', b""), row, complete, ready.clone()].concat();
    let first = [(ToServer, prepare), (ToClient, prepared)];
    run("prepared statement", &first, &[(ToServer, execute), (ToClient, answer)], 2_000_000);

    let row = message(b'D', &[&b"\0\x01\0\0\0\x64"[..], &[b'x'; 100]].concat()).repeat(100);
    let answer =
        [message(b'T', &[&[0, 1][..], b"filler\0", &[0; 18]].concat()), row, message(b'C', b"SELECT 100\0"), ready];
    run("100 rows of 100 bytes", &[], &[(ToServer, message(b'Q', select)), (ToClient, answer.concat())], 300_000);
}
