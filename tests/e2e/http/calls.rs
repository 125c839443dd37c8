//! System calls that are rarely used, and those whose bytes nobody can read: what they move is a gap of known length.

use serde_json::json;
use wirespan_tests::spans::Spans;

use super::pair;
use crate::harness::agent::granted;
use crate::harness::{Agent, run, servers, trace, workload};

/// Runs a case of `http_client.py` against `calls.c` under each backend: its spans, and what the agent told of a counter.
#[track_caller]
fn each(mode: &str, client: &str, counter: &str, look: impl Fn(&str, &Spans, u64)) {
    let server = servers::program("calls.c", &[mode]);
    for backend in granted() {
        let mut agent = Agent::run(backend, &server.select_port(), &[]);
        run(workload("http_client.py").args([client, &server.port.to_string()]));
        let spans = agent.finish();
        println!("{backend}: {}", agent.stderr());
        look(backend, &spans, agent.told(counter));
    }
}

/// The bodies never were in user space at the server: their sizes are right all the same, or not told.
#[test]
fn bodies_by_splice() {
    each("splice", "upload_between", "unreadable_splice", |backend, spans, unreadable| {
        // What splice takes out of a TCP socket passes no tracepoint of the socket layer; `sockets` sees the gap when the
        // next request comes, and does not tell a size that it did not know when the exchange ended.
        let taken = if backend == "sockets" { "" } else { "50000" };
        let (servers, clients) = pair(spans, 3);
        for (spans, sizes) in [(&servers, ["0", taken, "0"]), (&clients, ["0", "50000", "0"])] {
            assert_eq!(spans.texts("http.request.body.size"), sizes, "{backend}");
            assert_eq!(spans.texts("http.response.body.size"), ["100000"; 3], "{backend}");
            assert!(spans.iter().all(|span| !span.error));
        }
        // A body takes several calls.
        assert!(unreadable > 3 * 2, "{unreadable}");
    });
}

/// The server throws a request's body away without looking at it (`MSG_TRUNC`).
#[test]
fn a_body_that_is_discarded_unread() {
    each("truncate", "upload_between", "unreadable_other", |_, spans, unreadable| {
        let (servers, clients) = pair(spans, 3);
        for spans in [&servers, &clients] {
            assert_eq!(spans.texts("http.request.body.size"), ["0", "50000", "0"]);
            assert!(spans.iter().all(|span| !span.error));
        }
        assert!(unreadable > 0);
    });
}

/// One message of a call is like any other; which of several it was cannot be told, so that they are a gap.
#[test]
fn several_messages_in_one_call() {
    each("mmsg", "four", "unreadable_other", |_, spans, unreadable| {
        let clients = spans.clients().count(4);
        assert_eq!(clients.texts("http.response.body.size"), ["100000"; 4]);
        let servers = spans.servers();
        let told = servers.texts("url.path");
        // The second answer and the third request were in two messages.
        assert_eq!((told.first().map(String::as_str), told.last().map(String::as_str)), (Some("/one"), Some("/four")));
        for span in servers.iter() {
            let expected = if span.text("url.path") == "/two" { json!(null) } else { json!(200) };
            span.has(&json!({ "http.response.status_code": expected }));
            assert_ne!(span.text("url.path"), "/three", "a request that nobody could read");
        }
        assert!(unreadable >= 2, "{unreadable}");
    });
}

/// Calls that a signal interrupts, before or after they moved something.
#[test]
fn interrupted_calls() {
    each("interrupted", "slowly", "unreadable_other", |_, spans, unreadable| {
        let (servers, clients) = pair(spans, 2);
        for span in servers.iter().chain(clients.iter()) {
            span.failed(false).took(45..2000).has(&json!({ "http.response.body.size": 100_000 }));
        }
        assert_eq!(servers.texts("url.path"), ["/one", "/two"]);
        assert_eq!(unreadable, 0);
    });
}

/// What goes by io_uring is told by nobody at the server; what goes by calls on the same connection is told right.
#[test]
fn io_uring_is_a_gap() {
    let refused = std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled").is_ok_and(|text| text.trim() != "0");
    if refused {
        crate::harness::skipped("the kernel grants no io_uring");
        return;
    }
    // At once, and while the server waits in another call.
    let modes: [&[&str]; 2] = [&[], &["elsewhere"]];
    for (mode, backend) in modes.into_iter().flat_map(|mode| granted().into_iter().map(move |backend| (mode, backend)))
    {
        let server = servers::program("uring.c", mode);
        let mut agent = Agent::run(backend, &server.select_port(), &[]);
        run(workload("http_client.py").args(["four_slowly", &server.port.to_string()]));
        let spans = agent.finish();
        println!("{backend}: {}", agent.stderr());
        let clients = spans.clients().count(4);
        assert_eq!(clients.texts("http.response.body.size"), ["6"; 4]);
        // The fallback sees no call of io_uring; the first one after a gap may be lost with it.
        let told = spans.servers().texts("url.path");
        assert!(told == ["/three", "/four"] || (backend == "syscalls" && told == ["/four"]), "{backend}: {told:?}");
        for span in spans.requests().iter() {
            span.failed(false).has(&json!({ "http.response.status_code": 200, "http.response.body.size": 6 }));
        }
        // Two requests, and two answers if they go that way, too.
        let expected = match (backend, mode.is_empty()) {
            ("sockets", true) => 4,
            ("sockets", false) => 2,
            _ => 0,
        };
        assert_eq!(agent.told("unreadable_io_uring"), expected, "{backend}");
    }
}

/// A server on Python's event loop.
#[test]
fn fastapi_on_uvicorn() {
    let server = servers::program("fast_api.py", &[]);
    let (spans, ()) = trace(&server.select_port(), || {
        for path in ["/orders/7?full=1", "/orders/seven"] {
            servers::curl(server.port, path, &[]);
        }
    });
    let (servers, _) = pair(&spans, 2);
    servers[0].failed(false).has(&json!({
        "url.path": "/orders/7", "url.query": "full=1", "http.response.status_code": 200, "http.response.body.size": 11,
    }));
    servers[1].failed(false).has(&json!({ "url.path": "/orders/seven", "http.response.status_code": 422 }));
}
