//! Calls of gRPC.

use super::build::{self, DOWN, UP, message};
use super::*;

const OPEN: [(&str, &str); 2] = [(":status", "200"), ("content-type", "application/grpc")];

#[test]
fn unary() {
    let (mut client, mut server, mut calls) = peers();
    calls.push((UP, Ok([client.ask(1, "/shop.Cart/Add"), build::data(1, &message(7), true)].concat())));
    let open = server.head(1, &OPEN, false);
    let end = server.head(1, &[("grpc-status", "0"), ("grpc-message", "")], true);
    calls.push((DOWN, Ok([open, build::data(1, &message(3), false), end].concat())));
    let run = Run::play(true, &calls);
    assert_eq!(run.told(), "1 POST /shop.Cart/Add 200 12/8 grpc=0 1/1 30-40\n");
    assert_eq!(detail(&run.out.exchanges[0]).call.as_ref().unwrap().timeout_ns, Some(2_000_000_000));
}

#[test]
fn trailers_only() {
    let (mut client, mut server, mut calls) = peers();
    calls.push((UP, Ok([client.ask(1, "/shop.Cart/Add"), build::data(1, &message(7), true)].concat())));
    let fields = [OPEN[0], OPEN[1], ("grpc-status", "12"), ("grpc-message", "unknown%20method")];
    calls.push((DOWN, Ok(server.head(1, &fields, true))));
    let run = Run::play(true, &calls);
    assert_eq!(run.told(), "1 POST /shop.Cart/Add 200 12/0 grpc=12 1/0 30-40\n");
    assert_eq!(detail(&run.out.exchanges[0]).call.as_ref().unwrap().message, "unknown method");
}

#[test]
fn streaming_both_ways() {
    let (mut client, mut server, mut calls) = peers();
    calls.push((UP, Ok(client.ask(1, "/shop.Cart/Talk"))));
    calls.push((DOWN, Ok(server.head(1, &OPEN, false))));
    for _ in 0..3 {
        calls.push((UP, Ok(build::data(1, &message(70), false))));
        // Two messages in a frame, one over two frames.
        calls.push((DOWN, Ok(build::data(1, &[message(1), message(0)].concat(), false))));
        let long = message(20);
        calls.push((DOWN, Ok(build::data(1, &long[..3], false))));
        calls.push((DOWN, Ok(build::data(1, &long[3..], false))));
    }
    calls.push((UP, Ok(build::data(1, b"", true))));
    calls.push((DOWN, Ok(server.head(1, &[("grpc-status", "0")], true))));
    let run = Run::play(true, &calls);
    assert!(run.told().contains("grpc=0 3/9"), "{}", run.told());
}

#[test]
fn messages_that_nobody_saw_are_not_counted() {
    let (mut client, mut server, mut calls) = peers();
    calls.push((UP, Ok([client.ask(1, "/a.B/C"), build::data(1, &message(7), true)].concat())));
    calls.push((
        DOWN,
        Ok([server.head(1, &OPEN, false), build::data(1, &message(5000), false)[..200].to_vec()].concat()),
    ));
    calls.push((DOWN, Err(5014 - 200)));
    calls.push((DOWN, Ok([build::data(1, &message(1), false)[..9].to_vec()].concat())));
    calls.push((DOWN, Err(6)));
    calls.push((DOWN, Ok(server.head(1, &[("grpc-status", "0")], true))));
    let run = Run::play(true, &calls);
    assert_eq!(run.told(), "1 POST /a.B/C 200 12/5011 grpc=0 1/? 30-80\n");
}

const WEB: (&str, &str) = ("content-type", "application/grpc-web+proto");

/// A call of gRPC-Web that was made, and the head of its answer.
fn web(content: (&str, &str)) -> (Peer, Peer, Vec<Call>) {
    let (mut client, mut server, mut calls) = peers();
    let path = (":path", "/shop.Cart/Add");
    let asked = client.head(1, &[(":method", "POST"), (":scheme", "https"), path, content], false);
    calls.push((UP, Ok([asked, build::data(1, &message(7), true)].concat())));
    calls.push((DOWN, Ok(server.head(1, &[(":status", "200"), content], false))));
    (client, server, calls)
}

