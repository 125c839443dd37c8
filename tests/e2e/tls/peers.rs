//! Pools and event loops that ask several servers at once over TLS: what is told of a request is told of the connection that it was on.
//!
//! Each path names the server that it is meant for, and each number is asked for once. `WIRESPAN_TEST_PEERS=50000` makes so many
//! requests instead of the few of a usual run, and prints what was counted.

use std::collections::HashMap;
use std::process::Command;
use std::time::Duration;

use wirespan_tests::span::Span;

use crate::harness::certificates::Authority;
use crate::harness::servers::{self, Server, which};
use crate::harness::{Agent, run, skipped, workload};

/// Servers, each a process with a port of its own.
const SERVERS: usize = 4;
/// Requests of a usual run, all drivers together.
const COUNT: usize = 2400;
/// Requests at once.
const AT_ONCE: usize = 16;
/// Programs and what they ask with.
const DRIVERS: [(&str, &str); 8] = [
    ("peers.py", "httpx"),
    ("peers.py", "httpx+uvloop"),
    ("peers.py", "aiohttp"),
    ("peers.py", "aiohttp+uvloop"),
    ("peers.js", "https"),
    ("peers.js", "fetch"),
    ("peers.go", "http"),
    ("peers.go", "http2"),
];

/// What spans of one end say.
#[derive(Debug, Default, PartialEq, Eq)]
struct Account {
    told: usize,
    twice: usize,
    missing: usize,
    wrong_peer: usize,
    wrong_parent: usize,
    no_parent: usize,
}

/// Which server a request was meant for, and its number.
fn meant(span: &Span) -> Option<(i64, usize)> {
    let text = ["url.path", "url.full"].iter().find_map(|key| span.attributes.get(*key)?.as_str())?;
    let (_, rest) = text.split_once("/to-")?;
    let (port, number) = rest.split_once("/n")?;
    Some((port.parse().ok()?, number.parse().ok()?))
}

#[track_caller]
fn count(spans: &[Span], servers: &[Server], kind: &str, count: usize) -> Account {
    let of_process: HashMap<i64, i64> =
        servers.iter().map(|server| (server.pid().into(), i64::from(server.port))).collect();
    let by_id: HashMap<&str, &Span> = spans.iter().map(|span| (&*span.span_id, span)).collect();
    let mut account = Account::default();
    let mut seen = vec![false; count];
    for span in spans.iter().filter(|span| span.kind == kind) {
        let Some((port, number)) = meant(span).filter(|(_, number)| *number < count) else { continue };
        account.told += 1;
        account.twice += usize::from(std::mem::replace(&mut seen[number], true));
        let was = match kind {
            "CLIENT" => span.attributes["network.peer.port"].as_i64(),
            _ => span.resource["process.pid"].as_i64().and_then(|pid| of_process.get(&pid).copied()),
        };
        account.wrong_peer += usize::from(was != Some(port));
        match &span.parent {
            None => account.no_parent += 1,
            Some(parent) => {
                let parent = by_id.get(&**parent).filter(|parent| parent.trace_id == span.trace_id);
                let is_right =
                    parent.is_some_and(|parent| parent.kind != kind && meant(parent) == Some((port, number)));
                account.wrong_parent += usize::from(!is_right);
            }
        }
    }
    account.missing = seen.iter().filter(|seen| !**seen).count();
    account
}

#[test]
fn each_request_is_told_of_its_own_connection() {
    if which("go").is_none() {
        return skipped("go is missing");
    }
    let wanted = std::env::var("WIRESPAN_TEST_PEERS").ok().and_then(|text| text.parse().ok());
    let share = wanted.unwrap_or(COUNT).div_ceil(DRIVERS.len());
    let authority = Authority::new();
    let identity = authority.sign();
    let files = [&identity.certificate, &identity.key].map(|path| path.display().to_string());
    let started: Vec<Server> = (0..SERVERS)
        .map(|_| {
            servers::of(
                {
                    let mut one = workload("peers.go");
                    one.arg("serve");
                    one
                },
                |port| [vec![port], files.to_vec()].concat(),
            )
        })
        .collect();
    let ports: Vec<String> = started.iter().map(|server| server.port.to_string()).collect();
    let ports = ports.join(",");
    let load = |(program, driver): (&str, &str), at_once: usize, first: usize, end: usize| {
        let mut command: Command = workload(program);
        run(command.args([driver, &ports]).args([at_once, first, end].map(|number| number.to_string())));
    };
    let mut agent = Agent::run("sockets", &[format!("port in ({ports})")], &["--tls"]);
    // A program that nobody has seen before is searched while it makes its first handshakes.
    let total = share * DRIVERS.len();
    DRIVERS.iter().for_each(|driver| load(*driver, 1, total, total + 2));
    std::thread::sleep(super::drivers::LOOKED_AT);
    for (at, driver) in DRIVERS.iter().enumerate() {
        load(*driver, AT_ONCE, at * share, (at + 1) * share);
    }
    // Many at once are more than an agent without optimization follows.
    let last = format!("/n{}\"", total - 1);
    for _ in 0..100 {
        if agent.raw().matches(&last).count() >= 2 {
            break;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    let spans = agent.finish();
    println!("{}", agent.stderr());
    let spans: Vec<Span> = spans.iter().cloned().collect();
    for kind in ["CLIENT", "SERVER"] {
        let account = count(&spans, &started, kind, total);
        println!("{kind}: {account:?} of {total}");
        // Whoever asks has no parent, and a client that waits for its processor reads late.
        let no_parent = if kind == "CLIENT" { total } else { account.no_parent };
        let expected = Account { told: total, no_parent, ..Account::default() };
        assert_eq!(account, expected, "{kind}");
        assert!(kind == "CLIENT" || account.no_parent * 20 <= total, "{}", account.no_parent);
    }
}
