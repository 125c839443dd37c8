//! Bodies that look like requests are none, wherever the capture begins and whatever it misses.

use super::case;
use super::made::{Talk, get, ok};

/// The bytes of a body that has one request in each write.
fn secret(n: u32) -> String {
    get(&format!("/secret/{n}"))
}

/// Spans of a connection that was joined in an upload, and that went on after it.
fn joined(write: impl Fn(u32) -> String, writes: u32, answer: &str, port: u16) -> super::Told {
    let mut talk = Talk::joined(port);
    for n in 0..writes {
        talk.ask(write(n));
    }
    talk.answer(answer).rest(2000);
    talk.replay()
}

#[test]
fn an_upload_that_was_joined_midway() {
    let kinds: [fn(u32) -> String; 3] = [
        secret,
        |n| format!("GET /secret/{n} HTTP/1.1\r\nX: {}", "x".repeat(900)),
        |n| if n % 5 == 0 { secret(n) } else { format!("{n:0>64}") },
    ];
    for write in kinds {
        for port in [40000, 70] {
            // The lower port is taken for the server's, until more is known.
            let told = joined(write, 262, &ok("stored"), port);
            assert!(told.spans.is_empty() && !told.output.contains("secret"), "{:#?}", told.spans);
        }
    }
}

#[test]
fn what_follows_the_upload_is_told() {
    let mut talk = Talk::joined(40000);
    for n in 0..262 {
        talk.ask(secret(n));
    }
    talk.answer(ok("stored")).rest(2000);
    talk.ask(get("/after")).answer(ok("")).ask(get("/last")).answer(ok("")).end();
    assert_eq!(talk.replay().spans.count(2).texts("url.path"), ["/after", "/last"]);
}

#[test]
fn a_value_of_redis() {
    for answer in ["+OK\r\n", ":1\r\n", "-ERR full\r\n"] {
        let told = joined(secret, 264, answer, 40000);
        assert!(told.spans.is_empty() && !told.output.contains("secret"), "{:#?}", told.spans);
    }
}

#[test]
fn commands_of_redis_in_an_upload() {
    let told = joined(|n| format!("*2\r\n$3\r\nGET\r\n$8\r\nsecret{n:0>2}\r\n"), 90, &ok("stored"), 40000);
    assert!(told.spans.is_empty() && !told.output.contains("secret"), "{:#?}", told.spans);
}

#[test]
fn a_download_that_was_joined_midway() {
    let mut talk = Talk::joined(40000);
    for n in 0..50 {
        talk.answer(secret(n)).answer(ok("secret"));
    }
    talk.ask(get("/next")).answer(ok("")).ask(get("/last")).answer(ok("")).end();
    let told = talk.replay();
    assert_eq!(told.spans.count(2).texts("url.path"), ["/next", "/last"]);
    assert!(!told.output.contains("secret"));
}

/// The first packet, with the request's head, was missed.
#[test]
fn a_first_packet_that_was_missed() {
    for writes in [1, 2, 50] {
        let mut talk = Talk::new(40000);
        talk.miss(300);
        for n in 0..writes {
            talk.ask(secret(n));
        }
        talk.answer(ok("stored")).ask(get("/after")).answer(ok("")).ask(get("/last")).answer(ok("")).end();
        let told = talk.replay();
        assert_eq!(told.spans.count(2).texts("url.path"), ["/after", "/last"], "{writes}");
        assert!(!told.output.contains("secret"));
    }
}

#[test]
fn a_connection_that_was_joined_between_requests() {
    let mut talk = Talk::joined(40000);
    talk.ask(get("/1")).rest(90).answer(ok("one")).ask(get("/2")).answer(ok("")).end();
    let spans = talk.replay().spans.count(2);
    assert_eq!(spans.texts("url.path"), ["/1", "/2"]);
    assert_eq!(spans.iter().map(|span| span.duration().as_millis()).collect::<Vec<_>>(), [100, 10]);
    // One that came in the middle of a response, and one with a single exchange.
    let mut talk = Talk::joined(40000);
    talk.answer("the end of a body").ask(get("/1")).answer(ok("one")).end();
    assert_eq!(talk.replay().spans.count(1).texts("url.path"), ["/1"]);
    let mut talk = Talk::joined(40000);
    talk.ask(get("/1")).answer(ok("one")).end();
    assert_eq!(talk.replay().spans.count(1).texts("url.path"), ["/1"]);
}

#[test]
fn the_bytes_of_a_body_are_no_method() {
    let told = case("http-unsent-body-glued--glued");
    let spans = told.spans.count(2);
    assert_eq!(spans.texts("url.path"), ["/file", "/next"]);
    assert_eq!(spans.texts("http.response.status_code"), ["401", "200"]);
    assert!(!told.output.contains("s3cr3t-token"));
}

#[test]
fn a_connection_that_began_oddly() {
    let told = case("http-two-spaces--two-spaces");
    let paths = ["/first", "/then0", "/then1", "/then2", "/then3", "/then4", "/good", "/middle"];
    assert_eq!(told.spans.count(8).texts("url.path"), paths);

    // HTTP/0.9; what is no request at all; another protocol.
    for odd in ["GET /\r\n", "\x01\x02\x03 what is this?\r\n\r\n", "EHLO a\r\n"] {
        for answer in ["<html>", "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"] {
            let mut talk = Talk::new(40000);
            talk.ask(odd).answer(answer);
            talk.ask(get("/1")).answer(ok("")).ask(get("/2")).answer(ok("")).end();
            let told = talk.replay();
            assert_eq!(told.spans.count(2).texts("url.path"), ["/1", "/2"], "{odd} {answer}");
        }
    }
    // Within limits.
    let mut talk = Talk::new(40000);
    for _ in 0..20 {
        talk.ask("what is this?\r\n").answer("nobody knows\r\n");
    }
    talk.ask(get("/late")).answer(ok("")).end();
    assert!(talk.replay().spans.is_empty());
}
