//! Commands that travel together.

use std::collections::BTreeSet;

use serde_json::json;

use super::{case, errors, operations, pair, traced};
use crate::harness::{run, servers, trace, workload};

#[test]
fn twenty_pipelined_commands() {
    let server = servers::redis();
    let (servers, clients) = traced(&server, "pipeline");
    for spans in [&servers, &clients] {
        assert_eq!(spans.len(), 20);
        let texts: BTreeSet<_> = spans.texts("db.query.text").into_iter().collect();
        assert_eq!(texts.len(), 20, "each its own: {texts:?}");
        for span in spans.iter() {
            assert!(span.name == "PIPELINE SET" || span.name == "PIPELINE INCRBY", "{}", span.name);
            span.failed(false).has(&json!({ "db.operation.batch.size": 20 }));
        }
    }
}

#[test]
fn each_command_has_the_times_of_its_own_reply() {
    let (servers, clients) = case("pipeline_times");
    for spans in [&servers, &clients] {
        assert_eq!(spans.len(), 20);
        let end = |name: &str| {
            let of = spans.pick(|span| span.text("db.operation.name") == name);
            assert!(!of.is_empty(), "no {name} in {:?}", spans.names());
            of.iter().map(|span| span.duration().as_millis()).collect::<Vec<_>>()
        };
        assert!(end("PING").iter().all(|took| *took < 200), "{:?}", end("PING"));
        assert!(end("BLPOP").iter().all(|took| *took >= 290), "{:?}", end("BLPOP"));
        assert!(end("ECHO").iter().all(|took| *took >= 290), "{:?}", end("ECHO"));
    }
}

#[test]
fn a_transaction() {
    let (servers, clients) = case("transaction");
    for spans in [&servers, &clients] {
        let names = operations(spans);
        for name in ["MULTI", "SET", "INCRBY", "LPUSH", "EXEC"] {
            assert_eq!(names.iter().filter(|there| *there == name).count(), 1, "{names:?}");
        }
        assert!(spans.names().contains(&"MULTI SET"), "{:?}", spans.names());
        let failed = spans.pick(|span| span.error);
        assert_eq!(errors(&failed), ["WRONGTYPE"]);
        // Queued commands are answered when they run: by EXEC.
        assert_eq!(operations(&failed), ["EXEC"]);
    }
}

#[test]
fn drivers_of_node() {
    let server = servers::redis();
    let (spans, ()) = trace(&server.select_port(), || {
        run(workload("redis.js").arg(server.port.to_string()));
    });
    let (servers, _) = pair(&spans);
    let texts = servers.texts("db.query.text");
    for text in ["SET auto:1 ?", "SET auto:2 ?", "SET auto:3 ?", "SET auto:4 ?", "GET auto:1", "SET node ?", "GET node"]
    {
        assert_eq!(texts.iter().filter(|there| *there == text).count(), 1, "{text} in {texts:?}");
    }
    assert!(servers.iter().all(|span| !span.error || span.name.contains("CLIENT")), "{servers:#?}");
}
