//! Splits change nothing; losses only take away.

use super::*;
use proptest::prelude::*;

/// One request and its response, in as many forms as matter.
#[derive(Clone)]
struct Pair {
    request: Vec<u8>,
    response: Vec<u8>,
}

impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} -> {}", self.request.escape_ascii(), self.response.escape_ascii())
    }
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'0'), Just(b' '), b'a'..=b'z'], 0..40)
}

fn framed(body: &[u8], how: u8) -> Vec<u8> {
    if how == 0 {
        return [format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat();
    }
    let mut out = b"Transfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in body.chunks(usize::from(how)) {
        out.extend_from_slice(format!("{:x};e=1\r\n", chunk.len()).as_bytes());
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(if how > 9 { b"0\r\nT: v\r\n\r\n" } else { b"0\r\n\r\n" });
    out
}

fn pairs() -> impl Strategy<Value = Vec<Pair>> {
    let pair = (0..5u8, body(), body(), 0..20u8, 0..20u8, 0..3u8, 200..599u16);
    prop::collection::vec(pair, 1..6).prop_map(|all| {
        type Parts = (u8, Vec<u8>, Vec<u8>, u8, u8, u8, u16);
        let build = |(index, parts): (usize, Parts)| {
            let (method, up, down, up_how, down_how, interim, status) = parts;
            let (method, has_body) =
                [("GET", false), ("HEAD", false), ("POST", true), ("PURGE", true), ("PUT", true)][usize::from(method)];
            let mut request = format!("{method} /{index} HTTP/1.1\r\nHost: h{index}\r\nAccept: */*\r\n").into_bytes();
            request.extend(if has_body { framed(&up, up_how) } else { b"\r\n".to_vec() });
            let mut response = [&b""[..], b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n"]
                [usize::from(interim)]
            .to_vec();
            response.extend(format!("HTTP/1.1 {status} Some Reason\r\nServer: s\r\n").into_bytes());
            let none: bool = method == "HEAD" || status == 204 || status == 304;
            response.extend(framed(if none { b"" } else { &down }, if none { 0 } else { down_how }));
            Pair { request, response }
        };
        all.into_iter().enumerate().map(build).collect()
    })
}

/// What must not change: position of the request, and what was said about it.
type Key = (u64, String, String, Option<u16>);

fn keys(talk: &mut Talk) -> Vec<Key> {
    talk.exchanges()
        .iter()
        .map(|exchange| {
            let http = http(exchange);
            let target = if http.target_truncated { String::new() } else { http.target.to_string() };
            (exchange.request.pos, http.method.to_string(), target, http.status)
        })
        .collect()
}

/// Feeds `bytes` in pieces; the bytes of `cut` are lost.
fn feed(talk: &mut Talk, direction: Direction, bytes: &[u8], from: usize, cut: &std::ops::Range<usize>, step: usize) {
    let mut at = 0;
    while at < bytes.len() {
        talk.now += 1000;
        let here = from + at;
        let len = if cut.contains(&here) {
            let len = (cut.end - here).min(bytes.len() - at);
            talk.skip(direction, len as u64);
            len
        } else {
            let stop = if here < cut.start { cut.start - from } else { bytes.len() };
            let len = step.min(bytes.len() - at).min(stop - at);
            talk.chunk(direction, &bytes[at..at + len], at + len == bytes.len());
            len
        };
        at += len;
    }
}

/// Plays a conversation: the pairs in batches of `batch`, cut in one direction.
fn play(
    pairs: &[Pair],
    batch: usize,
    step: usize,
    direction: Direction,
    cut: std::ops::Range<usize>,
) -> (Vec<Exchange>, Vec<Key>) {
    let mut talk = Talk::new();
    let mut at = [0, 0];
    for batch in pairs.chunks(batch) {
        for (index, way) in [Direction::ToServer, Direction::ToClient].into_iter().enumerate() {
            let bytes: Vec<u8> = batch
                .iter()
                .flat_map(|pair| if index == 0 { &pair.request } else { &pair.response })
                .copied()
                .collect();
            let cut = if way == direction { cut.clone() } else { 0..0 };
            feed(&mut talk, way, &bytes, at[index], &cut, step);
            at[index] += bytes.len();
        }
    }
    talk.close(Close::Orderly);
    let exchanges = talk.out.exchanges.clone();
    (exchanges, keys(&mut talk))
}

/// Requests in a call each, and their answers. Of the calls that were lost nobody hears before the next one of their way.
/// How many requests were seen, and what was counted.
fn lossy(calls: &[(bool, bool)], how: Option<Close>) -> (u64, [u64; 5]) {
    let (mut talk, mut missing, mut seen) = (Talk::new(), [0, 0], 0);
    for (index, (asked, answered)) in calls.iter().enumerate() {
        let (request, response) = (get(&format!("/{index}")), ok("abc"));
        for (way, (is_seen, bytes)) in [(asked, request), (answered, response)].into_iter().enumerate() {
            talk.now += 1000;
            let direction = [Direction::ToServer, Direction::ToClient][way];
            if !is_seen {
                missing[way] += bytes.len() as u64;
                continue;
            }
            let gap = std::mem::take(&mut missing[way]);
            if gap > 0 {
                talk.skip(direction, gap);
            }
            talk.chunk(direction, bytes.as_bytes(), true);
            seen += u64::from(way == 0);
        }
    }
    match how {
        Some(how) => _ = talk.close(how),
        None => talk.session.abandon(Reason::UnderWay, &mut talk.out),
    }
    let told = talk.exchanges().len() as u64;
    let [request, response, waits, many] =
        [Reason::LostRequest, Reason::LostResponse, Reason::UnderWay, Reason::TooManyPending]
            .map(|reason| talk.count(reason));
    (seen, [told, request, response, waits, many])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_split_gives_the_same_exchanges(pairs in pairs(), batch in 1usize..4, step in 1usize..50) {
        let strip = |exchanges: Vec<Exchange>| -> Vec<_> {
            exchanges.into_iter().map(|e| (e.request.pos, e.request.bytes, e.response.map(|r| (r.pos, r.bytes)), e.ending, e.detail)).collect()
        };
        let whole = strip(play(&pairs, batch, usize::MAX, Direction::ToServer, 0..0).0);
        prop_assert_eq!(whole.len(), pairs.len());
        prop_assert!(whole.iter().all(|exchange| exchange.3 == Ending::Answered));
        prop_assert_eq!(strip(play(&pairs, batch, step, Direction::ToServer, 0..0).0), whole);
    }

    #[test]
    fn any_cut_gives_a_subset(pairs in pairs(), batch in 1usize..4, step in 1usize..200, up: bool, start in 0.0..1.0f64, len in 1usize..120) {
        let whole = play(&pairs, batch, usize::MAX, Direction::ToServer, 0..0).1;
        let direction = if up { Direction::ToServer } else { Direction::ToClient };
        let total: usize = pairs.iter().map(|pair| if up { pair.request.len() } else { pair.response.len() }).sum();
        let start = (start * total as f64) as usize;
        for key in play(&pairs, batch, step, direction, start..start + len).1 {
            let known = whole.iter().any(|full| {
                (full.0, &full.1) == (key.0, &key.1)
                    && (key.2.is_empty() || full.2 == key.2)
                    // An exchange may have lost its answer, not changed it.
                    && (key.3.is_none() || full.3 == key.3)
            });
            prop_assert!(known, "{key:?} is none of {whole:?}");
        }
    }

    #[test]
    fn any_truncation_gives_a_subset(pairs in pairs(), batch in 1usize..4, step in 1usize..200, up: bool, start in 0.0..1.0f64) {
        let whole = play(&pairs, batch, usize::MAX, Direction::ToServer, 0..0).1;
        let direction = if up { Direction::ToServer } else { Direction::ToClient };
        let total: usize = pairs.iter().map(|pair| if up { pair.request.len() } else { pair.response.len() }).sum();
        let start = (start * total as f64) as usize;
        for key in play(&pairs, batch, step, direction, start..usize::MAX).1 {
            let known = whole.iter().any(|full| (full.0, &full.1) == (key.0, &key.1) && (key.3.is_none() || full.3 == key.3));
            prop_assert!(known, "{key:?} is none of {whole:?}");
        }
    }

    #[test]
    fn each_request_that_was_seen_is_counted_once(
        first: bool,
        calls in prop::collection::vec((prop::bool::weighted(0.4), prop::bool::weighted(0.4)), 0..60),
        how in prop_oneof![Just(None), Just(Some(Close::Orderly)), Just(Some(Close::Reset))],
    ) {
        let calls = [vec![(true, first)], calls].concat();
        let (seen, counted) = lossy(&calls, how);
        prop_assert_eq!(seen, counted.iter().sum::<u64>(), "{:?}", counted);
    }

    #[test]
    fn garbage_never_panics(script in prop::collection::vec((any::<bool>(), 0..12u8, prop::collection::vec(any::<u8>(), 0..40)), 0..60), from_start: bool) {
        let words: [&[u8]; 12] = [
            b"GET / HTTP/1.1\r\n", b"Content-Length: 5\r\n", b"\r\n", b"HTTP/1.1 200 OK\r\n", b"Transfer-Encoding: chunked\r\n",
            b"5\r\nhello\r\n", b"0\r\n\r\n", b"HTTP/1.1 101 x\r\n\r\n", b"", b"", b"", b"CONNECT a HTTP/1.1\r\n\r\n",
        ];
        let mut talk = Talk::open(from_start);
        for (up, word, junk) in script {
            let direction = if up { Direction::ToServer } else { Direction::ToClient };
            match word {
                8 => { talk.lose(direction, junk.len() as u64); }
                9 => { talk.fin(direction); }
                10 => { talk.now += 500; let before = talk.now - 400; talk.expire(before); }
                _ => { talk.tick(); let bytes = [words[usize::from(word)], &junk].concat(); talk.chunk(direction, &bytes, true); }
            }
            for exchange in talk.exchanges() {
                prop_assert!(exchange.end_ns >= exchange.request.first_ns);
            }
        }
        talk.close(Close::Reset);
    }
}
