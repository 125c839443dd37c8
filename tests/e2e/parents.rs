//! Which request a call was made for.

use std::process::Command;

use wirespan_tests::span::Span;
use wirespan_tests::spans::Spans;

use crate::harness::agent::{granted, trace_late};
use crate::harness::postgres::Postgres;
use crate::harness::{Agent, run, servers, trace};

/// Requests `/r1` … of a server that names them in its statements, so many at a time: the spans of the server's process.
fn orders(program: &str, count: usize, at_once: usize, is_loop: bool) -> Spans {
    let database = Postgres::start();
    let server = servers::program(program, &[&database.dsn()]);
    let urls = format!("http://127.0.0.1:{}/r[1-{count}]", server.port);
    let ask = || {
        run(Command::new("curl")
            .args(["-s", "--noproxy", "*", "-Z", "--parallel-immediate", "--parallel-max", &at_once.to_string()])
            .arg(urls));
    };
    let ports = server.select_port();
    // One backend alone sees the contexts of loops.
    let (spans, ()) = if is_loop { trace_late(&ports, ask) } else { trace(&ports, ask) };
    let pid = i64::from(server.pid());
    spans.pick(|span| span.resource.get("process.pid").is_some_and(|value| value.as_i64() == Some(pid)))
}

/// The request that a statement was run for, as it says itself: `/r7`.
fn truth(statement: &Span) -> String {
    let text = statement.text("db.query.text");
    format!("/{}", text.rsplit_once(" AS ").unwrap_or_else(|| panic!("{text}")).1)
}

#[test]
fn on_a_thread_of_its_own_each_request_has_its_statement() {
    let spans = orders("orders_threads.py", 24, 8, false);
    let requests = spans.servers().count(24);
    for statement in spans.clients().count(24).iter() {
        let parent = requests.pick(|request| Some(&request.span_id) == statement.parent.as_ref());
        let parent = parent.only();
        assert_eq!(parent.text("url.path"), truth(statement));
        assert_eq!(parent.trace_id, statement.trace_id);
        assert!(parent.encloses(statement));
    }
}

#[test]
fn on_an_event_loop_no_request_has_another_s_statement() {
    let spans = orders("orders_async.py", 24, 8, true);
    let requests = spans.servers().count(24);
    let statements = spans.clients().count(24);
    // All of them overlap: only contexts tell.
    let children = statements.pick(|statement| statement.parent.is_some());
    for statement in children.iter() {
        let parent = requests.pick(|request| Some(&request.span_id) == statement.parent.as_ref());
        assert_eq!(parent.only().text("url.path"), truth(statement));
    }
}

/// The end of a name that says whose it is: of `/r7` and of `… AS r7`.
fn whose(span: &Span) -> String {
    let text = span.attributes.get("url.path").or_else(|| span.attributes.get("db.query.text"));
    let text = text.and_then(|text| text.as_str()).unwrap_or_default();
    text.rsplit(['/', ' ']).next().unwrap_or_default().to_owned()
}

#[test]
fn both_ends_of_a_call_are_one_trace_without_a_header() {
    const COUNT: usize = 40;
    for backend in granted() {
        let database = Postgres::start();
        let orders = servers::program("orders_threads.py", &[&database.dsn()]);
        let gateway = servers::nginx(Some(orders.port));
        let ports = [gateway.port, orders.port, database.port].map(|port| format!("port={port}"));
        let mut agent = Agent::run(backend, &ports, &[]);
        let urls = format!("http://127.0.0.1:{}/up/r[1-{COUNT}]", gateway.port);
        run(Command::new("curl").args(["-s", "--noproxy", "*", "-Z", "--parallel-max", "8"]).arg(urls));
        let spans = agent.finish();
        println!("{backend}: {}", agent.stderr());
        let pid = i64::from(orders.pid());
        let orders = spans.pick(|span| span.resource.get("process.pid").and_then(|pid| pid.as_i64()) == Some(pid));
        let asks = spans.clients().pick(|span| span.attributes.contains_key("url.full"));
        let statements = spans.servers().pick(|span| whose(span).starts_with('r') && span.name.starts_with("SELECT"));
        for (callers, called) in [(asks, orders.servers()), (orders.clients(), statements)] {
            // A server process that lives for one statement may be gone before it is known whose it is.
            let counted = called.len() as u64 + agent.told("process_not_selected");
            assert!(counted >= COUNT as u64, "{backend}: {counted}");
            for answer in called.iter() {
                let caller = callers.pick(|caller| Some(&caller.span_id) == answer.parent.as_ref());
                let caller = caller.only();
                assert_eq!(caller.trace_id, answer.trace_id, "{backend}");
                assert!(caller.encloses(answer), "{backend}: {caller:?} {answer:?}");
                let full = caller.attributes.get("url.full").and_then(|url| url.as_str()).unwrap_or_default();
                let is_same = full.ends_with(&format!("/{}", whose(answer))) || whose(caller) == whose(answer);
                assert!(is_same, "{backend}: {caller:?} {answer:?}");
            }
        }
    }
}

/// Goroutines share threads and connections, and everything overlaps.
#[test]
fn what_a_goroutine_asks_belongs_to_the_request_that_it_received() {
    const COUNT: usize = 120;
    // The other backend has no room for it.
    let backends = granted().into_iter().filter(|backend| *backend == "sockets");
    for (backend, at_once) in backends.flat_map(|backend| [(backend, "1"), (backend, "16")]) {
        let redis = servers::redis();
        let orders = servers::program("orders.go", &[&redis.port.to_string()]);
        let mut agent = Agent::run(backend, &[format!("pid={}", orders.pid())], &[]);
        let urls = format!("http://127.0.0.1:{}/r[1-{COUNT}]", orders.port);
        run(Command::new("curl").args(["-s", "--noproxy", "*", "-Z", "--parallel-max", at_once]).arg(urls));
        let spans = agent.finish();
        println!("{backend}: {}", agent.stderr());
        let requests = spans.servers().count(COUNT);
        let calls = spans.clients().pick(|span| span.attributes.contains_key("db.query.text"));
        let (nobodys, calls) = (
            calls.pick(|call| call.text("db.query.text") == "GET nobody"),
            calls.pick(|call| call.text("db.query.text") != "GET nobody"),
        );
        assert!(nobodys.len() > 20 && nobodys.iter().all(|call| call.parent.is_none()), "{backend} {at_once}");
        let mut known = 0;
        for call in calls.count(3 * COUNT).iter() {
            let parent = requests.pick(|request| Some(&request.span_id) == call.parent.as_ref());
            if let Some(parent) = parent.iter().next() {
                assert_eq!(whose(parent), whose(call), "{backend} {at_once}");
                known += 1;
            }
        }
        assert!(known >= 3 * COUNT - 6, "{backend} {at_once}: {known}");
    }
}
