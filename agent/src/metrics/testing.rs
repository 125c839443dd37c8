//! Snapshots for the tests of exporters.

use std::sync::Arc;

use super::catalog::Metric;
use super::label::{Label, Text};
use super::settings::{Reading, Settings};
use super::snapshot::{Exemplar, Snapshot};
use super::store::Store;
use crate::export::testing::resource;
use crate::trace::clock::Clock;
use crate::trace::span::Resource;

pub(crate) const SECOND: u64 = 1_000_000_000;
/// 2026-11-21 07:32:47 UTC.
pub(crate) const EPOCH: i64 = 1_795_246_367 * SECOND as i64;

/// Two services: a histogram with an exemplar, counters, a gauge and a sum that goes up and down.
pub(crate) fn snapshot(exponential: bool, reading: Reading) -> Snapshot {
    let nobody: Arc<Resource> = resource("nobody");
    let mut store = Store::new(Settings { exponential, ..Settings::default() }, nobody);
    let (shop, blog) = (resource("shop"), resource("blog"));
    let labels: [Label<'_>; 4] = [
        ("http.request.method", Text::Static("GET")),
        ("http.route", Text::Str("/say/\"hi\"\\\n")),
        ("http.response.status_code", Text::Int(200)),
        ("tls.resumed", Text::Bool(true)),
    ];
    let mut key = store.key(&shop, &labels);
    for (id, value) in [(1, 0.004), (2, 0.3), (3, 99.0)] {
        let exemplar = Exemplar { trace_id: [id; 16], span_id: [id; 8], value, at_ns: 2 * SECOND };
        store.record(Metric::HttpServerDuration, &mut key, value, 2 * SECOND, (id < 3).then_some(exemplar));
    }
    store.record(Metric::HttpServerRequestBody, &mut key, 5000.0, 2 * SECOND, None);
    for resource in [&shop, &blog] {
        let mut key = store.key(resource, &[]);
        store.record(Metric::TcpIo, &mut key, 1e6, SECOND, None);
        store.record(Metric::TcpOpen, &mut key, 3.0, SECOND, None);
        store.record(Metric::ListenQueueLength, &mut key, 4.0, SECOND, None);
        store.record(Metric::AgentCpu, &mut key, 1.25, SECOND, None);
        store.record(Metric::GraphRequests, &mut key, 7.0, SECOND, None);
    }
    let mut clock = Clock::default();
    clock.set_offset(EPOCH);
    store.collect(3 * SECOND, clock, reading)
}
