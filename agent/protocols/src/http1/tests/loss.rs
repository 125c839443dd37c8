//! Truth before coverage: what is said, and what is not, when bytes were not seen.

use super::*;

const UP: Direction = Direction::ToServer;
const DOWN: Direction = Direction::ToClient;

fn big_header(len: usize) -> String {
    format!("X-Big: {}\r\n", "a".repeat(len))
}

#[test]
fn a_header_block_longer_than_the_budget() {
    for last in [false, true] {
        let mut talk = Talk::new();
        for n in 0..3 {
            let (before, after) = if last { ("Accept: */*\r\n", "") } else { ("", "Cookie: x\r\nAccept: */*\r\n") };
            let request = format!("GET /big/{n} HTTP/1.1\r\nHost: h\r\n{before}{}{after}\r\n", big_header(30_000));
            talk.beyond(UP, request.as_bytes(), 8192, 192).answer(ok("abc"));
            let exchange = talk.one();
            assert_eq!((line(&exchange), bodies(&exchange)), (format!("GET /big/{n} 200"), (Some(0), Some(3))));
            assert_eq!(exchange.request.bytes, request.len() as u64);
            assert_eq!((exchange.request.last_ns, http(&exchange).host.as_deref()), (talk.now - 1000 + 10, Some("h")));
        }
    }
}

#[test]
fn a_long_header_block_with_a_body() {
    // The length is seen: before the loss, or after it.
    for early in [true, false] {
        let mut talk = Talk::new();
        let (before, after) = if early { ("Content-Length: 5\r\n", "") } else { ("", "Content-Length: 5\r\n") };
        let head = format!("POST /p HTTP/1.1\r\n{before}{}{after}\r\n", big_header(30_000));
        talk.beyond(UP, head.as_bytes(), 8192, 192).ask("hello").answer(ok(""));
        assert_eq!(bodies(&talk.one()), (Some(5), Some(0)));
    }
    // It was lost: the request ends where the response begins, and the size is not told.
    let mut talk = Talk::new();
    let head = format!("POST /p HTTP/1.1\r\nA: {0}\r\nContent-Length: 5\r\nB: {0}\r\n\r\n", "a".repeat(9000));
    talk.beyond(UP, head.as_bytes(), 8192, 192).ask("hello").answer(ok(""));
    let exchange = talk.one();
    assert_eq!((bodies(&exchange), exchange.request.bytes), ((None, Some(0)), head.len() as u64 + 5));
    talk.ask(get("/next")).answer(ok(""));
    assert_eq!(talk.seen(), ["GET /next 200"]);
}

#[test]
fn a_request_line_longer_than_the_budget() {
    let mut talk = Talk::new();
    let request = format!("GET /{} HTTP/1.0\r\nHost: h\r\n\r\n", "p".repeat(40_000));
    talk.beyond(UP, request.as_bytes(), 8192, 192).answer(ok("x"));
    let exchange = talk.one();
    assert!(http(&exchange).target_truncated && http(&exchange).target.starts_with("/pppp"));
    assert_eq!((http(&exchange).version_minor, http(&exchange).host.as_deref()), (0, Some("h")));
    assert_eq!((http(&exchange).status, bodies(&exchange)), (Some(200), (Some(0), Some(1))));
}

#[test]
fn a_response_head_longer_than_the_budget() {
    let mut talk = Talk::new();
    let response = format!("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n{}\r\nhello", big_header(20_000));
    talk.ask(get("/1")).beyond(DOWN, response.as_bytes(), 8192, 192);
    // The header's end is in sight, but only the end of one line before it: not certain.
    talk.ask(get("/2")).answer(ok(""));
    let all = talk.exchanges();
    assert_eq!(all.iter().map(line).collect::<Vec<_>>(), ["GET /1 200", "GET /2 200"]);
    assert_eq!((bodies(&all[0]), all[0].end_ns), ((Some(0), Some(5)), 2010));

    let response = format!("HTTP/1.1 200 OK\r\n{}Date: x\r\nContent-Length: 5\r\n\r\nhello", big_header(20_000));
    talk.ask(get("/3")).beyond(DOWN, response.as_bytes(), 8192, 192);
    let exchange = talk.one();
    assert_eq!((line(&exchange).as_str(), bodies(&exchange)), ("GET /3 200", (Some(0), Some(5))));
}

#[test]
fn chunks_beyond_the_budget() {
    // Each call is a chunk: its head tells the length.
    let mut talk = Talk::new();
    talk.ask(get("/1")).answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    let chunk = format!("8000\r\n{}\r\n", "x".repeat(0x8000));
    for _ in 0..20 {
        talk.beyond(DOWN, chunk.as_bytes(), 64, 192);
    }
    talk.answer("0\r\n\r\n");
    assert_eq!(bodies(&talk.one()), (Some(0), Some(20 * 0x8000)));

    // Calls and chunks are not aligned: the end is found again, the size is not.
    let mut talk = Talk::new();
    talk.ask(get("/2")).answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    let body = chunk.repeat(20) + "0\r\n\r\n";
    for call in body.as_bytes().chunks(10_000) {
        assert!(talk.exchanges().is_empty());
        talk.beyond(DOWN, call, 64, 192);
    }
    let exchange = talk.one();
    assert_eq!((line(&exchange).as_str(), bodies(&exchange)), ("GET /2 200", (Some(0), None)));
    assert_eq!((exchange.end_ns, exchange.response.unwrap().bytes), (talk.now + 10, 47 + body.len() as u64));
    talk.ask(get("/3")).answer(ok(""));
    assert_eq!(talk.seen(), ["GET /3 200"]);
}

