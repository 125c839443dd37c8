//! Kinds of sockets, connections that were there before, processes in the same network namespace.

use serde_json::json;

use super::{case, gated, pair, select, server};
use crate::harness::{process, run, trace, workload};

#[test]
fn unix_sockets() {
    let server = server();
    let path = server.sockets().join(format!(".s.PGSQL.{}", server.port)).display().to_string();
    let dsn = format!("host={} port={} user=postgres dbname=shop", server.sockets().display(), server.port);
    // The client is known by its environment: it has no port.
    let mark = format!("test-{}", server.port);
    let selectors = vec![select(&server)[0].clone(), format!("env.WIRESPAN_E2E={mark}")];
    let (spans, ()) = trace(&selectors, || {
        run(workload("pg2.py").args(["transaction", &dsn]).env("WIRESPAN_E2E", &mark));
    });
    let (servers, clients) = pair(&spans);
    assert_eq!(servers.len(), 6);
    for span in servers.iter() {
        span.has(&json!({ "network.transport": "unix", "server.address": path, "server.port": null }));
        span.has(&json!({ "db.namespace": "shop" }));
    }
    for span in clients.iter() {
        span.has(&json!({ "network.transport": "unix", "server.address": path, "network.peer.address": path }));
        span.has(&json!({ "db.namespace": "shop" }));
    }
}

#[test]
fn ipv6() {
    let server = server();
    let dsn = server.dsn().replace("127.0.0.1", "::1");
    let (spans, ()) = trace(&select(&server), || {
        run(workload("pg2.py").args(["plain", &dsn]));
    });
    let (_, clients) = pair(&spans);
    clients.only().has(&json!({ "server.address": "::1", "network.peer.address": "::1" }));
}

/// Both ends are on one host and in one network namespace: who asks is the client.
#[test]
fn a_client_beside_its_database() {
    let (servers, clients) = case("pg2.py", "plain");
    assert_eq!(servers.only().resource["service.name"], "postgres");
    assert_ne!(clients.only().resource["service.name"], "postgres");
    assert!(clients.only().encloses(servers.only()));
}

#[test]
fn a_connection_from_before_the_agent() {
    let (servers, clients) = gated("pg2.py", "early");
    for spans in [&servers, &clients] {
        assert_eq!(spans.names(), ["SELECT orders", "SELECT items"]);
        // What start-up told was not seen.
        spans[0].failed(false).has(&json!({ "db.namespace": null }));
    }
}

/// Backends that a selected postmaster forked before the agent came.
#[test]
fn a_server_selected_by_its_process_id() {
    let server = server();
    let gates = crate::harness::Folder::new();
    let mut client = workload("pg2.py");
    client.args(["early", &server.dsn()]).env("GATES", gates.path());
    let mut client = process::Owned::start(&mut client, rustix::process::Signal::TERM);
    process::eventually("the client is at its gate", || gates.join("gate.ready").exists());
    let (spans, ()) = trace(&[format!("pid={}", server.pid())], || {
        gates.write("gate.open", "");
        assert!(client.wait().success());
        run(workload("pg2.py").args(["plain", &server.dsn()]));
    });
    assert_eq!(spans.servers().count(3).names(), ["SELECT orders", "SELECT items", "SELECT orders"]);
    assert!(spans.clients().is_empty());
}
