//! Which request a task of tokio asked for, where the task of a connection sends.

use std::process::Command;

use wirespan_tests::span::Span;

use crate::harness::agent::granted;
use crate::harness::postgres::Postgres;
use crate::harness::{Agent, run, servers};

/// Requests of each kind.
const COUNT: usize = 100;
/// How many of 100 calls must have a parent, one after the other and sixteen at once. Over one connection for all, those that overlap
/// have none.
const KINDS: [(&str, usize, usize); 6] =
    [("http", 98, 98), ("spawn", 98, 98), ("sql", 98, 98), ("block", 98, 98), ("shared", 90, 0), ("redis", 90, 0)];

/// In whose name a call was made: of `… AS "http7"`, `GET http7` and `/back/http7`.
fn whose(call: &Span) -> &str {
    let text = call.attributes.get("db.query.text").or_else(|| call.attributes.get("url.full"));
    let text = text.and_then(|text| text.as_str()).unwrap_or_default();
    text.trim_end_matches('"').rsplit(['/', ' ', '"']).next().unwrap_or_default()
}

#[test]
fn what_a_task_asks_belongs_to_the_request_that_it_was_made_for() {
    // The other backend has no room for it.
    if !granted().contains(&"sockets") {
        return;
    }
    for at_once in [1, 16] {
        let (database, redis) = (Postgres::start(), servers::redis());
        let start = |other: u16| {
            let own = [database.port, redis.port, other].map(|port| port.to_string());
            let program = Command::new(env!("CARGO_BIN_EXE_tokio-shop"));
            servers::of(program, move |port| std::iter::once(port).chain(own.iter().cloned()).collect())
        };
        let other = start(0);
        let shop = start(other.port);
        let mut agent = Agent::run("sockets", &[format!("pid={}", shop.pid())], &[]);
        for (kind, ..) in KINDS {
            let urls = format!("http://127.0.0.1:{}/{kind}/{kind}[1-{COUNT}]", shop.port);
            let mut curl = Command::new("curl");
            run(curl.args(["-s", "-f", "--noproxy", "*", "-Z", "--parallel-max", &at_once.to_string()]).arg(urls));
        }
        let spans = agent.finish();
        println!("{at_once} at once: {}", agent.stderr());
        let requests = spans.servers().count(KINDS.len() * COUNT);
        for (kind, one, many) in KINDS {
            let calls = spans.clients().pick(|call| whose(call).starts_with(kind)).count(COUNT);
            let known = calls.pick(|call| call.parent.is_some());
            for call in known.iter() {
                let parent = requests.pick(|request| Some(&request.span_id) == call.parent.as_ref());
                let own = format!("/{kind}/{}", whose(call));
                assert_eq!(parent.only().text("url.path"), own, "{at_once} at once");
            }
            println!("{at_once} at once: {kind}: {} of {COUNT}", known.len());
            let least = if at_once == 1 { one } else { many };
            assert!(100 * known.len() >= least * COUNT, "{at_once} at once: {kind}: {} of {COUNT}", known.len());
        }
    }
}
