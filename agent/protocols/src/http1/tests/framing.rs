//! Where messages end (RFC 9112, section 6).

use super::*;

#[test]
fn a_plain_exchange_is_reported_with_its_last_byte() {
    let mut talk = Talk::new();
    talk.ask("POST /a?b=c HTTP/1.1\r\nhost: example.test\r\nUser-Agent: x/1\r\nContent-Length: 4\r\ntraceparent: 00-1-2-01\r\n\r\nab");
    talk.ask("cd").answer("HTTP/1.1 201 Created\r\nContent-Length: 6\r\n\r\nabc");
    assert!(talk.exchanges().is_empty());
    talk.answer("def");
    let exchange = talk.one();
    assert_eq!((exchange.request.first_ns, exchange.request.last_ns, exchange.request.pos), (1000, 2010, 1000));
    assert_eq!(exchange.request.bytes, 108);
    let response = exchange.response.unwrap();
    assert_eq!((response.first_ns, response.last_ns, response.pos, response.bytes), (3000, 4010, 5000, 49));
    assert_eq!((exchange.end_ns, exchange.ending, exchange.actor.pid), (4010, Ending::Answered, 7));
    let http = http(&exchange);
    assert_eq!((&*http.method, &*http.target, http.version_minor, http.status), ("POST", "/a?b=c", 1, Some(201)));
    assert_eq!((http.host.as_deref(), http.user_agent.as_deref()), (Some("example.test"), Some("x/1")));
    assert_eq!(http.traceparent.as_deref(), Some("00-1-2-01"));
    assert_eq!(bodies(&exchange), (Some(4), Some(6)));
    assert!(!http.target_truncated && !http.upgraded);
}

