//! Which response is whose, and when.

use super::*;
use crate::exchange::detail::Signal;
use crate::http::foreign::{Foreign, Header};

#[test]
fn pipelined_requests_have_their_own_responses_and_times() {
    for writes in [1, 3] {
        let mut talk = Talk::new();
        let requests = [get("/1"), "HEAD /2 HTTP/1.1\r\n\r\n".to_owned(), get("/3")];
        if writes == 1 {
            talk.ask(requests.concat());
        } else {
            requests.iter().for_each(|request| {
                talk.ask(request);
            });
        }
        talk.now = 10_000;
        talk.answer(ok("one")).answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
        assert_eq!(talk.out.exchanges.len(), 2);
        talk.answer(ok("three"));
        let all = talk.exchanges();
        assert_eq!(all.iter().map(line).collect::<Vec<_>>(), ["GET /1 200", "HEAD /2 200", "GET /3 200"]);
        let starts: Vec<_> = all.iter().map(|exchange| exchange.request.first_ns).collect();
        assert_eq!(starts, if writes == 1 { [1000; 3] } else { [1000, 2000, 3000] });
        assert_eq!(all.iter().map(|exchange| exchange.end_ns).collect::<Vec<_>>(), [11_010, 12_010, 13_010]);
        assert_eq!(all.iter().map(|e| http(e).response_body.unwrap()).collect::<Vec<_>>(), [3, 0, 5]);
        assert_eq!(all[1].request.pos, 1000 + requests[0].len() as u64);
        // Only the first byte of a call is known to have arrived then.
        let arrived: Vec<_> = all.iter().map(|exchange| exchange.request.arrived_ns).collect();
        assert_eq!(arrived, if writes == 1 { [700, 0, 0] } else { [700, 1700, 2700] });
    }
}

#[test]
fn headers_of_other_tracing_systems_and_of_exports_are_kept() {
    for size in [1, 7, 1000] {
        let mut talk = Talk::new();
        let request = "POST /v1/traces HTTP/1.1\r\nCookie: b3=1\r\nB3: 1-2\r\n 3\r\nsw8 :x\r\nb3: 4\r\nx-request-ID: \r\n\
                       Content-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";
        request.as_bytes().chunks(size).for_each(|bytes| _ = talk.ask(bytes));
        talk.answer(ok(""));
        let exchange = talk.one();
        let mut expected = Foreign::default();
        for (name, value) in [("b3", "1-2"), ("sw8", "x"), ("x-request-id", "")] {
            expected.keep(Header::named(name.as_bytes()).unwrap(), value.as_bytes());
        }
        assert_eq!(http(&exchange).foreign.as_deref(), Some(&expected), "in pieces of {size}");
        assert_eq!(exchange.detail.exports(), Some(Signal::Traces));
    }
    let mut talk = Talk::new();
    let exchange = talk.ask(get("/v1/traces")).answer(ok("")).one();
    assert_eq!((&http(&exchange).foreign, exchange.detail.exports()), (&None, None));
}

