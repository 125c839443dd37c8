//! Throughput of the HTTP/1 parser on keep-alive traffic, on one core. The goal: at least 1 GB/s.

use std::hint::black_box;
use std::time::Instant;
use wirespan_protocols::http1::PROTOCOL;
use wirespan_protocols::session::Output;
use wirespan_protocols::stream::{Actor, Chunk, Direction, Stamp};

/// What wrk and nginx say to each other.
const WRK: &str = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";
/// What a browser says through a proxy.
const BROWSER: &str = "GET /api/v1/orders/4711?expand=lines HTTP/1.1\r\nHost: shop.example.test\r\nUser-Agent: Mozilla/5.0 \
    (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,\
    */*;q=0.8\r\nAccept-Language: en-GB,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nConnection: keep-alive\r\n\
    Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=all\r\nUpgrade-Insecure-Requests: 1\r\n\
    X-Forwarded-For: 203.0.113.7\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n";
const RESPONSE: &str = "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sat, 01 Aug 2026 12:00:00 GMT\r\nContent-Type: text/html\r\n\
    Content-Length: 615\r\nLast-Modified: Sat, 01 Aug 2026 11:00:00 GMT\r\nConnection: keep-alive\r\nETag: \"66ab0000-267\"\r\n\
    Accept-Ranges: bytes\r\n\r\n";

fn main() {
    for (name, request, body) in
        [("wrk and nginx, 615 B", WRK, 615), ("browser, 615 B", BROWSER, 615), ("wrk, no body", WRK, 0)]
    {
        let response = [RESPONSE.replace("615", &body.to_string()).as_bytes(), &vec![b'x'; body]].concat();
        let best = (0..5).map(|_| run(request.as_bytes(), &response)).fold(f64::MAX, f64::min);
        let bytes = (request.len() + response.len()) as f64;
        println!("http1: {name}: {:.2} GB/s, {:.0} ns an exchange", bytes / best, best);
    }
}

/// Nanoseconds an exchange.
fn run(request: &[u8], response: &[u8]) -> f64 {
    const ROUNDS: u64 = 400_000;
    let mut session = PROTOCOL.session(true);
    let mut out = Output::default();
    let (mut up, mut down, mut now, mut exchanges) = (0, 0, 0, 0);
    let start = Instant::now();
    for _ in 0..ROUNDS {
        now += 1000;
        let stamp = Stamp { first_ns: now, last_ns: now, actor: Actor::default(), arrived_ns: 0 };
        session.data(
            Direction::ToServer,
            &Chunk { pos: up, bytes: black_box(request), ends_call: true, stamp },
            &mut out,
        );
        session.data(
            Direction::ToClient,
            &Chunk { pos: down, bytes: black_box(response), ends_call: true, stamp },
            &mut out,
        );
        up += request.len() as u64;
        down += response.len() as u64;
        out.requests.clear();
        exchanges += out.exchanges.drain(..).count() as u64;
    }
    assert_eq!(exchanges, ROUNDS, "every exchange is seen");
    start.elapsed().as_nanos() as f64 / ROUNDS as f64
}