#[test]
fn a_lost_end_is_told_by_the_next_request() {
    let mut talk = Talk::new();
    talk.ask(get("/1")).answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    talk.lose(DOWN, 700).ask(get("/2")).answer(ok(""));
    let all = talk.exchanges();
    assert_eq!(all.iter().map(line).collect::<Vec<_>>(), ["GET /1 200", "GET /2 200"]);
    assert_eq!((all[0].end_ns, bodies(&all[0])), (3010, (Some(0), None)));
}

#[test]
fn a_lost_response_is_not_guessed() {
    let mut talk = Talk::new();
    talk.ask(get("/1")).lose(DOWN, 50).ask(get("/2")).answer(ok(""));
    assert_eq!((talk.seen(), talk.count(Reason::LostResponse)), (vec!["GET /2 200".to_owned()], 1));
    // Its status line was lost, its body is in sight.
    talk.ask(get("/3")).lose(DOWN, 10).answer("\r\nContent-Length: 3\r\n\r\nabc").ask(get("/4")).answer(ok(""));
    assert_eq!((talk.seen(), talk.count(Reason::LostResponse)), (vec!["GET /4 200".to_owned()], 2));
}

#[test]
fn a_lost_request_does_not_lend_its_response() {
    let mut talk = Talk::new();
    talk.lose(UP, 60).answer(ok("")).ask(get("/2")).answer(ok(""));
    assert_eq!(talk.seen(), ["GET /2 200"]);
    // Nothing was seen of it: the kernel counts it, and here only its answer is.
    assert_eq!((talk.count(Reason::LostRequest), talk.count(Reason::UnmatchedResponse)), (0, 1));
}

#[test]
fn pipelines_with_a_loss_report_only_what_is_certain() {
    // The first of three is lost: none of the responses has a certain owner.
    let mut talk = Talk::new();
    talk.lose(UP, 60).ask(get("/2") + &get("/3")).answer(ok("") + &ok("") + &ok("")).ask(get("/4")).answer(ok(""));
    assert!(talk.seen().is_empty());
    // The second is lost: the first one's is certain.
    let mut talk = Talk::new();
    talk.ask(get("/1")).lose(UP, 60).ask(get("/3")).answer(ok("") + &ok("") + &ok(""));
    assert_eq!(talk.seen(), ["GET /1 200"]);
    // Idle for long enough: certain again.
    talk.now = 1_000_000;
    talk.expire(900_000).ask(get("/4")).answer(ok(""));
    assert_eq!(talk.seen(), ["GET /4 200"]);
}

#[test]
fn a_gap_may_swallow_the_end_of_a_head_and_the_next_request() {
    let mut talk = Talk::new();
    let all = get("/1") + &get("/2") + &get("/3");
    talk.ask(&all[..20]).lose(UP, get("/1").len() as u64 - 5).ask(&all[15 + get("/1").len()..]);
    talk.answer(ok("") + &ok("") + &ok("")).ask(get("/4")).answer(ok(""));
    let seen = talk.seen();
    assert!(seen.is_empty() || seen == ["GET /1 200"] || seen == ["GET /1 200", "GET /4 200"], "{seen:?}");
}

#[test]
fn lost_events_cost_their_own_exchanges_only() {
    // A loss is noticed at the next event of its direction, as with a full ring buffer.
    let len = |text: &str| text.len() as u64;
    let (request, response) = (get("/x"), ok("abc"));
    for (requests, responses) in [(1, 0), (0, 1), (1, 1), (2, 1), (1, 2), (5, 5)] {
        let mut talk = Talk::new();
        for round in 0..5 {
            talk.ask(get("/a")).answer(ok(""));
            assert_eq!(talk.seen(), ["GET /a 200"], "round {round} of {requests}, {responses}");
            // What is seen of the lost exchanges comes at its own time; what is not, is missed later.
            if responses < requests {
                talk.answer(&response);
            }
            if requests < responses {
                talk.ask(&request);
            }
            talk.lose(UP, requests * len(&request)).ask(get("/b"));
            talk.lose(DOWN, responses * len(&response)).answer(ok(""));
            talk.ask(get("/c")).answer(ok(""));
            let seen = talk.seen();
            assert!(
                seen.last().is_some_and(|last| last == "GET /c 200"),
                "round {round} of {requests}, {responses}: {seen:?}"
            );
            assert!(seen.iter().all(|line| line != "GET /x 200"));
        }
    }
}

#[test]
fn a_capture_that_cuts_every_segment_short() {
    let request = format!("GET / HTTP/1.1\r\n{}\r\n", big_header(500));
    let response = ok(&"y".repeat(500));
    for keep in [36, 22, 17, 12] {
        let mut talk = Talk::new();
        for n in 0..3 {
            let request = request.replacen('/', &format!("/{n}"), 1);
            talk.beyond(UP, request.as_bytes(), keep.max(20), 0).beyond(DOWN, response.as_bytes(), keep, 0);
        }
        talk.close(Close::Orderly);
        let all = talk.exchanges();
        assert_eq!(all.iter().map(line).collect::<Vec<_>>(), ["GET /0 200", "GET /1 200", "GET /2 200"], "{keep}");
        assert!(all.windows(2).all(|pair| pair[0].end_ns < pair[1].request.first_ns));
    }
}

#[test]
fn a_request_without_an_end_whose_response_is_lost() {
    let mut talk = Talk::new();
    let request = format!("POST /p HTTP/1.1\r\n{}\r\nbody", big_header(9000));
    talk.beyond(UP, request.as_bytes(), 100, 20).lose(DOWN, 500).ask(get("/2")).answer(ok(""));
    assert_eq!((talk.seen(), talk.count(Reason::LostResponse)), (vec!["GET /2 200".to_owned()], 1));
}
