//! How long requests wait at a server that is busy.

use serde_json::Value;

use crate::harness::{run, servers, trace, workload};

/// Four requests at once, one server, 100 ms each: nobody is before the first, three are before the last.
#[test]
fn behind_others() {
    let server = servers::program("busy_server.py", &[]);
    let (spans, ()) = trace(&server.select_port(), || {
        run(workload("busy_client.py").arg(server.port.to_string()));
    });
    let servers = spans.servers().count(4);
    let waited: Vec<f64> = servers
        .iter()
        .map(|span| span.attributes.get("wirespan.queue.duration").and_then(Value::as_f64))
        .map(|waited| waited.unwrap_or(f64::NAN))
        .collect();
    for (number, (waited, span)) in waited.iter().zip(servers.iter()).enumerate() {
        // All came when the first one was taken, as nearly as four threads send at once.
        let expected = (span.start - servers[0].start) as f64 / 1e9;
        assert!(expected >= 0.09 * number as f64, "{number} was taken after {expected} s");
        assert!((waited - expected).abs() < 0.08, "{number} waited {waited} s, not {expected} s");
    }
    // The span itself begins when the server takes the request: each takes as long.
    servers.iter().for_each(|span| _ = span.took(100..800));
    // The client knows only that the later ones took longer.
    let clients = spans.clients().count(4);
    clients[3].took(400..3000);
    assert!(clients.iter().all(|span| !span.attributes.contains_key("wirespan.queue.duration")));
}
