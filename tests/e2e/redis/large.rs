//! Replies of which only the ends are copied, and pipelines at full speed.

use std::collections::BTreeSet;

use super::operations;
use crate::harness::{run, servers, trace, workload};

/// Drivers whose set-up is a pipeline were not followed any more after the first of them.
#[test]
fn large_replies_cost_nothing_that_comes_after_them() {
    for driver in ["ioredis", "node-redis"] {
        let server = servers::redis();
        let (spans, ()) = trace(&server.select_port(), || {
            run(workload("redis_large.js").args([&server.port.to_string(), driver]));
        });
        for side in [spans.servers(), spans.clients()] {
            let texts = side.texts("db.query.text");
            let got: BTreeSet<_> = texts.iter().filter(|text| text.starts_with("GET key:")).collect();
            assert_eq!(got.len(), 148, "{driver}: {texts:?}");
            let lists = operations(&side).iter().filter(|name| *name == "LRANGE").count();
            assert_eq!(lists, 12, "{driver}");
        }
    }
}
