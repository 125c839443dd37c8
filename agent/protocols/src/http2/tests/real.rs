//! What real clients and servers said to each other in clear text (2026-11), and what the Python packages `hyperframe` and `hpack` make of it:
//! stream, method, path, status, bytes of both bodies, authority, `grpc-status`. A line of a recording is a read of a socket.
//!
//! - `h2load`: h2load with 8 streams at once, of nghttpd (nghttp2 1.52);
//! - `nghttp`: nghttp, of nghttpd;
//! - `httpx`: httpx 0.28 (h2 4.4), of nghttpd;
//! - `grpcio`: grpcio 1.85 on both sides: unary, streams in each direction, in both, a failure, a method that is not there.

use super::build::{DOWN, UP};
use super::*;
use crate::protocol::{Context, Probe};

const RECORDINGS: [(&str, &str, &str); 4] = [
    ("h2load", include_str!("real/h2load.hex"), include_str!("real/h2load.txt")),
    ("nghttp", include_str!("real/nghttp.hex"), include_str!("real/nghttp.txt")),
    ("httpx", include_str!("real/httpx.hex"), include_str!("real/httpx.txt")),
    ("grpcio", include_str!("real/grpcio.hex"), include_str!("real/grpcio.txt")),
];

fn calls(text: &str) -> Vec<Call> {
    let call = |line: &str| {
        let (way, digits) = line.split_once(' ').unwrap();
        let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        (if way == ">" { UP } else { DOWN }, Ok((0..digits.len()).step_by(2).map(byte).collect()))
    };
    text.lines().map(call).collect()
}

/// An exchange as the oracle has it.
fn fact(exchange: &Exchange) -> String {
    let detail = detail(exchange);
    let size = |size: Option<u64>| size.map_or("?".to_owned(), |size| size.to_string());
    let status = detail.status.map_or("-".to_owned(), |status| status.to_string());
    let code = detail.call.as_ref().and_then(|call| call.status).map_or("-".to_owned(), |code| code.to_string());
    let (method, target) = (&detail.method, &detail.target);
    let host = detail.host.as_deref().unwrap_or("?");
    let (asked, told) = (size(detail.request_body), size(detail.response_body));
    format!("{} {method} {target} {status} {asked}/{told} {host} {code}", exchange.stream)
}

#[test]
fn all_of_it() {
    for (name, recording, expected) in RECORDINGS {
        let run = Run::play(true, &calls(recording)).close();
        let mut told: Vec<_> = run.out.exchanges.iter().map(|one| (one.stream, fact(one))).collect();
        told.sort();
        let told: Vec<_> = told.into_iter().map(|(_, fact)| fact).collect();
        assert_eq!(told, expected.lines().collect::<Vec<_>>(), "{name}");
        assert_eq!(run.out.counts, [0; Reason::ALL.len()], "{name}");
        assert!(run.out.exchanges.iter().all(|one| one.ending == Ending::Answered), "{name}");
        assert_eq!(run.out.requests.len(), run.out.exchanges.len(), "{name}");
    }
}

#[test]
fn messages() {
    let run = Run::play(true, &calls(RECORDINGS[3].1)).close();
    let mut told: Vec<_> =
        run.out.exchanges.iter().map(|one| (one.stream, detail(one).call.as_deref().unwrap())).collect();
    told.sort_by_key(|(stream, _)| *stream);
    let counts: Vec<_> =
        told.iter().map(|(_, call)| (call.request_messages.unwrap(), call.response_messages.unwrap())).collect();
    assert_eq!(counts, [(1, 1), (1, 1), (1, 1), (1, 5), (4, 1), (3, 3), (1, 0), (1, 0)]);
    assert_eq!(told[6].1.message, "no such thing: 5% \u{20ac}");
    assert!(told[0].1.timeout_ns.is_some_and(|timeout| (9_000_000_000..=10_000_000_000).contains(&timeout)));
}

#[test]
fn beginnings_are_recognised() {
    for (name, recording, _) in RECORDINGS {
        for direction in [UP, DOWN] {
            let first = calls(recording).into_iter().find(|(way, _)| *way == direction).unwrap().1.unwrap();
            let verdict = PROTOCOL.probe_of(&first, direction, true);
            assert!(verdict == Probe::Yes(direction) || (direction == DOWN && verdict == Probe::Maybe), "{name}");
        }
    }
}

impl crate::protocol::Protocol {
    fn probe_of(&self, bytes: &[u8], direction: Direction, from_start: bool) -> Probe {
        (self.probe)(bytes, Context { direction: Some(direction), from_start })
    }
}

/// Joined at any call, or with any call lost: nothing that is told is of another stream.
#[test]
fn parts_of_it() {
    for (name, recording, expected) in RECORDINGS {
        let (calls, mut most) = (calls(recording), 0);
        for at in 1..calls.len() {
            let mut lost = calls.clone();
            lost[at].1 = Err(calls[at].1.as_ref().unwrap().len());
            for run in [Run::play(false, &calls[at..]).close(), Run::play(true, &lost).close()] {
                for told in &run.out.exchanges {
                    let fact = fact(told);
                    let expected = expected.lines().find(|line| line.starts_with(&format!("{} ", told.stream)));
                    let known = |(told, whole): (&str, &str)| told == whole || matches!(told, "?" | "" | "-");
                    let size = |(told, whole): (&str, &str)| {
                        known((told, whole)) || told.split('/').zip(whole.split('/')).all(known)
                    };
                    let is_part = expected.is_some_and(|whole| fact.split(' ').zip(whole.split(' ')).all(size));
                    assert!(is_part, "{name} {at}: {fact} of {expected:?}");
                }
                most = most.max(run.out.exchanges.len());
            }
        }
        assert!(most + 2 >= expected.lines().count(), "{name}: {most}");
    }
}