#[test]
fn web_has_its_status_behind_the_messages() {
    let (_, _, mut calls) = web(WEB);
    calls.push((DOWN, Ok(build::data(1, &message(3), false))));
    let last = [message(0), build::trailers("grpc-status:5\r\ngrpc-message:no%20such\r\n")].concat();
    calls.push((DOWN, Ok(build::data(1, &last[..20], false))));
    calls.push((DOWN, Ok(build::data(1, &last[20..], true))));
    let run = Run::play(true, &calls);
    assert_eq!(run.told(), format!("1 POST /shop.Cart/Add 200 12/{} grpc=5 1/2 30-70\n", 8 + last.len()));
    assert_eq!(detail(&run.out.exchanges[0]).call.as_ref().unwrap().message, "no such");
}

#[test]
fn web_in_base64() {
    let (_, _, mut calls) = web(("content-type", "application/grpc-web-text"));
    // One message of a byte; `grpc-status:0`.
    let body = b"AAAAAAEJgAAAAA1ncnBjLXN0YXR1czow";
    calls.push((DOWN, Ok(build::data(1, body, true))));
    assert_eq!(Run::play(true, &calls).told(), "1 POST /shop.Cart/Add 200 12/32 grpc=0 ?/1 30-50\n");
}

#[test]
fn web_that_says_all_in_its_head_or_nothing() {
    // What the server says instead of its answer is the first that it says.
    let told = |answer: &dyn Fn(&mut Peer) -> Vec<u8>| {
        let (_, _, mut calls) = web(WEB);
        calls.pop();
        let (_, mut server, _) = peers();
        calls.push((DOWN, Ok(answer(&mut server))));
        Run::play(true, &calls).told()
    };
    let trailers_only = told(&|server| server.head(1, &[(":status", "200"), WEB, ("grpc-status", "12")], true));
    assert_eq!(trailers_only, "1 POST /shop.Cart/Add 200 12/0 grpc=12 1/0 30-40\n");
    let of_a_proxy = told(&|server| {
        let head = server.head(1, &[(":status", "503"), ("content-type", "text/html")], false);
        [head, build::data(1, b"busy", true)].concat()
    });
    assert_eq!(of_a_proxy, "1 POST /shop.Cart/Add 503 12/4 grpc=- 1/? 30-40\n");
}

#[test]
fn web_that_is_long_is_known_by_its_end() {
    let end = build::trailers("grpc-status:0\r\n");
    let (_, _, mut calls) = web(WEB);
    // The loss is within a message.
    calls.push((DOWN, Ok(build::data(1, &message(5000), false)[..200].to_vec())));
    calls.push((DOWN, Err(5014 - 200)));
    calls.push((DOWN, Ok(build::data(1, &end, true))));
    let told = Run::play(true, &calls).told();
    assert_eq!(told, format!("1 POST /shop.Cart/Add 200 12/{} grpc=0 1/1 30-70\n", 5005 + end.len()));
    // Where messages begin is lost: so is their number, but not the end.
    let (_, _, mut calls) = web(WEB);
    let body = [vec![message(100); 50].concat(), end.clone()].concat();
    let frame = build::data(1, &body, true);
    let from = frame.len() - 30;
    calls.push((DOWN, Ok(frame[..200].to_vec())));
    calls.push((DOWN, Err(from - 200)));
    calls.push((DOWN, Ok(frame[from..].to_vec())));
    let told = Run::play(true, &calls).told();
    assert_eq!(told, format!("1 POST /shop.Cart/Add 200 12/{} grpc=0 1/? 30-70\n", body.len()));
    // The end is lost, and with it what the call came to.
    calls.truncate(calls.len() - 2);
    calls.push((DOWN, Err(frame.len() - 200)));
    let run = Run::play(true, &calls);
    assert_eq!((run.told().as_str(), run.count(Reason::LostResponse)), ("", 1));
}
