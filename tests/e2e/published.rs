//! What an OpenTelemetry SDK publishes in the memory of its process: its resource (OTEP 4719).

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
