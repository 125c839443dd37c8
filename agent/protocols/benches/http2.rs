//! HTTP/2 requests a second on one core, through a session: 16 streams a turn, each request with a new path and a new
//! `traceparent`, responses with a body.
#![expect(clippy::print_stdout, reason = "the result is what it is run for")]

use std::time::Instant;

use wirespan_protocols::http2::PROTOCOL;
use wirespan_protocols::session::Output;
use wirespan_protocols::stream::{Actor, Chunk, Direction, Stamp};

const DEPTH: u32 = 16;
const ROUNDS: u32 = 100_000;

fn frame(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let length = (payload.len() as u32).to_be_bytes();
    out.extend_from_slice(&length[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// A literal that goes into the table (`0x40`) or not (`0x10`), with a name.
fn literal(out: &mut Vec<u8>, first: u8, name: &str, value: &str) {
    out.extend_from_slice(&[first, name.len() as u8]);
    out.extend_from_slice(name.as_bytes());
    out.push(value.len() as u8);
    out.extend_from_slice(value.as_bytes());
}

fn main() {
    let mut session = PROTOCOL.session(true);
    let mut out = Output::default();
    let (mut total, mut pos, mut now, mut stream) = (0, [0u64; 2], 0, 1);
    let mut pass = |direction: Direction, bytes: &[u8], out: &mut Output| {
        now += 1000;
        let stamp = Stamp { first_ns: now, last_ns: now, actor: Actor::default(), arrived_ns: 0, rejected: 0 };
        let side = direction as usize;
        session.data(direction, &Chunk { pos: pos[side], bytes, ends_call: true, stamp }, out);
        pos[side] += bytes.len() as u64;
    };
    let mut opening = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    frame(&mut opening, 4, 0, 0, &[]);
    let mut block = vec![0x82, 0x86, 0x84];
    literal(&mut block, 0x40, "user-agent", "grpc-go/1.70.0 (linux; amd64)");
    literal(&mut block, 0x40, ":authority", "shop.default.svc.cluster.local:8080");
    literal(&mut block, 0x40, "accept", "application/json");
    literal(&mut block, 0x40, "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    frame(&mut opening, 1, 5, stream, &block);
    pass(Direction::ToServer, &opening, &mut out);
    let mut answer = Vec::new();
    let mut block = vec![0x88];
    literal(&mut block, 0x40, "content-type", "application/json");
    literal(&mut block, 0x40, "server", "envoy");
    literal(&mut block, 0x40, "date", "Mon, 30 Nov 2026 12:00:00 GMT");
    frame(&mut answer, 1, 5, stream, &block);
    pass(Direction::ToClient, &answer, &mut out);
    out.exchanges.clear();

    // What passes is made before the clock runs: a few rounds, whose streams are numbered anew each time.
    let path = [0x60, 0xd5, 0x48, 0x5f, 0x2b, 0xce, 0x9a, 0x68];
    let mut asked = Vec::new();
    let mut told = Vec::new();
    for at in 0..DEPTH {
        // GET, http, `/index.html` by the Huffman code as a literal, three fields of the table, a `traceparent` by its name.
        let mut block = vec![0x82, 0x86, 0x04, 0x80 | path.len() as u8];
        block.extend_from_slice(&path);
        block.extend_from_slice(&[0xc1, 0xc0, 0xbf, 0x1f, 0x2f, 55]);
        block.extend_from_slice(format!("00-0af7651916cd43dd8448eb211c8031{at:02x}-b7ad6b7169203331-01").as_bytes());
        frame(&mut asked, 1, 5, 0, &block);
        frame(&mut told, 1, 4, 0, &[0x88, 0xc0, 0xbf, 0xbe]);
        frame(&mut told, 0, 1, 0, &[b'x'; 100]);
    }
    let begin = Instant::now();
    for _ in 0..ROUNDS {
        for (direction, bytes) in [(Direction::ToServer, &mut asked), (Direction::ToClient, &mut told)] {
            let (mut at, mut id) = (0, stream);
            while at < bytes.len() {
                let len = usize::from(bytes[at + 1]) << 8 | usize::from(bytes[at + 2]);
                id += if bytes[at + 3] == 1 { 2 } else { 0 };
                bytes[at + 5..at + 9].copy_from_slice(&id.to_be_bytes());
                at += 9 + len;
            }
            pass(direction, bytes, &mut out);
        }
        stream += 2 * DEPTH;
        total += out.exchanges.len();
        out.requests.clear();
        for exchange in out.exchanges.drain(..) {
            out.spare = Some(exchange.detail);
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    assert_eq!(total, (DEPTH * ROUNDS) as usize);
    println!("http2: {:.2} million requests/s", total as f64 / seconds / 1e6);
}
