//! What an OpenTelemetry SDK publishes in the memory of its process: its resource (OTEP 4719), and the span that a thread
//! is in (OTEP 4947).

use crate::harness::Agent;
use crate::harness::agent::granted;
use crate::harness::process::eventually;
use crate::harness::servers::{self, curl};

/// A service is what it publishes of itself, also when it is published anew while it is traced; but a command line is not taken over.
#[test]
fn a_service_is_what_its_sdk_publishes() {
    for backend in granted() {
        let server = servers::command("published.c", &[]);
        let mut agent = Agent::run(backend, &[format!("pid={}", server.pid())], &[]);
        curl(server.port, "/first", &[]);
        curl(server.port, "/version/2", &[]);
        eventually("the second version was seen", || {
            curl(server.port, "/again", &[]);
            agent.raw().contains(r#""service.version","value":{"stringValue":"2"}"#)
        });
        let spans = agent.finish().servers();
        let of = |path: &str| {
            let span = spans.iter().find(|span| span.attributes["url.path"] == path).unwrap();
            ["service.name", "service.version"].map(|key| span.resource[key].as_str().unwrap().to_owned())
        };
        assert_eq!(of("/first"), ["published-shop", "1"], "{backend}: {}", agent.stderr());
        assert!(!agent.raw().contains("secret"), "{backend}");
    }
}

/// A call is made in the span that its thread is in, as the SDK says, and sampled as that is; where it says nothing, in the request that
/// the thread handles.
#[test]
fn a_call_is_made_in_the_span_of_its_thread() {
    if !granted().contains(&"sockets") {
        return;
    }
    let (server, up) = (servers::command("published.c", &[]), servers::nginx(None));
    let mut agent = Agent::run("sockets", &[format!("pid={}", server.pid()), up.select_port()[0].clone()], &[]);
    // What was published before is read beside all else.
    std::thread::sleep(std::time::Duration::from_millis(500));
    let ask = |trace: u8, flags: &str| {
        let (trace_id, span_id) = (format!("{trace:02x}").repeat(16), format!("{trace:02x}").repeat(8));
        curl(server.port, &format!("/ask/{}/{trace_id}/{span_id}/{flags}", up.port), &[]);
    };
    (1..=5).for_each(|trace| ask(trace, "01"));
    ask(6, "00");
    curl(server.port, &format!("/ask/{}/none/0/0", up.port), &[]);
    let spans = agent.finish();
    let clients: Vec<_> = spans
        .iter()
        .filter(|span| span.kind == "CLIENT" && span.resource["service.name"] == "published-shop")
        .collect();
    for trace in 1..=5 {
        let (trace_id, span_id) = (format!("{trace:02x}").repeat(16), format!("{trace:02x}").repeat(8));
        let asked = |span: &&&wirespan_tests::span::Span| span.attributes["url.full"].to_string().contains(&trace_id);
        let call = clients.iter().find(asked).unwrap_or_else(|| panic!("{trace}: {clients:#?}\n{}", agent.stderr()));
        assert_eq!((&call.trace_id, call.parent.as_ref()), (&trace_id, Some(&span_id)));
        let answer = spans.iter().find(|span| span.kind == "SERVER" && span.parent.as_ref() == Some(&call.span_id));
        assert_eq!(answer.unwrap().trace_id, trace_id, "and so does who is asked");
    }
    assert!(spans.iter().all(|span| span.trace_id != "06".repeat(16)), "that is not sampled");
    assert_eq!(clients.len(), 6);
    let plain = clients.iter().find(|span| span.attributes["url.full"].to_string().contains("/none")).unwrap();
    let handled = spans.iter().find(|span| Some(&span.span_id) == plain.parent.as_ref()).unwrap();
    assert_eq!(handled.kind, "SERVER");
    assert!(handled.attributes["url.path"].to_string().contains("/none/0/0"));
}
