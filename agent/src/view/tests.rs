//! The store, told by an engine that reads a capture.

use std::cell::RefCell;
use std::rc::Rc;

use super::filter::Filter;
use super::operations::Side;
use super::rows::{Over, TraceOrder};
use super::*;
use crate::conn::Limits;
use crate::enrich::{Host, Resources};
use crate::pipeline::engine::Engine;
use crate::process::table::ProcessTable;
use crate::trace::Tracer;
use crate::trace::ids::Ids;

/// What a capture of the tests says.
fn of(file: &str) -> Store {
    let config = crate::config::Config::default();
    let store = Rc::new(RefCell::new(Store::new(32 << 20, config.trace().options)));
    let tracer = Tracer::new(config.trace(), Ids::seeded(0));
    let processes = ProcessTable::replay(config.rules(false));
    let engine = Engine::new(Limits::default(), tracer, processes, Resources::new(Host::default()));
    let mut engine = engine.with_observer(Rc::clone(&store));
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests").join(file);
    let mut source = crate::recording::open(&path).unwrap();
    while let Some(event) = source.next().unwrap() {
        engine.handle(&event);
    }
    engine.finish();
    drop(engine);
    let mut store = Rc::into_inner(store).unwrap().into_inner();
    store.finish();
    store
}

#[test]
fn a_capture_has_operations_and_traces() {
    let store = of("replay/captures/postgres-simple-query.pcap");
    let rows = store.operation_rows(Over::All, &Filter::default());
    let total: u64 = rows.iter().map(|row| row.numbers.count).sum();
    let traces = store.trace_rows(&Filter::default(), None, TraceOrder::Latest, usize::MAX);
    assert!(total > 0 && !traces.is_empty(), "{rows:?}");
    let spans = store.traces.counts().spans;
    assert!(spans >= total, "{total} {spans}");
    for row in &rows {
        let of_row = store.trace_rows(&Filter::default(), Some(&row.operation), TraceOrder::Slowest, 10);
        assert!(!of_row.is_empty(), "{:?}", row.operation);
        assert!(row.operation.side == Side::Client || row.operation.peer.is_empty());
        let numbers = &row.numbers;
        assert!(numbers.p50_ns <= numbers.p95_ns && numbers.p95_ns <= Some(numbers.max_ns), "{numbers:?}");
    }
    let filter = Filter::new("name=no-such-operation");
    assert!(store.operation_rows(Over::All, &filter).is_empty());
}
