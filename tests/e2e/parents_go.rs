//! Which request a goroutine asked for over HTTP, where a goroutine of the connection sends.

use std::process::Command;

use wirespan_tests::span::Span;
use wirespan_tests::spans::Spans;

use crate::harness::agent::granted;
use crate::harness::parts::stripped;
use crate::harness::{Agent, run, servers, workload};

/// Requests of each kind.
const COUNT: usize = 120;
/// Calls of a request that asks itself and of one that is passed on, together: at least. A busy machine gives up some.
const CALLS: usize = 5;
/// Calls of a request whose goroutines ask, before the answer.
const FANNED: usize = 2;

/// The spans of a server that asks another one all the time, for so many requests at once; with a name for what went wrong.
fn asked(program: Command, at_once: usize) -> Option<(Spans, String)> {
    // The other backend has no room for contexts.
    let backend = granted().into_iter().find(|backend| *backend == "sockets")?;
    let other = servers::program("front.go", &[]);
    let front = servers::command_at(program, &[&other.port.to_string()]);
    let mut agent = Agent::run(backend, &[format!("pid={}", front.pid())], &[]);
    for kind in ["r", "p", "f"] {
        let urls = format!("http://127.0.0.1:{}/{kind}[1-{COUNT}]", front.port);
        let mut curl = Command::new("curl");
        curl.args(["-s", "--noproxy", "*", "-Z", "--parallel-max", &at_once.to_string()]);
        run(curl.arg(urls));
    }
    let spans = agent.finish();
    let told = format!("{at_once} at once: {}", agent.stderr());
    println!("{told}");
    Some((spans, told))
}

/// `r7`, of a request and of a call.
fn whose(span: &Span) -> &str {
    let text = span.attributes.get("url.path").or_else(|| span.attributes.get("url.full"));
    text.and_then(|text| text.as_str()).and_then(|text| text.rsplit('/').next()).unwrap_or_default()
}

/// Each call has the request that it was made for as its parent, but few that have none; none has another one.
fn are_right(program: Command, at_once: usize) {
    let Some((spans, told)) = asked(program, at_once) else { return };
    let requests = spans.servers().count(3 * COUNT);
    let calls = spans.clients().pick(|span| span.attributes.contains_key("url.full"));
    let (nobodys, calls) = (calls.pick(|call| whose(call) == "nobody"), calls.pick(|call| whose(call) != "nobody"));
    assert!(nobodys.len() > 20, "{told}");
    assert!(nobodys.iter().all(|call| call.parent.is_none()), "{told}");
    let is_fanned = |call: &Span| whose(call).starts_with('f');
    let (fanned, calls) = (calls.pick(is_fanned), calls.pick(|call| !is_fanned(call)));
    // None has the wrong one.
    let known = |calls: &Spans| {
        let parent = |call: &Span| requests.pick(|request| Some(&request.span_id) == call.parent.as_ref());
        let is_known = |call: &&Span| {
            let parent = parent(call);
            parent.iter().for_each(|parent| assert_eq!(whose(parent), whose(call), "{told}"));
            parent.iter().next().is_some()
        };
        calls.iter().filter(is_known).count()
    };
    println!(
        "{} of {} calls, {} of {} in goroutines of their own",
        known(&calls),
        calls.len(),
        known(&fanned),
        fanned.len()
    );
    // Those that gave up may not have been sent; connections that are closed when they are used are tried once more.
    assert!(calls.len() >= CALLS * COUNT, "{} calls, {told}", calls.len());
    assert!(known(&calls) * 1000 >= calls.len() * 995, "{} of {}, {told}", known(&calls), calls.len());
    assert!(
        fanned.len() >= FANNED * COUNT && known(&fanned) > COUNT / 2,
        "{} of {}, {told}",
        known(&fanned),
        fanned.len()
    );
}

#[test]
fn what_goroutines_ask_over_http_belongs_to_their_requests() {
    are_right(workload("front.go"), 1);
    are_right(workload("front.go"), 16);
}

#[test]
fn a_program_without_symbols_tells_the_same() {
    are_right(stripped("front.go"), 16);
}
