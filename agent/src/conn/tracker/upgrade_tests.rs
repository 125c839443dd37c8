//! Connections of HTTP/1.1 that go on in HTTP/2 (RFC 7540, section 3.2).

use super::*;
use wirespan_protocols::describe::family::Http;

const ASKED: &[u8] = b"GET /one HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\
    HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n";
const AGREED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

/// A frame: type, flags, stream, payload.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    [&[0, 0, payload.len() as u8, kind, flags, 0, 0, 0, stream], payload].concat()
}

/// `:status: 200`, and a body of so many bytes.
fn answer(stream: u8, body: usize) -> Vec<u8> {
    [frame(1, 4, stream, &[0x88]), frame(0, 1, stream, &vec![b'x'; body])].concat()
}

/// `:method: GET`, `:scheme: http`, `:path: /two`, which ends its stream.
fn request(stream: u8) -> Vec<u8> {
    frame(1, 5, stream, &[&[0x82, 0x86, 0x04, 4], &b"/two"[..]].concat())
}

/// What passes, in order: what the client says, what the server says. `Err`: so many bytes that nobody saw.
type Said = (Flow, Result<Vec<u8>, usize>);

fn client(bytes: &[&[u8]]) -> Said {
    (Flow::Received, Ok(bytes.concat()))
}

fn server(bytes: &[&[u8]]) -> Said {
    (Flow::Sent, Ok(bytes.concat()))
}

fn play(said: &[Said]) -> Bench {
    let mut bench = Bench::new(Limits::default());
    bench.open(1, 0xa);
    let mut at = [0, 0];
    for (flow, bytes) in said {
        let at = &mut at[usize::from(*flow == Flow::Sent)];
        match bytes {
            Ok(bytes) => {
                bench.data(1, *flow, *at, bytes);
                *at += bytes.len();
            }
            Err(lost) => *at += lost,
        }
    }
    bench.end(1, Change::Closed);
    bench
}

/// Target, version, status, and sizes of both bodies.
fn told(bench: &Bench) -> Vec<String> {
    let size = |size: Option<u64>| size.map_or("?".to_owned(), |size| size.to_string());
    let line = |exchange: &&Exchange| {
        let Family::Http(Http { target, version, status, request_body, response_body, .. }) = exchange.detail.family()
        else {
            panic!("another family: {exchange:?}");
        };
        let status = status.map_or("-".to_owned(), |status| status.to_string());
        format!("{target} {version} {status} {} {} {:?}", size(request_body), size(response_body), exchange.ending)
    };
    bench.exchanges().iter().map(line).collect()
}

fn upgraded() -> Vec<Said> {
    vec![
        client(&[ASKED]),
        server(&[AGREED, SETTINGS]),
        client(&[PREFACE, SETTINGS]),
        server(&[&answer(1, 5)]),
        client(&[&request(3)]),
        server(&[&answer(3, 7)]),
    ]
}

const BOTH: [&str; 2] = ["/one 2 200 0 5 Answered", "/two 2 200 0 7 Answered"];

#[test]
fn the_first_stream_answers_the_request() {
    let bench = play(&upgraded());
    assert_eq!(told(&bench), BOTH);
    let [first, second] = bench.exchanges()[..] else { panic!("two") };
    assert_eq!((first.stream, second.stream), (0, 3));
    assert_eq!((first.request.pos, first.request.bytes), (1000, ASKED.len() as u64));
    assert!(first.response.is_some_and(|response| response.pos == 1000 + (AGREED.len() + SETTINGS.len()) as u64));
    // Its beginning was told once, before.
    let began = |fact: &&(u64, Fact)| matches!(fact.1, Fact::Request(_));
    assert_eq!(bench.facts.iter().filter(began).count(), 2);
}

#[test]
fn any_split_is_the_same() {
    for (which, said) in upgraded().into_iter().enumerate() {
        let (flow, Ok(bytes)) = said else { continue };
        for at in 1..bytes.len() {
            let mut calls = upgraded();
            let (begin, rest) = bytes.split_at(at);
            calls[which] = (flow, Ok(begin.to_vec()));
            calls.insert(which + 1, (flow, Ok(rest.to_vec())));
            assert_eq!(told(&play(&calls)), BOTH, "call {which} at {at}");
        }
    }
}

