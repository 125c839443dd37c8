//! Losses, and connections that were joined midway.

use super::build::{self, DOWN, UP};
use super::*;
use crate::http2::frame::HEAD_LEN;

#[test]
fn a_loss_within_a_body_costs_nothing() {
    let (mut client, mut server, mut calls) = peers();
    calls.push((UP, Ok(client.get(1, "/a"))));
    let answer = server.respond(1, 200, &[7; 900]);
    calls.push((DOWN, Ok(answer[..100].to_vec())));
    calls.push((DOWN, Err(answer.len() - 101)));
    calls.push((DOWN, Ok(answer[answer.len() - 1..].to_vec())));
    let run = Run::play(true, &calls);
    assert_eq!(run.told(), "1 GET /a 200 0/900 30-60\n");
    assert_eq!(run.out.counts, [0; Reason::ALL.len()]);
}

#[test]
fn a_loss_within_a_block_costs_that_block() {
    let (mut client, mut server, mut calls) = peers();
    let request = client.get(1, "/a");
    calls.push((UP, Ok(request[..20].to_vec())));
    calls.push((UP, Err(request.len() - 20)));
    calls.push((UP, Ok(client.get(3, "/b"))));
    calls.push((DOWN, Ok([server.respond(1, 200, b""), server.respond(3, 201, b"")].concat())));
    calls.push((UP, Ok(client.get(5, "/b"))));
    calls.push((DOWN, Ok(server.respond(5, 201, b""))));
    let run = Run::play(true, &calls).close();
    assert_eq!(run.told(), "3 GET /b 201 0/0 50-60\n5 GET /b 201 0/0 70-80\n");
    assert_eq!((run.count(Reason::LostRequest), run.count(Reason::Resync)), (1, 0));
    // What the lost block had put into the table is unknown.
    assert_eq!(detail(&run.out.exchanges[0]).host, None);
}

#[test]
fn a_loss_of_frames() {
    let (mut client, mut server, mut calls) = peers();
    calls.push((UP, Ok([client.get(1, "/a"), client.get(3, "/b"), client.get(5, "/c")].concat())));
    let open = server.head(5, &[(":status", "200")], false);
    calls.push((DOWN, Ok([open, build::data(5, b"one", false)].concat())));
    calls.push((DOWN, Err(server.respond(1, 200, b"").len())));
    calls.push((DOWN, Ok([server.respond(3, 200, b"x"), build::data(5, b"two", true)].concat())));
    let run = Run::play(true, &calls).close();
    assert_eq!(run.told(), "3 GET /b 200 0/1 30-60\n5 GET /c 200 0/? 30-60\n");
    assert_eq!((run.count(Reason::LostResponse), run.count(Reason::Resync)), (1, 1));
}

#[test]
fn frames_begin_where_a_call_does() {
    let (mut client, mut server, mut calls) = peers();
    calls.push((UP, Ok(client.get(1, "/a"))));
    calls.push((DOWN, Err(3)));
    let mut run = Run::play(true, &calls);
    // In the middle of a call nothing begins.
    run.now += 10;
    let response = server.respond(1, 200, b"x");
    run.bytes(DOWN, b"something", false, run.now);
    run.bytes(DOWN, &response, true, run.now);
    assert_eq!(run.told(), "");
    run.call(&(DOWN, Ok(server.respond(1, 200, b"x"))));
    assert_eq!(run.out.exchanges.len(), 1);
}

#[test]
fn joined_midway() {
    let (mut client, mut server, _) = peers();
    client.get(1, "/a");
    server.respond(1, 200, b"");
    let calls = [
        (UP, Ok(client.get(3, "/a"))),
        (DOWN, Ok(server.respond(3, 200, b""))),
        (UP, Ok(client.get(5, "/b"))),
        (DOWN, Ok(server.respond(5, 503, b""))),
        (UP, Ok(client.get(7, "/b"))),
        (DOWN, Ok(server.respond(7, 503, b""))),
        (UP, Ok(client.post(9, "/b", b"x"))),
        (DOWN, Ok(server.respond(9, 200, b""))),
    ];
    let run = Run::play(false, &calls).close();
    assert_eq!(
        run.told(),
        "3 GET  200 0/0 10-20\n5 GET /b 503 0/0 30-40\n7 GET /b 503 0/0 50-60\n9 POST /b 200 1/0 70-80\n"
    );
    assert!(detail(&run.out.exchanges[0]).target_truncated && run.out.requests[0].print.is_none());
    // What kind of request it is may be up to a field that is not known.
    let calls = [(UP, Ok(client.post(11, "/b", b"x"))), (DOWN, Ok(server.respond(11, 200, b"")))];
    let run = Run::play(false, &calls).close();
    assert_eq!((run.told(), run.count(Reason::LostRequest)), (String::new(), 1));
}