#[test]
fn responses_without_a_body() {
    let mut talk = Talk::new();
    talk.ask("HEAD /h HTTP/1.1\r\n\r\n").answer("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    talk.ask(get("/n")).answer("HTTP/1.1 204 No Content\r\n\r\n");
    talk.ask(get("/m")).answer("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n");
    talk.ask("HEAD /c HTTP/1.1\r\n\r\n").answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    let all = talk.exchanges();
    assert_eq!(all.iter().map(line).collect::<Vec<_>>(), ["HEAD /h 200", "GET /n 204", "GET /m 304", "HEAD /c 200"]);
    assert!(all.iter().all(|exchange| bodies(exchange) == (Some(0), Some(0))));
}

#[test]
fn chunked_both_ways_with_extensions_and_trailers() {
    let mut talk = Talk::new();
    talk.ask("PUT /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nabc\r\n").ask("0\r\nT: v\r\n\r\n");
    talk.answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n").answer("a\r\n0123456789\r\n");
    assert!(talk.exchanges().is_empty());
    talk.answer("0\r\nX-Sum: 1\r\n\r\n");
    let exchange = talk.one();
    assert_eq!(bodies(&exchange), (Some(3), Some(10)));
    assert_eq!(exchange.end_ns, 5010);
}

#[test]
fn a_response_that_the_end_of_the_stream_ends() {
    let mut talk = Talk::new();
    talk.ask("GET /old HTTP/1.0\r\n\r\n").answer("HTTP/1.0 200 OK\r\n\r\nabc").answer("defg");
    assert!(talk.exchanges().is_empty());
    talk.lose(Direction::ToClient, 1000).fin(Direction::ToClient);
    let exchange = talk.one();
    assert_eq!((bodies(&exchange), exchange.ending, exchange.end_ns), ((Some(0), Some(1007)), Ending::Answered, 4010));
    assert_eq!(http(&exchange).version_minor, 0);
    talk.close(Close::Orderly);
    assert!(talk.exchanges().is_empty());
}

#[test]
fn interim_responses_are_not_the_answer() {
    let mut talk = Talk::new();
    talk.ask("POST /e HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    talk.answer("HTTP/1.1 100 Continue\r\n\r\n").ask("abc");
    talk.answer("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let exchange = talk.one();
    assert_eq!((line(&exchange).as_str(), bodies(&exchange)), ("POST /e 200", (Some(3), Some(0))));
    assert_eq!(exchange.request.last_ns, 3010);
}

#[test]
fn a_client_that_was_refused_may_keep_its_body() {
    let mut talk = Talk::new();
    talk.ask("POST /e HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 300\r\n\r\n");
    talk.answer("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n").ask(get("/next")).answer(ok("x"));
    assert_eq!(talk.seen(), ["POST /e 417", "GET /next 200"]);
}

#[test]
fn an_answer_before_the_request_is_complete() {
    let mut talk = Talk::new();
    talk.ask("POST /big HTTP/1.1\r\nContent-Length: 100\r\n\r\n0123456789");
    talk.answer("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
    let exchange = talk.one();
    assert_eq!((line(&exchange).as_str(), bodies(&exchange)), ("POST /big 413", (None, Some(2))));
    // The rest of the body is not taken for requests.
    talk.ask(vec![b'G'; 90]).ask(get("/after")).answer(ok(""));
    assert_eq!(talk.seen(), ["GET /after 200"]);
    assert_eq!(talk.count(Reason::Malformed), 0);
}

#[test]
fn upgrade_and_connect_leave_http() {
    let mut talk = Talk::new();
    talk.ask("GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    talk.answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x01\x02");
    let exchange = talk.one();
    assert!(http(&exchange).upgraded && talk.out.left && http(&exchange).status == Some(101));
    talk.ask("\x03\x04").answer("\x05").close(Close::Reset);
    assert!(talk.exchanges().is_empty());

    let mut talk = Talk::new();
    talk.ask("CONNECT h:443 HTTP/1.1\r\n\r\n")
        .ask("\x16\x03\x01")
        .answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
    let exchange = talk.one();
    assert!(http(&exchange).upgraded && talk.out.left && &*http(&exchange).target == "h:443");
}

#[test]
fn a_refused_upgrade_stays_http() {
    let mut talk = Talk::new();
    talk.ask("GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n").answer(ok("no"));
    talk.ask("CONNECT h:443 HTTP/1.1\r\n\r\n").answer("HTTP/1.1 407 Auth\r\nContent-Length: 1\r\n\r\nx");
    talk.ask(get("/a")).answer(ok(""));
    assert_eq!(talk.seen(), ["GET /ws 200", "CONNECT h:443 407", "GET /a 200"]);
    assert!(!talk.out.left);
}

#[test]
fn megabytes_are_sized_without_being_seen() {
    let mut talk = Talk::new();
    let size = 5_000_000;
    talk.ask(format!("POST /up HTTP/1.1\r\nContent-Length: {size}\r\n\r\n"));
    for _ in 0..50 {
        talk.beyond(Direction::ToServer, &vec![b'\n'; size / 50], 64, 192);
    }
    talk.answer(format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n"));
    talk.lose(Direction::ToClient, size as u64 - 1);
    assert!(talk.exchanges().is_empty());
    talk.answer("x");
    let exchange = talk.one();
    assert_eq!(bodies(&exchange), (Some(5_000_000), Some(5_000_000)));
    assert_eq!(exchange.request.last_ns, 51_010);
    assert!(talk.session.heap_bytes() < 4096);
}

#[test]
fn broken_rules_that_servers_forgive() {
    let mut talk = Talk::new();
    talk.ask("\r\n\r\nGET /lf HTTP/1.1\nHost: a\nX: y\n\n").answer("HTTP/1.1 200 OK\nContent-Length: 2\n\nok");
    talk.ask("get /lower HTTP/1.1\r\n\r\n").answer("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n\r\n");
    talk.ask("POST /twice HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab").answer(ok("x"));
    talk.ask("GET http://h/abs?q HTTP/1.1\r\nUser-Agent: a\r\n  b\r\n\r\n").answer(ok(""));
    talk.ask("POST /te HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 99\r\n\r\n1\r\nx\r\n0\r\n\r\n")
        .answer(ok("y"));
    let all = talk.exchanges();
    let expected = ["GET /lf 200", "get /lower 200", "POST /twice 200", "GET http://h/abs?q 200", "POST /te 200"];
    assert_eq!(all.iter().map(line).collect::<Vec<_>>(), expected);
    assert_eq!(http(&all[3]).user_agent.as_deref(), Some("a b"));
    assert_eq!(
        all.iter().map(bodies).map(|(up, _)| up).collect::<Vec<_>>(),
        [Some(0), Some(0), Some(2), Some(0), Some(1)]
    );
    assert_eq!(talk.count(Reason::Malformed), 0);
}

#[test]
fn contradictory_lengths_end_with_the_response() {
    let mut talk = Talk::new();
    talk.ask("POST /x HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc");
    talk.answer("HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n");
    let exchange = talk.one();
    assert_eq!((line(&exchange).as_str(), bodies(&exchange)), ("POST /x 400", (None, Some(0))));
}

#[test]
fn garbage_after_a_response_is_counted_and_passed_over() {
    let mut talk = Talk::new();
    talk.ask(get("/1")).answer(ok("abc") + "more than was promised").ask(get("/2")).answer(ok("d"));
    assert_eq!(talk.seen(), ["GET /1 200", "GET /2 200"]);
    assert_eq!(talk.count(Reason::Malformed), 1);
    // The same, when the next request is already there.
    talk.ask(get("/3")).answer("garbage\r\n").answer(ok("e")).ask(get("/4")).answer(ok("f"));
    assert_eq!(talk.seen(), ["GET /3 200", "GET /4 200"]);
}

#[test]
fn a_stream_of_garbage_is_given_up() {
    let mut talk = Talk::new();
    for _ in 0..40 {
        talk.answer("\x00\x01\x02").ask("XX /\r\n").ask(get("/"));
    }
    assert!(talk.out.left);
}
