use proptest::prelude::*;

use super::*;
use wirespan_protocols::stream::Actor;

fn data<'a>(position: u64, len: usize, head: &'a [u8], tail: &'a [u8]) -> Data<'a> {
    Data {
        shed: Default::default(),
        connection: 1,
        flow: Flow::Sent,
        position,
        len: u32::try_from(len).unwrap(),
        head,
        tail,
        first_ns: 0,
        last_ns: 0,
        arrived_ns: None,
        actor: Actor::default(),
    }
}

/// What a stream becomes, given in calls that end at `cuts`.
fn blanked_in(stream: &[u8], cuts: &[usize]) -> Vec<u8> {
    let mut blanks = Blanks::default();
    let mut out = Vec::new();
    let mut from = 0;
    for cut in cuts.iter().copied().chain([stream.len()]) {
        let cut = cut.clamp(from, stream.len());
        if cut > from {
            let call = data(100 + from as u64, cut - from, &stream[from..cut], b"");
            out.extend_from_slice(blanks.of(&call).head);
        }
        from = cut;
    }
    out
}

const REQUEST: &str = "GET /a?b=1 HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer SECRET1\r\nCOOKIE:a=SECRET2; b=SECRET3\r\n\
    folded: yes\r\nX-Api-Key: SECRET4\r\n more SECRET5\r\nproxy-authorization : Basic SECRET6\r\nAccept: */*\r\n\r\nbody: kept\n";

const CONVERSATIONS: [(&[u8], &[u8]); 8] = [
    (
        REQUEST.as_bytes(),
        b"GET /a?b=1 HTTP/1.1\r\nHost: shop\r\nAuthorization: ****** *******\r\nCOOKIE:********** *********\r\n\
          folded: yes\r\nX-Api-Key: *******\r\n **** *******\r\nproxy-authorization : ***** *******\r\nAccept: */*\r\n\r\nbody: kept\n",
    ),
    (
        b"HTTP/1.1 200 OK\r\nSet-Cookie: id=SECRET; Path=/\r\nDate: today\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nSet-Cookie: ********** ******\r\nDate: today\r\n\r\n",
    ),
    (
        b"*3\r\n$4\r\nAUTH\r\n$3\r\nSEC\r\n$8\r\nSE\r\n*1RT\r\n*2\r\n$3\r\nGET\r\n$4\r\nkept\r\n",
        b"*3\r\n$4\r\nAUTH\r\n$3\r\n***\r\n$8\r\n********\r\n*2\r\n$3\r\nGET\r\n$4\r\nkept\r\n",
    ),
    (
        b"*7\r\n$5\r\nhello\r\n$1\r\n3\r\n$4\r\nauth\r\n$7\r\ndefault\r\n$6\r\nSECRET\r\n$7\r\nSETNAME\r\n$4\r\nkept\r\n*1\r\n$4\r\nPING\r\n",
        b"*7\r\n$5\r\nhello\r\n$1\r\n3\r\n$4\r\nauth\r\n$7\r\n*******\r\n$6\r\n******\r\n$7\r\nSETNAME\r\n$4\r\nkept\r\n*1\r\n$4\r\nPING\r\n",
    ),
    (
        b"*2\r\n$4\r\nAUTH\r\n$0\r\n\r\n*2\r\n$4\r\nAUTH\r\n$6\r\nSECRET\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n",
        b"*2\r\n$4\r\nAUTH\r\n$0\r\n\r\n*2\r\n$4\r\nAUTH\r\n$6\r\n******\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n",
    ),
    (b"AUTH SECRET\r\nPING\r\n", b"AUTH ******\r\nPING\r\n"),
    (b"HELLO 3 AUTH me SECRET\r\nGET a\r\n", b"HELLO 3 AUTH ** ******\r\nGET a\r\n"),
    (
        b"\0\0\0\x13\0\x03\0\0user\0anna\0\0p\0\0\0\x0bSECRET\0Q\0\0\0\x0dselect 1\0p\0\0\0\x09kept\0",
        b"\0\0\0\x13\0\x03\0\0user\0anna\0\0p\0\0\0\x0b*******Q\0\0\0\x0dselect 1\0p\0\0\0\x09kept\0",
    ),
];

#[test]
fn secrets_are_blanked_and_nothing_else() {
    for (given, expected) in CONVERSATIONS {
        let found = blanked_in(given, &[]);
        assert_eq!(found, expected, "{}\n{}", String::from_utf8_lossy(&found), String::from_utf8_lossy(expected));
    }
}

#[test]
fn calls_may_end_anywhere() {
    for (given, expected) in CONVERSATIONS {
        // In the last one, a call that is one message of type `p` alone would be taken for a password.
        let alone = given.ends_with(b"kept\0").then(|| given.len() - 10);
        for cut in (0..given.len()).filter(|cut| Some(*cut) != alone) {
            for more in [1, 2, 1000].into_iter().filter(|more| Some(cut + more) != alone) {
                let found = blanked_in(given, &[cut, cut + more]);
                assert_eq!(found, expected, "{cut}, {more}: {}", String::from_utf8_lossy(&found));
            }
        }
    }
}

#[test]
fn a_password_message_alone_needs_no_beginning() {
    let message = b"p\0\0\0\x0bSECRET\0";
    assert_eq!(Blanks::default().of(&data(7, message.len(), message, b"")).head, b"p\0\0\0\x0b*******");
    let other = b"p\0\0\0\x0cSECRET\0";
    assert_eq!(Blanks::default().of(&data(7, other.len(), other, b"")).head, other);
    // Only its beginning was copied.
    assert_eq!(Blanks::default().of(&data(7, message.len(), &message[..8], b"")).head, b"p\0\0\0\x0b***");
}

#[test]
fn what_follows_a_gap_in_a_head_may_be_a_secret() {
    let mut blanks = Blanks::default();
    let head = b"GET / HTTP/1.1\r\nAccept: a\r\nCooki";
    let tail = b"e=SECRET\r\nHost: shop\r\n\r\n";
    let seen = blanks.of(&data(0, 20_000, head, tail));
    assert_eq!((seen.head, seen.tail), (&head[..], &b"********\r\nHost: shop\r\n\r\n"[..]));
    assert!(blanks.blanked() > 0);
    // After a head is over, a gap is one in a body.
    let mut blanks = Blanks::default();
    let (head, tail) = (b"POST / HTTP/1.1\r\n\r\n{", b"kept}");
    assert_eq!(blanks.of(&data(0, 20_000, head, tail)).tail, tail);
}

#[test]
fn what_is_over_is_forgotten() {
    let mut blanks = Blanks::default();
    blanks.of(&data(0, 3, b"abc", b""));
    assert_eq!(blanks.flows.len(), 1);
    let state = crate::event::State { connection: 1, change: crate::event::Change::Closed, error: 0, at_ns: 0 };
    blanks.see(&Event::State(state));
    assert!(blanks.flows.is_empty());
}

proptest! {
    #[test]
    fn anything_keeps_its_length(calls in prop::collection::vec((0u64..50, "[*$A-Za-z:0-9 \r\n\0]{0,60}"), 0..8)) {
        let mut blanks = Blanks::default();
        for (gap, call) in &calls {
            let out = blanks.of(&data(*gap, call.len(), call.as_bytes(), b""));
            prop_assert_eq!(out.head.len(), call.len());
        }
    }
}
