//! The page and its answers, over the network: to whom, with which heads, and with the text of strangers.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::events::MAX_READERS;
use super::guard::POLICY;
use super::*;
use crate::metrics::snapshot::Snapshot;
use crate::shown::is_unsafe;
use crate::trace::clock::Clock;
use crate::trace::observation::Observer as _;
use crate::trace::span::{Kind, Value};
use crate::view::Store;
use crate::view::ask::{Host, Source, channel_of_questions};
use crate::view::testing;
use wirespan_protocols::describe::options::Options;

const TOKEN: &str = "a-token-of-24-characters";
const HOSTILE: &str = "/<img src=x onerror=alert(1)>\u{202e}\u{1b}[2J";

struct Nobody;

impl Host for Nobody {}

/// A server of the page, with a trace whose path is hostile, and somebody who answers in place of the main thread.
struct Looking {
    server: Server,
    _answering: Arc<()>,
}

fn looking(token: &str) -> Looking {
    looking_beside(token, true)
}

/// `only_page`: nothing is scraped there.
fn looking_beside(token: &str, only_page: bool) -> Looking {
    let (asker, questions) = channel_of_questions();
    let page = Page { asker, token: token.into(), memory: 1 << 20 };
    let served = Served { page: Some(page), only_page, ..Served::default() };
    let board = Arc::clone(&served.board);
    let answering = Arc::new(());
    let is_wanted = Arc::downgrade(&answering);
    std::thread::spawn(move || {
        let mut store = Store::new(1 << 20, Options::default());
        let mut span = testing::span("web", Kind::Server, "GET /{path}", 1, None, (0, 10));
        span.attributes.push((wirespan_semconv::URL_PATH, Value::text(HOSTILE)));
        store.emitted(&span);
        store.finish();
        while is_wanted.strong_count() > 0 {
            questions.answer(|question| {
                question(&mut Source { store: &store, clock: Clock::default(), host: &mut Nobody });
            });
            if board.is_wanted() {
                board.publish(Snapshot::default());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    });
    Looking { server: Server::start("127.0.0.1:0".parse().unwrap(), served).unwrap(), _answering: answering }
}

impl Looking {
    /// Status, head and body of the answer to a request with these header lines.
    fn ask(&self, path: &str, lines: &[&str]) -> (u16, String, String) {
        let mut stream = TcpStream::connect(self.server.address()).unwrap();
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        stream.write_all(format!("GET {path} HTTP/1.1\r\n{lines}\r\n").as_bytes()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), head.to_ascii_lowercase(), body.to_owned())
    }

    fn status(&self, path: &str, lines: &[&str]) -> u16 {
        self.ask(path, lines).0
    }
}

const OWN: &str = "Host: 127.0.0.1:9470";

#[test]
fn every_answer_says_what_a_browser_may_do() {
    let looking = looking("");
    for (path, lines, status) in [
        ("/", vec![OWN], 200),
        ("/page/main.js", vec![OWN], 200),
        ("/api/operations", vec![OWN], 200),
        ("/api/nothing", vec![OWN], 404),
        ("/api/agent", vec!["Host: evil.example"], 403),
    ] {
        let (told, head, _) = looking.ask(path, &lines);
        assert_eq!(told, status, "{path}");
        for line in [
            &format!("content-security-policy: {POLICY}"),
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "cache-control: no-",
        ] {
            assert!(head.contains(line), "{path}: {line} in {head}");
        }
        assert!(!head.contains("access-control-allow"), "{head}");
    }
    assert_eq!(looking.status("/metrics", &[OWN]), 404, "only where it is asked for");
    assert_eq!(looking.status("/livez", &["Host: a-probe.example"]), 200);
}

#[test]
fn only_an_address_or_localhost_names_it() {
    let looking = looking("");
    for own in ["127.0.0.1:9470", "127.0.0.1", "[::1]:9470", "[::1]", "localhost:1", "LOCALHOST", "10.0.0.7:9470"] {
        assert_eq!(looking.status("/api/agent", &[&format!("Host: {own}")]), 200, "{own}");
    }
    for other in
        ["evil.example:9470", "localhost.evil.example", "127.0.0.1.evil.example", "", "127.0.0.1@evil", "::1", "x:y"]
    {
        assert_eq!(looking.status("/", &[&format!("Host: {other}")]), 403, "{other}");
    }
    assert_eq!(looking.status("/", &[OWN, "Host: localhost"]), 403, "two names");
}

#[test]
fn no_other_page_may_ask() {
    let looking = looking("");
    for (lines, status) in [
        (vec!["Origin: http://127.0.0.1:9470"], 200),
        (vec!["Origin: https://127.0.0.1:9470", "Sec-Fetch-Site: same-origin"], 200),
        (vec!["Sec-Fetch-Site: none"], 200),
        (vec!["Origin: http://evil.example"], 403),
        (vec!["Origin: null"], 403),
        (vec!["Origin: http://127.0.0.1:8000"], 403),
        (vec!["Sec-Fetch-Site: cross-site"], 403),
        (vec!["Sec-Fetch-Site: same-site"], 403),
        (vec!["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"], 403),
    ] {
        assert_eq!(looking.status("/api/agent", &[&[OWN], &lines[..]].concat()), status, "{lines:?}");
    }
    let followed = ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"];
    assert_eq!(looking.status("/", &[&[OWN], &followed[..]].concat()), 200, "a link to it may be followed");
    let framed = ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"];
    assert_eq!(looking.status("/", &[&[OWN], &framed[..]].concat()), 403);
}

#[test]
fn a_token_is_asked_for_and_traded_for_a_cookie() {
    let looking = looking(TOKEN);
    for path in ["/", "/page/main.js", "/api/agent", "/api/events", "/?token=another-of-24-characters", "/?token="] {
        let (status, head, body) = looking.ask(path, &[OWN]);
        assert_eq!(status, 401, "{path}");
        assert!(head.contains("www-authenticate: bearer") && !head.contains("set-cookie"), "{head}");
        assert!(!body.contains(TOKEN), "{body}");
    }
    assert_eq!(looking.status("/api/agent", &[OWN, &format!("Authorization: Bearer {TOKEN}")]), 200);
    assert_eq!(looking.status("/api/agent", &[OWN, &format!("Authorization: Bearer {TOKEN}x")]), 401);
    assert_eq!(looking.status(&format!("/api/agent?token={TOKEN}"), &[OWN]), 401, "only where it is traded");
    let (status, head, _) = looking.ask(&format!("/?token={TOKEN}"), &[OWN]);
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    assert!(status == 303 && head.contains("location: /\r\n"), "{head}");
    assert!(cookie.ends_with("; path=/; httponly; samesite=strict") && !cookie.contains(TOKEN), "{cookie}");
    let value = cookie.split(';').next().unwrap();
    assert_eq!(looking.status("/api/agent", &[OWN, &format!("Cookie: a=b; {value}")]), 200);
    assert_eq!(looking.status("/api/agent", &[OWN, &format!("Cookie: {value}0")]), 401);
    assert_eq!(looking.status("/api/agent", &["Host: evil.example", &format!("Cookie: {value}")]), 403);
    assert_eq!(looking.status("/livez", &[OWN]), 200, "whoever restarts programs has no token");
}

/// Prometheus asks by name, and has no token.
#[test]
fn what_is_scraped_may_stand_on_the_same_address() {
    let looking = looking_beside(TOKEN, false);
    assert_eq!(looking.status("/metrics", &["Host: wirespan.example"]), 200);
    assert_eq!(looking.status("/", &["Host: wirespan.example"]), 403);
    assert_eq!(looking.status("/", &[OWN]), 401);
}

#[test]
fn nothing_can_be_changed() {
    let looking = looking("");
    let mut stream = TcpStream::connect(looking.server.address()).unwrap();
    stream.write_all(format!("POST /api/agent HTTP/1.1\r\n{OWN}\r\nContent-Length: 0\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
}

#[test]
fn hostile_text_is_text() {
    let looking = looking("");
    let (status, head, body) = looking.ask("/api/traces?q=service%3Dweb", &[OWN]);
    assert!(status == 200 && head.contains("content-type: application/json"), "{head}");
    assert!(!body.contains(is_unsafe), "{body}");
    let told: serde_json::Value = serde_json::from_str(&body).unwrap();
    let id = told["traces"][0]["trace_id"].as_str().unwrap();
    let (_, _, body) = looking.ask(&format!("/api/traces/{id}"), &[OWN]);
    assert!(!body.contains(is_unsafe), "{body}");
    let told: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(told["spans"][0]["attributes"]["url.path"], HOSTILE, "as it was seen");
    for (path, status) in [
        ("/api/traces/x", 400),
        ("/api/traces/%3Cimg%3E", 400),
        ("/api/traces/00000000000000000000000000000001", 404),
        ("/api/traces?q=%FF%00duration%3E&limit=-1&order=x&side=server", 200),
        ("/api/connections?ended=true&q=((((", 200),
        ("/page/../main.js", 404),
        ("/page/", 404),
    ] {
        assert_eq!(looking.status(path, &[OWN]), status, "{path}");
    }
}

#[test]
fn files_are_packed_and_not_sent_twice() {
    let looking = looking("");
    let (_, head, _) = looking.ask("/page/style.css", &[OWN, "Accept-Encoding: gzip"]);
    assert!(head.contains("content-encoding: gzip") && head.contains("content-type: text/css"), "{head}");
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
    let (status, _, body) = looking.ask("/page/style.css", &[OWN, &format!("If-None-Match: {tag}")]);
    assert_eq!((status, &*body), (304, ""));
    let (_, head, body) = looking.ask("/", &[OWN]);
    assert!(head.contains("content-type: text/html") && body.starts_with("<!doctype html>"), "{head}");
}

/// A head, and then an event a second.
fn hear(looking: &Looking) -> TcpStream {
    let mut stream = TcpStream::connect(looking.server.address()).unwrap();
    stream.write_all(format!("GET /api/events HTTP/1.1\r\n{OWN}\r\n\r\n").as_bytes()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream
}

fn heard(stream: &mut TcpStream, until: &str) -> String {
    let (mut text, begin) = (String::new(), Instant::now());
    let mut buffer = [0; 4096];
    while !text.contains(until) && begin.elapsed() < Duration::from_secs(5) {
        let length = stream.read(&mut buffer).unwrap_or_default();
        text.push_str(&String::from_utf8_lossy(&buffer[..length]));
        if length == 0 {
            break;
        }
    }
    text
}

#[test]
fn a_few_hear_of_news() {
    let looking = looking("");
    let mut readers: Vec<_> = (0..MAX_READERS).map(|_| hear(&looking)).collect();
    for reader in &mut readers {
        let text = heard(reader, "\n\n");
        assert!(text.starts_with("HTTP/1.1 200") && text.contains("text/event-stream"), "{text}");
        assert!(heard(reader, "\n\n").contains("data: {"), "another one a second later");
    }
    assert!(heard(&mut hear(&looking), "looking").starts_with("HTTP/1.1 503"));
    // Others are answered meanwhile, and whoever goes makes room.
    assert_eq!(looking.status("/api/agent", &[OWN]), 200);
    drop(readers);
    std::thread::sleep(Duration::from_millis(2200));
    assert!(heard(&mut hear(&looking), "\n\n").starts_with("HTTP/1.1 200"));
}
