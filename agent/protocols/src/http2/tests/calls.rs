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