/// A head that says how long the body is, and a body in frames.
fn long(server: &mut build::Peer, stream: u32, len: usize, frame: usize) -> Vec<u8> {
    let head = server.head(stream, &[(":status", "200"), ("content-length", &len.to_string())], false);
    let body = vec![7; len];
    let count = body.chunks(frame).count();
    let frames = body.chunks(frame).enumerate().flat_map(|(at, piece)| build::data(stream, piece, at + 1 == count));
    head.into_iter().chain(frames).collect()
}

#[test]
fn a_body_of_which_frames_were_lost_has_the_length_that_its_head_says_if_it_ended() {
    let (mut client, mut server, mut calls) = peers();
    calls.push((UP, Ok([client.get(1, "/a"), client.get(3, "/b")].concat())));
    let answers = [1, 3].map(|stream| long(&mut server, stream, 50_000, 8192));
    for (answer, seen) in answers.iter().zip([50_000 - 6 * 8192 + HEAD_LEN, 0]) {
        calls.push((DOWN, Ok(answer[..9000].to_vec())));
        calls.push((DOWN, Err(answer.len() - 9000 - seen)));
        calls.push((DOWN, Ok(answer[answer.len() - seen..].to_vec())));
    }
    let run = Run::play(true, &calls).close();
    assert_eq!(run.told(), "1 GET /a 200 0/50000 30-60\n", "the end of the other one was not seen");
}

#[test]
fn a_body_whose_length_is_known_may_pass_unseen() {
    let (mut client, mut server, mut calls) = peers();
    calls.push((UP, Ok(client.get(1, "/a"))));
    let answer = long(&mut server, 1, 100_000, 8192);
    calls.push((DOWN, Ok(answer[..15_000].to_vec())));
    calls.push((DOWN, Err(60_000)));
    calls.push((DOWN, Ok(answer[75_000..75_100].to_vec())));
    calls.push((DOWN, Err(answer.len() - 75_100)));
    calls.push((UP, Ok(client.get(3, "/b"))));
    calls.push((DOWN, Ok(server.respond(3, 204, b""))));
    let run = Run::play(true, &calls).close();
    assert_eq!(run.told(), "1 GET /a 200 0/100000 30-70\n3 GET /b 204 0/0 80-90\n");
    assert_eq!((run.count(Reason::LostResponse), run.count(Reason::Resync)), (0, 1));
}

#[test]
fn a_body_that_was_cut_off_is_not_told() {
    let (mut client, mut server, mut calls) = peers();
    calls.push((UP, Ok(client.get(1, "/a"))));
    let answer = long(&mut server, 1, 100_000, 8192);
    calls.push((DOWN, Ok(answer[..15_000].to_vec())));
    calls.push((DOWN, Err(60_000)));
    let run = Run::play(true, &calls).close();
    assert_eq!((run.told(), run.count(Reason::LostResponse)), (String::new(), 1));
}

#[test]
fn of_two_bodies_nobody_knows_which_passed() {
    let (mut client, mut server, mut calls) = peers();
    calls.push((UP, Ok([client.get(1, "/a"), client.get(3, "/b")].concat())));
    let answer = long(&mut server, 1, 100_000, 8192);
    calls.push((DOWN, Ok(answer[..15_000].to_vec())));
    calls.push((DOWN, Err(answer.len() - 15_000)));
    let run = Run::play(true, &calls).close();
    assert_eq!((run.told(), run.count(Reason::LostResponse)), (String::new(), 2));
}
