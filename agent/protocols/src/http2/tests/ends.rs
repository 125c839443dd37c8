//! How streams end otherwise.

use super::build::{self, DOWN, UP};
use super::*;

#[test]
fn reset_by_either_side() {
    let (mut client, mut server, mut calls) = peers();
    calls.push((UP, Ok([client.get(1, "/a"), client.get(3, "/b"), client.post(5, "/c", b"x")].concat())));
    calls.push((UP, Ok(build::reset(1, 8))));
    calls.push((DOWN, Ok(build::reset(3, 7))));
    calls.push((DOWN, Ok([server.respond(5, 413, b""), build::reset(5, 0)].concat())));
    let run = Run::play(true, &calls);
    assert_eq!(
        run.told(),
        "1 GET /a - 0/? Reset reset=8 30-40\n3 GET /b - 0/? Reset reset=7 30-50\n5 POST /c 413 1/0 30-60\n"
    );
    assert_eq!(run.out.exchanges[0].error_type(crate::describe::value::Kind::Client).as_deref(), Some("cancel"));
}

#[test]
fn an_answer_before_the_end_of_the_request() {
    let (mut client, mut server, mut calls) = peers();
    let post = client.post(1, "/c", b"x");
    let (head, body) = post.split_at(post.len() - 10);
    calls.push((UP, Ok(head.to_vec())));
    calls.push((DOWN, Ok(server.respond(1, 413, b"no"))));
    let mut run = Run::play(true, &calls);
    assert_eq!(run.told(), "");
    run.call(&(UP, Ok(body.to_vec())));
    assert_eq!(run.told(), "1 POST /c 413 1/2 30-40\n");
    // The server wants no more of it.
    let (mut client, mut server, mut calls) = peers();
    calls.push((UP, Ok(client.post(1, "/c", b"x")[..30].to_vec())));
    calls.push((DOWN, Ok([server.respond(1, 413, b"no"), build::reset(1, 0)].concat())));
    let _ = Run::play(true, &calls);
}

#[test]
fn going_away() {
    let (mut client, mut server, mut calls) = peers();
    calls.push((UP, Ok([client.get(1, "/a"), client.get(3, "/b")].concat())));
    calls.push((DOWN, Ok(build::go_away(1))));
    calls.push((UP, Ok(client.get(5, "/c"))));
    calls.push((DOWN, Ok(server.respond(1, 200, b"x"))));
    let run = Run::play(true, &calls).close();
    assert_eq!(
        run.told(),
        "3 GET /b - 0/? Reset reset=7 30-40\n1 GET /a 200 0/1 30-60\n5 GET /c - 0/? Closed reset=7 50-65\n"
    );
}

#[test]
fn the_connection_ends() {
    let (mut client, mut server, mut calls) = peers();
    calls.push((UP, Ok([client.get(1, "/a"), client.get(3, "/b")].concat())));
    calls.push((DOWN, Ok(server.head(3, &[(":status", "200")], false))));
    let run = Run::play(true, &calls).close();
    assert_eq!(run.told(), "1 GET /a - 0/? Closed 30-45\n3 GET /b 200 0/? Closed 30-45\n");
    let mut run = Run::play(true, &calls);
    run.session.abandon(Reason::UnderWay, &mut run.out);
    assert_eq!((run.count(Reason::UnderWay), run.out.exchanges.len()), (2, 0));
    assert_eq!(run.close().out.exchanges.len(), 0);
}

#[test]
fn tunnels_and_promises() {
    let (mut client, mut server, mut calls) = peers();
    calls.push((UP, Ok(client.head(1, &[(":method", "CONNECT"), (":authority", "db.example:443")], false))));
    let chat = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", "/chat")];
    calls.push((UP, Ok(client.head(3, &chat, false))));
    calls.push((
        DOWN,
        Ok([server.head(1, &[(":status", "200")], false), server.head(3, &[(":status", "200")], false)].concat()),
    ));
    for stream in [1, 3] {
        calls.push((UP, Ok(build::data(stream, b"hello", true))));
        calls.push((DOWN, Ok(build::data(stream, b"hi", true))));
    }
    let mut run = Run::play(true, &calls);
    assert_eq!(run.told(), "1 CONNECT db.example:443 200 5/2 30-70\n3 CONNECT /chat 200 5/2 40-90\n");
    let promise = server.head(1, &[(":method", "GET"), (":path", "/style.css")], false);
    let promise = build::frame(5, 4, 1, &[&[0, 0, 0, 2], &promise[9..]].concat());
    run.call(&(DOWN, Ok([promise, server.respond(2, 200, b"css")].concat())));
    run.call(&(UP, Ok(client.get(5, "/x"))));
    run.call(&(DOWN, Ok(server.respond(5, 200, b"css"))));
    assert_eq!((run.count(Reason::UnmatchedResponse), run.out.exchanges.len()), (1, 3));
}

#[test]
fn what_breaks_the_rules() {
    for bad in [
        build::frame(8, 0, 0, &[0; 3]),
        build::frame(9, 4, 1, b""),
        build::frame(1, 4, 1, &[0x80]),
        build::frame(0, 8, 1, &[9]),
    ] {
        let (_, _, mut calls) = peers();
        calls.push((UP, Ok(bad)));
        assert_eq!(Run::play(true, &calls).count(Reason::Malformed), 1);
    }
    let many = Run::play(true, &[(UP, Ok(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()))]);
    assert_eq!(many.count(Reason::Malformed), 1);
}

#[test]
fn more_streams_than_are_followed() {
    let (mut client, _, calls) = peers();
    let mut run = Run::play(true, &calls);
    for at in 0..1100 {
        run.call(&(UP, Ok(client.get(1 + 2 * at, "/a"))));
    }
    assert_eq!(run.count(Reason::TooManyPending), 76);
    assert!(run.session.heap_bytes() < 1024 * 1024);
}
