//! Calls of gRPC-Web: what their bodies and heads say of them.

use super::*;
use crate::rpc::grpc::Call;

const PATH: &str = "/shop.Cart/Add";

/// A message of so many bytes.
fn message(len: usize) -> Vec<u8> {
    [&[0], &u32::try_from(len).unwrap().to_be_bytes()[..], &vec![b'm'; len]].concat()
}

fn trailers(text: &str) -> Vec<u8> {
    [&[0x80], &u32::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat()
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let quad = |piece: &[u8]| {
        let bits = (0..3).fold(0u32, |bits, at| bits << 8 | u32::from(piece.get(at).copied().unwrap_or(0)));
        let character = |at: usize| ALPHABET[(bits >> (18 - 6 * at) & 63) as usize];
        (0..4).map(|at| if at <= piece.len() { character(at) } else { b'=' }).collect::<Vec<u8>>()
    };
    bytes.chunks(3).flat_map(quad).collect()
}

fn chunked(pieces: &[Vec<u8>]) -> Vec<u8> {
    let chunk = |piece: &Vec<u8>| [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
    [pieces.iter().flat_map(chunk).collect(), b"0\r\n\r\n".to_vec()].concat()
}

fn asked(kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: shop\r\ngrpc-timeout: 250m\r\nContent-Type: {kind}\r\nX-Grpc-Web: 1\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn answered(kind: &str, more: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{more}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn in_chunks(kind: &str, pieces: &[Vec<u8>]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n");
    [head.as_bytes(), &chunked(pieces)].concat()
}

fn call(exchange: &Exchange) -> Call {
    *http(exchange).call.clone().expect("a call")
}

const BINARY: &str = "application/grpc-web+proto";
const TEXT: &str = "application/grpc-web-text";

#[test]
fn messages_and_a_status_behind_them() {
    let mut talk = Talk::new();
    talk.ask(asked(BINARY, &message(9)));
    talk.answer(answered(
        BINARY,
        "",
        &[message(3), message(0), trailers("grpc-status:0\r\ngrpc-message:\r\n")].concat(),
    ));
    let expected = Call {
        status: Some(0),
        timeout_ns: Some(250_000_000),
        request_messages: Some(1),
        response_messages: Some(2),
        ..Call::default()
    };
    let exchange = talk.one();
    assert_eq!((line(&exchange), call(&exchange)), (format!("POST {PATH} 200"), expected));
}

#[test]
fn base64_in_pieces_that_are_padded_each() {
    let pieces = [message(1), message(2), trailers("grpc-status: 5\r\ngrpc-message: no%20such\r\n")];
    let pieces: Vec<_> = pieces.iter().map(|piece| base64(piece)).collect();
    let answer = in_chunks(TEXT, &pieces);
    for at in 1..answer.len() {
        let mut talk = Talk::new();
        talk.ask(asked(TEXT, &base64(&message(4))));
        talk.answer(&answer[..at]).answer(&answer[at..]);
        let Call { status, message, request_messages, response_messages, .. } = call(&talk.one());
        assert_eq!((status, &*message), (Some(5), "no such"), "{at}");
        assert_eq!((request_messages, response_messages), (Some(1), Some(2)), "{at}");
    }
}

#[test]
fn a_status_in_the_head() {
    for at in [10, 60, 90] {
        let mut talk = Talk::new();
        let answer = answered(BINARY, "grpc-status: 16\r\nGrpc-Message: who?\r\n", b"");
        talk.ask(asked(BINARY, &message(1))).answer(&answer[..at]).answer(&answer[at..]);
        let Call { status, message, response_messages, .. } = call(&talk.one());
        assert_eq!((status, &*message, response_messages), (Some(16), "who?", Some(0)));
    }
}

#[test]
fn a_proxy_that_answers_itself() {
    let mut talk = Talk::new();
    talk.ask(asked(BINARY, &message(1)));
    talk.answer("HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nsorry");
    let exchange = talk.one();
    let Call { status, response_messages, .. } = call(&exchange);
    assert_eq!((http(&exchange).status, status, response_messages), (Some(502), None, None));
}

#[test]
fn what_only_looks_like_a_call() {
    let mut talk = Talk::new();
    talk.ask(format!("OPTIONS {PATH} HTTP/1.1\r\nHost: h\r\nAccess-Control-Request-Headers: content-type\r\n\r\n"));
    talk.answer("HTTP/1.1 204 No Content\r\n\r\n");
    talk.ask(asked("application/json", b"{}").as_slice()).answer(ok("hi"));
    talk.ask(get("/")).answer(answered(BINARY, "grpc-status: 0\r\n", b""));
    let all = talk.exchanges();
    assert!(all.len() == 3 && all.iter().all(|exchange| http(exchange).call.is_none()));
}

#[test]
fn what_is_lost_within_a_message_costs_nothing() {
    let (ask, body) = (asked(BINARY, &message(500)), [message(900), trailers("grpc-status:7\r\n")].concat());
    let mut talk = Talk::new();
    talk.beyond(Direction::ToServer, &ask, 180, 20).beyond(Direction::ToClient, &answered(BINARY, "", &body), 100, 64);
    let Call { status, request_messages, response_messages, .. } = call(&talk.one());
    assert_eq!((status, request_messages, response_messages), (Some(7), Some(1), Some(1)));
}

#[test]
fn what_is_lost_elsewhere_leaves_the_status() {
    let body = [message(300), message(300), message(300), trailers("grpc-status:0\r\n")].concat();
    for (kind, body) in [(BINARY, body.clone()), (TEXT, base64(&body))] {
        for tail in 40..60 {
            let mut talk = Talk::new();
            talk.ask(asked(kind, b"")).beyond(Direction::ToClient, &answered(kind, "", &body), 200, tail);
            let Call { status, response_messages, .. } = call(&talk.one());
            assert_eq!((status, response_messages), (Some(0), None), "{kind} {tail}");
        }
    }
}

#[test]
fn a_status_that_was_lost_is_not_made_up() {
    let body = [message(300), message(300), trailers("grpc-status:0\r\n")].concat();
    let answer = answered(BINARY, "", &body);
    let mut talk = Talk::new();
    talk.ask(asked(BINARY, b"")).answer(&answer[..100]).lose(Direction::ToClient, (answer.len() - 100) as u64);
    assert!(talk.exchanges().is_empty());
    assert_eq!(talk.count(Reason::LostResponse), 1);
    // The next one is told.
    talk.ask(asked(BINARY, b"")).answer(&answer);
    assert_eq!(call(&talk.one()).status, Some(0));
}

/// Trailers as connect-go sends them: `grpc-status: 0`, by gzip.
const COMPRESSED: &[u8] = b"\x81\0\0\0\x28\x1f\x8b\x08\0\0\0\0\0\0\xff\x4a\x2f\x2a\x48\xd6\x2d\x2e\x49\x2c\x29\x2d\xb6\x52\x30\xe0\xe5\x02\x04\0\0\xff\xff\xfd\x6c\x24\xab\x10\0\0\0";

#[test]
fn trailers_may_be_compressed() {
    let mut talk = Talk::new();
    talk.ask(asked(BINARY, &message(1))).answer(answered(BINARY, "", &[&message(1)[..], COMPRESSED].concat()));
    let Call { status, response_messages, .. } = call(&talk.one());
    assert_eq!((status, response_messages), (Some(0), Some(1)));
    // Behind messages of which one was lost.
    let body = [&message(300)[..], &message(300), COMPRESSED].concat();
    let answer = answered(BINARY, "", &body);
    talk.ask(asked(BINARY, b"")).beyond(Direction::ToClient, &answer, 100, 64);
    assert_eq!(call(&talk.one()).status, Some(0));
    // In a way that is not known.
    let mut other = COMPRESSED.to_vec();
    other[6] = 0;
    talk.ask(asked(BINARY, &message(1))).answer(answered(BINARY, "", &[message(1), other].concat()));
    let Call { status, response_messages, .. } = call(&talk.one());
    assert_eq!((status, response_messages), (None, Some(1)));
}

#[test]
fn trailers_of_which_a_part_was_lost_are_none() {
    let answer =
        answered(BINARY, "", &[message(1), trailers("grpc-status:0\r\ngrpc-message:a very long one\r\n")].concat());
    let mut talk = Talk::new();
    talk.ask(asked(BINARY, b"")).beyond(Direction::ToClient, &answer, answer.len() - 30, 10);
    assert!(talk.exchanges().is_empty());
    assert_eq!(talk.count(Reason::LostResponse), 1);
}

#[test]
fn any_split_is_the_same() {
    let (ask, answer) = (
        asked(BINARY, &[message(3), message(0), message(40)].concat()),
        in_chunks(BINARY, &[message(20), [message(1), message(2)].concat(), trailers("grpc-status:3\r\n")]),
    );
    for at in 1..ask.len().max(answer.len()) {
        let mut talk = Talk::new();
        let (first, second) = ask.split_at(at.min(ask.len()));
        talk.ask(first).ask(second);
        let (first, second) = answer.split_at(at.min(answer.len()));
        talk.answer(first).answer(second);
        let Call { status, request_messages, response_messages, .. } = call(&talk.one());
        assert_eq!((status, request_messages, response_messages), (Some(3), Some(3), Some(3)), "{at}");
    }
}