#[test]
fn a_server_may_decline() {
    let refused = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    let said = [client(&[ASKED]), server(&[refused]), client(&[REQUEST]), server(&[ANSWER])];
    assert_eq!(told(&play(&said)), ["/one 1.1 200 0 2 Answered", "/a 1.1 200 0 0 Answered"]);
}

#[test]
fn a_body_is_sent_before_or_after_the_answer() {
    let head = b"POST /one HTTP/1.1\r\nHost: shop\r\nUpgrade: h2c\r\nContent-Length: 6\r\n\r\n";
    let rest = [client(&[PREFACE, SETTINGS, &request(3)]), server(&[&answer(1, 5), &answer(3, 7)])];
    let expected = ["/one 2 200 6 5 Answered", "/two 2 200 0 7 Answered"];
    let before = [client(&[head, b"abcdef"]), server(&[AGREED, SETTINGS])];
    assert_eq!(told(&play(&[before, rest.clone()].concat())), expected);
    let after = vec![client(&[head, b"abc"]), server(&[AGREED, SETTINGS]), client(&[b"def"])];
    assert_eq!(told(&play(&[after, rest.to_vec()].concat())), expected);
    let together = vec![client(&[head]), server(&[AGREED]), client(&[b"abcdef", PREFACE, SETTINGS, &request(3)])];
    let answers = vec![server(&[SETTINGS, &answer(1, 5), &answer(3, 7)])];
    assert_eq!(told(&play(&[together, answers].concat())), expected);
    // Lost bytes of it are none of the frames'.
    let lost = vec![client(&[head, b"abc"]), server(&[AGREED, SETTINGS]), (Flow::Received, Err(3))];
    assert_eq!(told(&play(&[lost, rest.to_vec()].concat())), expected);
    let chunked = b"POST /one HTTP/1.1\r\nHost: shop\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n";
    let whole = [client(&[chunked, b"6\r\nabcdef\r\n0\r\n\r\n"]), server(&[AGREED, SETTINGS])];
    assert_eq!(told(&play(&[whole, rest.clone()].concat())), expected);
    // Where its end is not known, the answer 101 is the last of it.
    let open = [client(&[chunked, b"6\r\nabc"]), server(&[AGREED, SETTINGS])];
    assert_eq!(told(&play(&[open, rest].concat())), ["/one 1.1 101 ? 0 Answered"]);
}

#[test]
fn an_answer_that_comes_early_is_not_the_requests_end() {
    let head = b"POST /one HTTP/1.1\r\nHost: shop\r\nUpgrade: h2c\r\nContent-Length: 6\r\n\r\n";
    let said = [
        client(&[head, b"abc"]),
        server(&[AGREED, SETTINGS, &answer(1, 5)]),
        client(&[b"def", PREFACE, SETTINGS, &request(3)]),
        server(&[&answer(3, 7)]),
    ];
    assert_eq!(told(&play(&said)), ["/one 2 200 6 5 Answered", "/two 2 200 0 7 Answered"]);
}

#[test]
fn losses_tell_less_and_nothing_else() {
    let whole = upgraded();
    for which in 0..whole.len() {
        let (flow, Ok(bytes)) = whole[which].clone() else { continue };
        for at in 0..bytes.len() {
            let mut calls = whole.clone();
            let (begin, rest) = bytes.split_at(at);
            let lost = 1.max(rest.len() / 2);
            let pieces = [Ok(begin.to_vec()), Err(lost), Ok(rest[lost..].to_vec())].map(|piece| (flow, piece));
            calls.splice(which..=which, pieces);
            let told = told(&play(&calls));
            let known = |line: &String| {
                let of = |one: &str| line.starts_with(one) && (line.contains(" 200 ") || line.contains(" 101 "));
                of("/one") || of("/two") || !line.ends_with("Answered")
            };
            assert!(told.len() <= 2 && told.iter().all(known), "call {which} at {at}: {told:?}");
        }
    }
}

#[test]
fn a_connection_that_ends_leaves_it_without_an_answer() {
    let said = [client(&[ASKED]), server(&[AGREED, SETTINGS]), client(&[PREFACE, SETTINGS])];
    assert_eq!(told(&play(&said)), ["/one 2 - 0 ? Closed"]);
}

#[test]
fn other_protocols_are_left_alone() {
    let asked = b"GET /chat HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let agreed = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let said = [client(&[asked]), server(&[agreed]), client(&[REQUEST]), server(&[ANSWER])];
    assert_eq!(told(&play(&said)), ["/chat 1.1 101 0 0 Answered"]);
}
