//! Streams that are not opened by plain TCP: MPTCP, TCP Fast Open.

use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use wirespan_tests::network::{Namespace, Network, SERVER};

use crate::harness::agent::trace_late;
use crate::harness::process::{Owned, eventually, free_port};
use crate::harness::{run, skipped, workload};

const PATHS: [&str; 4] = ["/a/1", "/a/2", "/b/1", "/b/2"];

/// The first connection that shows a server is ready is one of ours too: nobody sends anything on it.
fn serve(kind: &str, address: &str, port: u16, namespace: Option<&Namespace>) -> Owned {
    let mut command = workload("transports.py");
    command.args(["serve", kind, address, &port.to_string()]);
    let start = |command: &mut Command| Owned::start(command, Signal::TERM);
    let listens = || std::net::TcpStream::connect((address, port)).is_ok();
    match namespace {
        Some(namespace) => {
            let server = namespace.inside(|| start(&mut command));
            eventually("the server listens", || namespace.inside(listens));
            server
        }
        None => {
            let server = start(&mut command);
            eventually("the server listens", listens);
            server
        }
    }
}

/// Every request is told on both sides, from the first one of each connection on.
#[track_caller]
fn told(name: &str, port: u16, traffic: impl FnOnce()) {
    // With TCP Fast Open a send returns when the handshake is over, long after the server has read what went with the SYN.
    let (spans, ()) = trace_late(&[format!("port={port}")], traffic);
    let (servers, clients) = (spans.servers(), spans.clients());
    assert_eq!(servers.texts("url.path"), PATHS, "{name}");
    assert_eq!(clients.len(), 4, "{name}");
    for (span, path) in clients.iter().zip(PATHS) {
        assert!(span.text("url.full").ends_with(path), "{name}: {span:#?}");
        assert_eq!(span.text("server.port"), port.to_string(), "{name}: {span:#?}");
    }
}

#[test]
fn multipath_at_either_end_and_at_both() {
    // `IPPROTO_MPTCP`
    let makes = |kind: &str| {
        let program = format!("import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM, {kind})");
        crate::harness::parts::python().args(["-c", &program]).output().unwrap().status.success()
    };
    if !makes("262") {
        return skipped("this kernel has no MPTCP");
    }
    for (server, client) in [("multipath", "multipath"), ("multipath", "plain"), ("plain", "multipath")] {
        let port = free_port();
        let _server = serve(server, "127.0.0.1", port, None);
        told(&format!("{server} server, {client} client"), port, || {
            run(workload("transports.py").args(["ask", client, "127.0.0.1", &port.to_string()]));
        });
    }
}

/// Client and server for it, and data without a cookie, so that the first SYN has some.
const FAST_OPEN: &str = "1543";

#[test]
fn fast_open_at_a_distance() {
    let network = match Network::new(Duration::from_millis(5)) {
        Ok(network) => network,
        Err(why) => return skipped(&why),
    };
    for namespace in [&network.client, &network.server] {
        let set = || std::fs::write("/proc/sys/net/ipv4/tcp_fastopen", FAST_OPEN);
        if namespace.inside(set).is_err() {
            return skipped("this kernel has no TCP Fast Open");
        }
    }
    for kind in ["sendto", "connect", "nonblocking"] {
        let port = free_port();
        let _server = serve(kind, SERVER, port, Some(&network.server));
        told(kind, port, || {
            let mut client = workload("transports.py");
            client.args(["ask", kind, SERVER, &port.to_string()]);
            network.client.inside(|| run(&mut client));
        });
    }
}
