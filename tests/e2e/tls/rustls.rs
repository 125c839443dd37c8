//! rustls at both ends, with and without the symbols of its programs: what its code does leads to its secrets.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::json;

use crate::harness::certificates::{Authority, Identity, NAME};
use crate::harness::process::{Owned, eventually, free_port, listening};
use crate::harness::{Agent, Folder, run, skipped};

/// Connections of each kind.
const COUNT: usize = 8;

#[test]
fn with_symbols() {
    both_ends(env!("CARGO_BIN_EXE_rustls-client").into(), env!("CARGO_BIN_EXE_rustls-server").into());
}

#[test]
fn stripped() {
    if crate::harness::servers::which("strip").is_none() {
        return skipped("strip is missing");
    }
    let folder = Folder::new();
    let strip = |program: &str, name: &str| {
        let stripped = folder.join(name);
        run(Command::new("strip").arg("-o").arg(&stripped).arg(program));
        stripped
    };
    let client = strip(env!("CARGO_BIN_EXE_rustls-client"), "client");
    let server = strip(env!("CARGO_BIN_EXE_rustls-server"), "server");
    both_ends(client, server);
}

/// What is seen in one process is of use for the other end, too; here nobody else is looked at.
#[test]
fn a_client_alone() {
    let authority = Authority::new();
    let identity = authority.sign();
    for version in ["1.2", "1.3"] {
        let (port, _server) = serve(Path::new(env!("CARGO_BIN_EXE_rustls-server")), &identity, version);
        let mut agent = Agent::run("sockets", &["exe=rustls-client".to_owned()], &["--tls"]);
        // Its first connections pass before its file has been looked through.
        eventually("its secrets are seen", || {
            connect(Path::new(env!("CARGO_BIN_EXE_rustls-client")), port, &authority, (version, "full"), 100);
            agent.raw().contains("url.full")
        });
        let spans = agent.finish();
        println!("rustls, TLS {version}: {}", agent.stderr());
        let told = spans.pick(|span| span.kind == "CLIENT");
        assert!(!told.is_empty(), "TLS {version}: {:?}", spans.names());
        for span in told.iter() {
            span.failed(false).has(&json!({ "http.response.status_code": 200 }));
        }
    }
}

#[track_caller]
fn both_ends(client: PathBuf, server: PathBuf) {
    let authority = Authority::new();
    let identity = authority.sign();
    for version in ["1.2", "1.3"] {
        let (port, _server) = serve(&server, &identity, version);
        let mut agent = Agent::run("sockets", &[format!("port={port}")], &["--tls"]);
        // Full ones and, by what they have left behind, resumed ones.
        for mode in ["full", "resumed"] {
            connect(&client, port, &authority, (version, mode), COUNT);
        }
        let spans = agent.finish();
        println!("rustls, TLS {version}: {}", agent.stderr());
        for kind in ["CLIENT", "SERVER"] {
            let told = spans.pick(|span| span.kind == kind);
            assert_eq!(told.len(), 2 * COUNT, "TLS {version}, {kind}: {:?}", spans.names());
            for span in told.iter() {
                span.failed(false).has(&json!({ "http.request.method": "GET", "http.response.status_code": 200 }));
            }
        }
        assert!(spans.pick(|span| span.kind == "SERVER").iter().all(|span| span.parent.is_some()));
    }
}

fn connect(client: &Path, port: u16, authority: &Authority, (version, mode): (&str, &str), count: usize) {
    let mut command = Command::new(client);
    command.args(["127.0.0.1", &port.to_string(), NAME]).arg(authority.certificate());
    run(command.args([version, mode, &count.to_string()]));
}

fn serve(server: &Path, identity: &Identity, version: &str) -> (u16, Owned) {
    let port = free_port();
    let mut command = Command::new(server);
    command.args(["127.0.0.1", &port.to_string()]).args([&identity.certificate, &identity.key]).arg(version);
    let process = Owned::start(&mut command, Signal::TERM);
    listening(port);
    (port, process)
}
