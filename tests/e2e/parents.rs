//! Which request of its process a call was made for.

use std::process::Command;

use wirespan_tests::span::Span;
use wirespan_tests::spans::Spans;

use crate::harness::postgres::Postgres;
use crate::harness::{run, servers, trace};

/// Requests `/r1` … of a server that names them in its statements, so many at a time: the spans of the server's process.
fn orders(program: &str, count: usize, at_once: usize) -> Spans {
    let database = Postgres::start();
    let server = servers::program(program, &[&database.dsn()]);
    let urls = format!("http://127.0.0.1:{}/r[1-{count}]", server.port);
    let (spans, ()) = trace(&server.select_port(), || {
        run(Command::new("curl")
            .args(["-s", "--noproxy", "*", "-Z", "--parallel-immediate", "--parallel-max", &at_once.to_string()])
            .arg(urls));
    });
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
    let spans = orders("orders_threads.py", 24, 8);
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
    let spans = orders("orders_async.py", 24, 8);
    let requests = spans.servers().count(24);
    let statements = spans.clients().count(24);
    let children = statements.pick(|statement| statement.parent.is_some());
    for statement in children.iter() {
        let parent = requests.pick(|request| Some(&request.span_id) == statement.parent.as_ref());
        assert_eq!(parent.only().text("url.path"), truth(statement));
    }
    assert_eq!(children.len(), 0, "all of them overlap");
}