#[test]
fn the_beginning_of_a_request_is_told_with_its_head() {
    let mut talk = Talk::new();
    talk.ask("POST / HTTP/1.1\r\ntraceparent: 00-a-b-01\r\nContent-Length: 3\r\n");
    assert!(talk.begun.is_empty());
    talk.ask("tracestate: x=y\r\n\r\n");
    let start = talk.begun[&1000].clone();
    assert_eq!((start.at_ns, start.actor.tid), (1000, 8));
    assert_eq!(start.traceparent.as_deref(), Some("00-a-b-01"));
    talk.ask([b"abc", get("/next").as_bytes()].concat());
    assert_eq!(talk.begun.keys().copied().collect::<Vec<_>>(), [1000, talk.ends[0] - get("/next").len() as u64]);
    // Answered before the end of its head.
    let pos = talk.ends[0];
    talk.answer(ok("")).answer(ok("")).ask("GET /partial HTTP/1.1\r\nX: ");
    assert!(!talk.begun.contains_key(&pos));
    talk.answer("HTTP/1.1 431 Too Large\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(talk.seen().pop().unwrap(), "GET /partial 431");
    assert!(talk.begun.contains_key(&pos));
}

#[test]
fn a_request_line_split_over_writes() {
    let mut talk = Talk::new();
    talk.ask("BR").ask("EW /po").ask("t HTTP/1.").ask("1\r\nHo").ask("st: h\r\n\r").ask("\n").answer(ok("tea"));
    let exchange = talk.one();
    assert_eq!(line(&exchange), "BREW /pot 200");
    assert_eq!((exchange.request.first_ns, exchange.request.last_ns, exchange.request.bytes), (1000, 6010, 31));
    assert_eq!(http(&exchange).host.as_deref(), Some("h"));
}

#[test]
fn a_response_whose_event_comes_before_its_request() {
    let mut talk = Talk::new();
    talk.now = 5000;
    talk.answer("HTTP/1.1 200 OK\r\nContent-").answer("Length: 2\r\n\r\nok");
    talk.now = 3000;
    talk.ask("GET /late HT").ask("TP/1.1\r\n\r\n");
    assert_eq!(talk.seen(), ["GET /late 200"]);
    assert_eq!(talk.count(Reason::UnmatchedResponse), 0);
    talk.now = 8000;
    talk.ask(get("/next")).answer(ok(""));
    assert_eq!(talk.seen(), ["GET /next 200"]);
}

#[test]
fn a_response_that_nobody_asked_for() {
    let mut talk = Talk::new();
    talk.ask(get("/1")).answer(ok("")).answer("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
    talk.ask(get("/2")).answer(ok(""));
    assert_eq!(talk.seen(), ["GET /1 200", "GET /2 200"]);
    assert_eq!(talk.count(Reason::UnmatchedResponse), 1);
    talk.answer("HTTP/1.1 408 Request Timeout\r\n\r\n").close(Close::Orderly);
    assert_eq!((talk.seen().len(), talk.count(Reason::UnmatchedResponse)), (0, 2));
}

#[test]
fn connections_that_end_in_an_exchange() {
    let mut talk = Talk::new();
    talk.ask(get("/1") + &get("/2")).answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").close(Close::Reset);
    let all = talk.exchanges();
    assert_eq!(all.iter().map(line).collect::<Vec<_>>(), ["GET /1 200 Reset", "GET /2 - Reset"]);
    assert_eq!((all[0].end_ns, all[0].response.unwrap().bytes, bodies(&all[0])), (3000, 41, (Some(0), None)));

    let mut talk = Talk::new();
    talk.ask("POST /half HTTP/1.1\r\nContent-Len").close(Close::Orderly);
    assert_eq!(talk.seen(), ["POST /half - Closed"]);
    let mut talk = Talk::new();
    talk.ask("GET /lo").answer("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n").close(Close::Orderly);
    assert_eq!(talk.seen(), ["GET /lo 408"]);
}

#[test]
fn hanging_requests_wait_as_long_as_it_takes() {
    let mut talk = Talk::new();
    talk.ask(get("/hangs"));
    talk.now = 60_000;
    talk.expire(30_000);
    talk.ask(get("/2")).expire(30_000);
    assert!(talk.exchanges().is_empty());
    talk.answer(ok("late")).answer(ok("2"));
    let exchanges = talk.exchanges();
    assert_eq!(exchanges.iter().map(line).collect::<Vec<_>>(), ["GET /hangs 200", "GET /2 200"]);
    assert!(exchanges[0].end_ns > 60_000 && exchanges[0].request.first_ns < 60_000);
    assert_eq!(talk.count(Reason::Unanswered), 0);
}

#[test]
fn what_is_under_way_when_nothing_more_is_told_is_counted() {
    let mut talk = Talk::new();
    talk.ask(get("/1")).answer(ok("1")).ask(get("/hangs")).ask(get("/pipelined")).ask("GET /ha");
    talk.answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    talk.session.abandon(Reason::UnderWay, &mut talk.out);
    assert_eq!((talk.seen(), talk.count(Reason::UnderWay)), (vec!["GET /1 200".to_owned()], 3));
    talk.close(Close::Reset);
    assert_eq!(talk.seen(), Vec::<String>::new());
}

#[test]
fn attached_in_the_middle() {
    let mut talk = Talk::open(false);
    talk.answer("rest of a body").answer(ok("old")).ask(get("/1")).answer(ok(""));
    assert_eq!((talk.seen(), talk.count(Reason::UnmatchedResponse)), (vec!["GET /1 200".to_owned()], 1));
    let mut talk = Talk::open(false);
    talk.ask("rest of an upload").answer(ok("old")).ask("GET /sp").ask("lit HTTP/1.1\r\n\r\n").answer(ok(""));
    assert_eq!(talk.seen(), ["GET /split 200"]);
    let mut talk = Talk::open(false);
    talk.ask(get("/1") + &get("/2")).answer(ok("") + &ok(""));
    assert_eq!(talk.seen(), ["GET /1 200", "GET /2 200"]);
}

#[test]
fn too_many_waiting_requests_do_not_confuse_those_before() {
    let mut talk = Talk::new();
    let many: String = (0..5000).map(|n| get(&format!("/{n}"))).collect();
    talk.ask(many);
    assert!(talk.count(Reason::TooManyPending) > 800);
    assert!(talk.session.heap_bytes() < 3 << 20);
    for n in 0..5000 {
        talk.answer(ok(""));
        let seen = talk.seen();
        assert!(seen == [format!("GET /{n} 200")] || (n >= 4096 - 1000 && seen.is_empty()), "{n}: {seen:?}");
    }
}
