//! Versions of OpenSSL as Python's wheels have brought them, at both ends: each request is told at both, with each suite.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::process::Command;

use serde_json::json;
use wirespan_tests::spans::Spans;

use crate::harness::certificates::Authority;
use crate::harness::parts::part;
use crate::harness::servers::{self, Server};
use crate::harness::{Agent, run, skipped, workload};

/// Requests on a connection, of which there is one for each suite.
const COUNT: usize = 5;
/// Suites of `tls_openssl.py`, of TLS 1.2 and of TLS 1.3.
const SUITES: usize = 6;

/// A version, and who serves with it.
struct Version {
    folder: PathBuf,
    server: Server,
}

impl Version {
    fn program(folder: &PathBuf) -> Command {
        let mut program = workload("tls_openssl.py");
        program.env("PYTHONPATH", folder).env("PYTHONWARNINGS", "ignore");
        program
    }

    fn start(folder: PathBuf, files: &[String; 2]) -> Self {
        let mut program = Self::program(&folder);
        program.arg("serve");
        let server = servers::of(program, |port| [&[port], &files[..]].concat());
        Self { folder, server }
    }

    /// Asks; which OpenSSL that was.
    fn ask(&self, count: usize) -> String {
        let mut program = Self::program(&self.folder);
        run(program.args(["ask", &self.server.port.to_string(), &count.to_string()])).trim().to_owned()
    }
}

#[test]
fn of_wheels() {
    let Some(folder) = part("openssl") else { return skipped("test part openssl is missing") };
    let authority = Authority::new();
    let identity = authority.sign();
    let files = [&identity.certificate, &identity.key].map(|path| path.display().to_string());
    let folders = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let versions: Vec<Version> = folders.map(|folder| Version::start(folder, &files)).collect();
    let ports: Vec<String> = versions.iter().map(|version| version.server.port.to_string()).collect();
    let mut agent = Agent::run("sockets", &[format!("port in ({})", ports.join(","))], &["--tls"]);
    // A program that nobody has seen before is searched while it makes its first handshakes.
    versions.iter().for_each(|version| drop(version.ask(0)));
    std::thread::sleep(super::drivers::LOOKED_AT);
    let names: HashMap<i64, String> =
        versions.iter().map(|version| (version.server.port.into(), version.ask(COUNT))).collect();
    let spans = agent.finish();
    println!("{}", agent.stderr());
    for (port, name) in names {
        check(&spans, port, &name);
    }
}

#[track_caller]
fn check(spans: &Spans, port: i64, name: &str) {
    let calls = spans.pick(|span| {
        span.kind == "CLIENT"
            && span.attributes["network.peer.port"] == port
            && span.attributes.get("url.full").and_then(|url| url.as_str()).is_some_and(|url| url.contains("?n"))
    });
    assert_eq!(calls.len(), SUITES * COUNT, "OpenSSL {name}: clients");
    let ids: HashSet<&str> = calls.iter().map(|call| &*call.span_id).collect();
    let of_calls =
        spans.pick(|span| span.kind == "SERVER" && span.parent.as_ref().is_some_and(|parent| ids.contains(&**parent)));
    assert_eq!(of_calls.len(), SUITES * COUNT, "OpenSSL {name}: servers, each the child of its client");
    for span in calls.iter().chain(of_calls.iter()) {
        span.failed(false).has(&json!({ "http.request.method": "GET", "http.response.status_code": 200 }));
    }
}
