//! How bytes come and go: kinds of sockets, of calls, and of processes.

use std::process::Command;

use serde_json::json;

use super::{case, case_with, pair};
use crate::harness::servers::{self, curl, which};
use crate::harness::{run, trace, workload};

#[test]
fn peeked_bytes_are_not_data_twice() {
    let (servers, _) = case_with("peek", 2, &["peek"]);
    assert_eq!(servers.texts("url.path"), ["/one", "/two"]);
}

#[test]
fn a_server_that_never_blocks() {
    let (servers, _) = case_with("big", 3, &["nonblocking"]);
    assert_eq!(servers.texts("url.path"), ["/upload", "/many", "/after"]);
}

#[test]
fn a_proxy_that_says_for_whom_it_asks() {
    let (servers, clients) = case("proxied", 3);
    assert_eq!(servers.texts("url.path"), ["/first", "/second", "/third"]);
    assert_eq!(servers.texts("client.address"), ["198.51.100.7", "198.51.100.7", "2001:db8::7"]);
    for span in servers.iter().chain(clients.iter()) {
        span.failed(false).has(&json!({ "network.peer.address": "127.0.0.1", "http.response.status_code": 200 }));
    }
}

#[test]
fn ipv6() {
    let (servers, clients) = case("ipv6", 1);
    for span in [servers.only(), clients.only()] {
        span.has(&json!({ "network.peer.address": "::1" }));
    }
}

/// curl is over before anybody could look at it.
#[test]
fn clients_that_live_for_milliseconds() {
    let server = servers::nginx(None);
    let select = vec![format!("pid={}", server.pid()), format!("exe={}", which("curl").unwrap().display())];
    // Others may use curl meanwhile.
    let ours = format!("http://127.0.0.1:{}/", server.port);
    let agents: Vec<_> = crate::harness::agent::granted();
    for backend in agents {
        let mut agent = crate::harness::Agent::run(backend, &select, &[]);
        for _ in 0..20 {
            curl(server.port, "/", &[]);
        }
        let spans = agent.finish();
        let spans = spans.pick(|span| span.kind == "SERVER" || span.text("url.full") == ours);
        let (_, clients) = pair(&spans, 20);
        assert!(clients.iter().all(|span| span.resource["service.name"] == "curl"));
        let mut pids: Vec<_> = clients.iter().map(|span| span.resource["process.pid"].to_string()).collect();
        pids.dedup();
        assert_eq!(pids.len(), 20);
    }
}

#[test]
fn workers_that_share_an_inherited_listener() {
    let server = servers::program("odd_server.py", &["prefork"]);
    let select = vec![format!("pid={}", server.pid())];
    let (spans, ()) = trace(&select, || {
        for _ in 0..4 {
            run(workload("http_client.py").args(["plain", &server.port.to_string()]));
        }
    });
    let spans = spans.servers().count(8);
    for span in spans.iter() {
        assert_ne!(span.resource["process.pid"], server.pid(), "a worker answered, not its master");
    }
}

/// Each process of a port that several listen on tells what it served itself.
#[test]
fn a_port_that_two_processes_listen_on() {
    let server = servers::program("reuse_port.py", &[]);
    let ask = || -> Vec<String> { (0..32).map(|_| curl(server.port, "/", &[])).collect() };
    let (spans, answered) = trace(&server.select_port(), ask);
    let spans = spans.servers().count(answered.len());
    let by: Vec<_> = spans.iter().map(|span| span.resource["process.pid"].to_string()).collect();
    assert_eq!(by, answered, "in the order of the requests");
    // Whoever selects a process selects its children, so it is the child that is asked for alone.
    let child = answered.iter().find(|pid| **pid != server.pid().to_string()).unwrap();
    assert!(answered.iter().any(|pid| pid != child), "both had some");

    let (spans, answered) = trace(&[format!("pid={child}")], ask);
    let of_child = answered.iter().filter(|pid| *pid == child).count();
    let spans = spans.servers().count(of_child);
    let child: u32 = child.parse().unwrap();
    assert!(spans.iter().all(|span| span.resource["process.pid"] == child));
}

/// The file goes out by sendfile: nobody reads it in user space.
#[test]
fn a_static_file_by_sendfile() {
    let server = servers::nginx(None);
    let (spans, ()) = trace(&server.select_port(), || {
        for path in ["/big", "/", "/big"] {
            curl(server.port, path, &["-o", "/dev/null"]);
        }
    });
    let (servers, clients) = pair(&spans, 3);
    for spans in [&servers, &clients] {
        assert_eq!(spans.texts("http.response.body.size"), ["3000000", "6", "3000000"]);
    }
}

#[test]
fn http_over_a_unix_socket() {
    let folder = crate::harness::Folder::new();
    let path = folder.join("odd.sock");
    let server = servers::program("odd_server.py", &["unix", path.to_str().unwrap()]);
    let select = vec![format!("pid={}", server.pid())];
    let (spans, ()) = trace(&select, || {
        let mut curl = Command::new("curl");
        curl.args(["-s", "--unix-socket"]).arg(&path).args(["http://odd.test/one", "http://odd.test/two"]);
        run(&mut curl);
    });
    let servers = spans.servers().count(2);
    assert_eq!(servers.texts("url.path"), ["/one", "/two"]);
    servers[0].has(&json!({ "network.transport": "unix", "server.address": "odd.test", "network.peer.port": null }));
}

/// A request that causes another one: nginx asks its upstream.
#[test]
fn a_proxy_is_server_and_client() {
    let upstream = servers::program("odd_server.py", &[]);
    let proxy = servers::nginx(Some(upstream.port));
    let select = vec![format!("port={}", proxy.port), format!("port={}", upstream.port)];
    let (spans, ()) = trace(&select, || {
        curl(proxy.port, "/up/slow", &[]);
    });
    let spans = spans.requests();
    let chain = ["CLIENT curl", "SERVER nginx", "CLIENT nginx", "SERVER odd_server"];
    let told: Vec<_> =
        spans.iter().map(|span| format!("{} {}", span.kind, span.resource["service.name"].as_str().unwrap())).collect();
    assert_eq!(told, chain);
    for pair in spans.windows(2) {
        assert!(pair[0].encloses(&pair[1]), "{pair:#?}");
        pair[1].took(100..400);
    }
    // The worker has one request, and both ends of each call are known. Ours sends no `traceparent`.
    let parents: Vec<_> = spans.iter().map(|span| span.parent.clone()).collect();
    let [first, second, third] = [0, 1, 2].map(|at| Some(spans[at].span_id.clone()));
    assert_eq!(parents, [None, first, second, third]);
}
