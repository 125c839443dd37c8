use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::health::Stage;
use super::server::MAX_CONNECTIONS;
use super::*;
use crate::metrics::snapshot::Snapshot;

fn served() -> (Server, Served) {
    let served = Served::default();
    (Server::start("127.0.0.1:0".parse().unwrap(), served.clone()).unwrap(), served)
}

/// Publishes whenever somebody asks, as the main loop does.
fn answered(served: Served) -> std::thread::JoinHandle<()> {
    let (board, targets) = (Arc::downgrade(&served.board), Arc::downgrade(&served.targets));
    drop(served);
    std::thread::spawn(move || {
        while let Some(board) = board.upgrade() {
            if board.is_wanted() {
                board.publish(Snapshot::default());
            }
            if targets.upgrade().is_some_and(|targets| targets.is_wanted()) {
                targets.upgrade().unwrap().publish("{}\n".to_owned());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    })
}

/// What is answered to a request line and more header lines: the head without the date, and the body.
fn ask(server: &Server, request: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(format!("{request}\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let lines: Vec<&str> = head.lines().filter(|line| !line.is_empty() && !line.starts_with("date: ")).collect();
    (lines.join("|"), bytes[end..].to_vec())
}

#[test]
fn silent_clients_delay_nobody() {
    let (server, served) = served();
    let _answers = answered(served);
    let silent: Vec<_> = (0..3 * MAX_CONNECTIONS)
        .map(|n| {
            let mut stream = TcpStream::connect(server.address()).unwrap();
            // Some of them begin to ask.
            stream.write_all(if n % 2 == 0 { b"" } else { b"GET /metrics HTTP/1.1\r\nX-Slow" }).unwrap();
            stream
        })
        .collect();
    let begin = Instant::now();
    for _ in 0..3 {
        let (head, body) = ask(&server, "GET /metrics HTTP/1.1");
        assert!(head.starts_with("HTTP/1.1 200 OK|"), "{head}");
        assert!(String::from_utf8(body).unwrap().contains("target_info"));
    }
    assert!(begin.elapsed() < Duration::from_millis(500), "{:?}", begin.elapsed());
    // And they are let go of.
    for mut stream in silent {
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).map_err(|error| {
            assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "kept for more than a second or two");
        });
    }
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
}

/// Names and values of all headers, as scrapers have always seen them: nothing names the server.
#[test]
fn heads_are_exact() {
    let (server, served) = served();
    let _answers = answered(served);
    let plain = |status: &str, allow: &str, len: usize| {
        format!(
            "HTTP/1.1 {status}|content-type: text/plain; charset=utf-8{allow}|connection: close|content-length: {len}"
        )
    };
    for (request, expected) in [
        ("GET / HTTP/1.1", plain("200 OK", "", 52)),
        ("GET /metric HTTP/1.1", plain("404 Not Found", "", 24)),
        ("POST /metrics HTTP/1.1", plain("405 Method Not Allowed", "|allow: GET, HEAD", 18)),
        ("DELETE /nowhere HTTP/1.1", plain("405 Method Not Allowed", "|allow: GET, HEAD", 18)),
    ] {
        let (head, body) = ask(&server, request);
        let sorted = |head: &str| {
            let mut lines: Vec<String> = head.split('|').map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&head), sorted(&expected), "{request}");
        assert_eq!(expected.rsplit(' ').next().unwrap().parse(), Ok(body.len()), "{request}");
    }
    let (head, body) = ask(&server, "HEAD /metrics HTTP/1.1");
    assert!(head.contains("text/plain; version=0.0.4") && body.is_empty(), "{head}");
}

#[test]
fn formats_and_compression_are_negotiated() {
    let (server, served) = served();
    let _answers = answered(served);
    let (head, plain) = ask(&server, "GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text;version=1.0.0");
    assert!(head.contains("content-type: application/openmetrics-text") && plain.ends_with(b"# EOF\n"), "{head}");
    let more = "Accept: application/openmetrics-text;version=1.0.0\r\nAccept-Encoding: br, gzip;q=0.5";
    let (head, packed) = ask(&server, &format!("GET /metrics HTTP/1.1\r\n{more}"));
    assert!(head.contains("content-encoding: gzip"), "{head}");
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain);
}

#[test]
fn health_has_a_status_and_a_reason() {
    let (server, served) = served();
    let status = |path: &str| {
        let (head, body) = ask(&server, &format!("GET {path} HTTP/1.1"));
        (head[9..12].to_owned(), String::from_utf8(body).unwrap())
    };
    assert_eq!(status("/livez"), ("200".into(), "ok\n".into()));
    assert_eq!(status("/readyz"), ("503".into(), "wirespan is starting: it is not attached yet\n".into()));
    served.health.enter(Stage::Tracing, Instant::now());
    assert_eq!(status("/readyz"), ("200".into(), "ok\n".into()));
}

#[test]
fn a_main_loop_that_does_not_answer_is_told() {
    let (server, _served) = served();
    let begin = Instant::now();
    let (head, body) = ask(&server, "GET /metrics HTTP/1.1");
    assert!(head.starts_with("HTTP/1.1 503") && body == b"the agent does not answer\n", "{head}");
    assert!(begin.elapsed() < Duration::from_secs(8));
}

#[test]
fn processes_are_told_to_this_host() {
    let (server, served) = served();
    let _answers = answered(served);
    let (head, body) = ask(&server, "GET /debug/targets HTTP/1.1");
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("application/json") && body == b"{}\n", "{head}");
}

/// Not over another interface, even if the server listens there.
#[test]
fn processes_are_told_to_no_other_host() {
    let served = Served::default();
    let server = Server::start("0.0.0.0:0".parse().unwrap(), served.clone()).unwrap();
    let _answers = answered(served);
    // The address of an interface, if there is one: nothing is sent.
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    let Ok(own) = socket.connect("192.0.2.1:9").and_then(|()| socket.local_addr()) else { return };
    let at = |ip| {
        let mut stream = TcpStream::connect((ip, server.address().port())).unwrap();
        stream.write_all(b"GET /debug/targets HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer[9..12].to_owned()
    };
    assert_eq!(at(std::net::Ipv4Addr::LOCALHOST.into()), "200");
    if !own.ip().is_loopback() {
        assert_eq!(at(own.ip()), "403");
    }
}
