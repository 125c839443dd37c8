use super::*;
use wirespan_protocols::registry::PROTOCOLS;

const REQUEST: &[u8] = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

fn held(flow: Flow, bytes: &[u8]) -> Held {
    let piece = Piece::Bytes { position: 0, bytes: bytes.to_vec(), ends_call: true };
    Held { flow, piece, stamp: Stamp::default() }
}

/// Pushes bytes; the protocol, if they settle it.
fn push(detection: &mut Detection, flow: Flow, bytes: &[u8]) -> Option<&'static str> {
    match detection.push(held(flow, bytes), None) {
        Outcome::Found { protocol, .. } => Some(protocol.spoken.name),
        Outcome::Waiting => None,
        Outcome::Foreign => panic!("foreign"),
    }
}

#[test]
fn midway_one_side_is_not_enough() {
    let mut detection = Detection::new(false, PROTOCOLS);
    for _ in 0..2 {
        assert_eq!(push(&mut detection, Flow::Received, REQUEST), None);
        assert!(detection.has_request());
    }
    assert_eq!(push(&mut detection, Flow::Sent, ANSWER), Some("http"));
    assert!(!detection.is_from_start());
}

#[test]
fn midway_an_answer_of_another_kind_refutes() {
    for answer in [&b"+OK\r\n"[..], b"created\n", b"HTTP is no version\r\n"] {
        let mut detection = Detection::new(false, PROTOCOLS);
        assert_eq!(push(&mut detection, Flow::Received, REQUEST), None);
        assert_eq!(push(&mut detection, Flow::Sent, answer), None, "{}", String::from_utf8_lossy(answer));
        assert!(!detection.has_request());
    }
}

#[test]
fn nothing_begins_in_the_middle_of_a_turn() {
    let mut detection = Detection::new(false, PROTOCOLS);
    assert_eq!(push(&mut detection, Flow::Received, b"some part of an upload\n"), None);
    assert_eq!(push(&mut detection, Flow::Received, REQUEST), None);
    assert!(!detection.has_request(), "it may be the upload that looks so");
    assert_eq!(push(&mut detection, Flow::Sent, ANSWER), None);
    assert_eq!(push(&mut detection, Flow::Received, REQUEST), Some("http"), "two turns that agree");
}

#[test]
fn what_stays_unsure_is_not_held_for_ever() {
    for piece in [&[b'a'; 1][..], &[b'a'; 1024]] {
        let mut detection = Detection::new(false, PROTOCOLS);
        assert_eq!(push(&mut detection, Flow::Received, b"GET /"), None);
        let (mut calls, mut bytes) = (0, 0);
        for _ in 0..256 {
            assert_eq!(push(&mut detection, Flow::Received, piece), None);
            calls = calls.max(detection.held.len());
            bytes = bytes.max(detection.heap_bytes());
        }
        assert!(calls > 1 && calls <= MAX_CALLS + 1 && bytes < 2 * MAX_HELD, "{calls} calls, {bytes} bytes");
    }
}
