//! Encryption asked for: granted, only the set-up of the connection can be read; refused, it goes on in the clear.

use std::process::Command;

use super::{pair, select, server, texts};
use crate::harness::agent::granted;
use crate::harness::{Agent, run, trace};

/// psql with a mode of encryption and one statement; what it printed.
fn psql(dsn: &str, mode: &str, sql: &str) -> String {
    let mut psql = Command::new("psql");
    psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]);
    run(psql.arg("-d").arg(format!("{dsn} sslmode={mode} gssencmode=disable")).args(["-c", sql])).trim().to_owned()
}

#[test]
fn encrypted_connections_show_their_set_up() {
    let server = server();
    server.serve_tls();
    for backend in granted() {
        let mut agent = Agent::run(backend, &select(&server), &[]);
        let rows = "SELECT note, repeat('x', 100000) FROM orders";
        for _ in 0..2 {
            psql(&server.dsn(), "require", rows);
        }
        let encrypted = psql(&server.dsn(), "require", "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
        assert_eq!(encrypted, "t");
        psql(&server.dsn(), "disable", "SELECT note FROM orders WHERE id = 2");
        let spans = agent.finish();
        let (servers, clients) = pair(&spans);
        for spans in [&servers, &clients] {
            assert_eq!(texts(spans), ["SELECT note FROM orders WHERE id = ?"], "{backend}");
            spans.only().failed(false);
        }
        // Three encrypted connections and one in the clear, each with two ends.
        let named = |name: &str| spans.pick(|span| span.name == name).len();
        for (name, expected) in [
            ("TLS client handshake", 3),
            ("TLS server handshake", 3),
            ("encryption request", 6),
            ("authentication", 8),
            ("connection_setup", 8),
        ] {
            assert_eq!(named(name), expected, "{backend}: {name} of {:?}", spans.names());
        }
        assert_eq!(agent.told("of other protocols"), 0, "{backend}: {}", agent.stderr());
    }
}

/// A server without certificate answers `N`; the client starts again on the same connection, unencrypted.
#[test]
fn refused_encryption_goes_on_in_the_clear() {
    let server = server();
    let (spans, ()) = trace(&select(&server), || {
        psql(&server.dsn(), "prefer", "SELECT note FROM orders WHERE id = 1");
        psql(&server.dsn(), "prefer", "SELECT 2");
    });
    let (servers, clients) = pair(&spans);
    for spans in [&servers, &clients] {
        assert_eq!(texts(spans), ["SELECT note FROM orders WHERE id = ?", "SELECT ?"]);
        for span in spans.iter() {
            span.failed(false).has(&serde_json::json!({ "db.namespace": "shop" }));
        }
    }
}
