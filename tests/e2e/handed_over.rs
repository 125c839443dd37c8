//! `port=N` and sockets that come to their process by other ways than its own listening: passed on, inherited, accepted
//! elsewhere.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::harness::agent::granted;
use crate::harness::process::settle;
use crate::harness::{Agent, servers};

/// Sends a request, in one call as clients do, and waits for its answer.
fn ask(stream: &mut TcpStream, path: &str) {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: handed\r\n\r\n").as_bytes()).unwrap();
    let mut answer = [0; 4096];
    let len = stream.read(&mut answer).unwrap();
    assert!(answer[..len].ends_with(b"ok"), "{}", String::from_utf8_lossy(&answer[..len]));
}

/// Each request is told, by the process that serves it, from the first one on.
#[track_caller]
fn way(name: &str) {
    let server = servers::command("handed_over.py", &[name]);
    for backend in granted() {
        let mut agent = Agent::run(backend, &server.select_port(), &[]);
        for connection in ["a", "b"] {
            let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            for number in 1..=2 {
                ask(&mut stream, &format!("/{connection}/{number}"));
            }
        }
        settle();
        let spans = agent.finish().servers();
        assert_eq!(spans.texts("url.path"), ["/a/1", "/a/2", "/b/1", "/b/2"], "{name}, {backend}: {}", agent.stderr());
        let listens = |pid: &serde_json::Value| pid == server.pid();
        assert!(spans.iter().all(|span| !listens(&span.resource["process.pid"])), "{name}, {backend}");
    }
}

#[test]
fn passed_on_by_another_process() {
    way("pass");
}

#[test]
fn accepted_from_a_listener_that_was_passed_on() {
    way("listener");
}

#[test]
fn inherited_by_another_program() {
    way("inetd");
}

#[test]
fn accepted_before_a_fork() {
    way("fork");
}

/// Connections that were there before the agent, served by a process that does not listen.
#[test]
fn passed_on_before_the_agent_came() {
    let server = servers::command("handed_over.py", &["pass"]);
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    ask(&mut stream, "/before");
    for backend in granted() {
        let mut agent = Agent::run(backend, &server.select_port(), &[]);
        for path in ["/one", "/two", "/three"] {
            ask(&mut stream, path);
        }
        settle();
        let spans = agent.finish().servers();
        assert_eq!(spans.texts("url.path"), ["/one", "/two", "/three"], "{backend}: {}", agent.stderr());
    }
}
