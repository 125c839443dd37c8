//! Answers: what a viewer shows, taken out of the [`Store`] so that it need not hold it.

use std::cmp::Reverse;
use std::sync::Arc;

use super::Store;
use super::calls::{Call, Opened};
use super::connections::Connection;
use super::filter::{Facts, Filter};
use super::operations::{Operation, Side};
use super::recent::{Recent, Sums};
use super::said::{hex, is_failed};
use super::traces::{Class, Trace};
use crate::trace::setup;
use crate::trace::span::{TraceId, Value};
use wirespan_semconv as semconv;

/// Which time is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// The last minute.
    Minute,
    /// All that was seen.
    All,
}

/// Rate, errors and durations. Durations are ns, shares 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Numbers {
    /// How many a second.
    pub rate: f64,
    /// How many.
    pub count: u64,
    /// How many failed.
    pub failed: u64,
    /// Half were faster.
    pub p50_ns: Option<u64>,
    /// 95 of 100 were faster.
    pub p95_ns: Option<u64>,
    /// The slowest.
    pub max_ns: u64,
    /// How long all took together.
    pub sum_ns: u64,
    /// Share of the waiting that was the set-up of connections.
    pub set_up_share: f64,
    /// How many in each of the last 60 seconds, and how many of them failed; the oldest first.
    pub seconds: Vec<[u32; 2]>,
    /// Durations by size: from (ns), up to (ns), how many.
    pub histogram: Vec<(u64, u64, u64)>,
}

impl Numbers {
    fn of(recent: &Recent, store: &Store, over: Over) -> Self {
        let minute;
        let sums: &Sums = match over {
            Over::Minute => {
                minute = recent.minute(store.now_ns);
                &minute
            }
            Over::All => &recent.total,
        };
        let rate = match over {
            Over::Minute => recent.rate(store.now_ns, store.began_ns),
            Over::All => {
                sums.latency.count() as f64 / (store.now_ns.saturating_sub(store.began_ns) as f64 / 1e9).max(1.0)
            }
        };
        Self {
            rate,
            count: sums.latency.count(),
            failed: sums.failed,
            p50_ns: sums.latency.quantile(0.5),
            p95_ns: sums.latency.quantile(0.95),
            max_ns: sums.latency.max_ns(),
            sum_ns: sums.latency.sum_ns(),
            set_up_share: sums.set_up_share(),
            seconds: recent.by_second(store.now_ns),
            histogram: sums.latency.buckets().collect(),
        }
    }

    /// Share of those that failed.
    #[must_use]
    pub fn failed_share(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.failed as f64 / self.count as f64 }
    }
}

/// A row of the table of operations.
#[derive(Clone, Debug, PartialEq)]
pub struct OperationRow {
    /// What it is.
    pub operation: Operation,
    /// What is counted of it.
    pub numbers: Numbers,
}

impl Facts for OperationRow {
    fn any(&self, key: &str, test: &mut dyn FnMut(&str) -> bool) -> bool {
        match key {
            "service" | semconv::SERVICE_NAME => test(&self.operation.service),
            "name" | "operation" => test(&self.operation.name),
            "kind" => test(self.operation.side.name()),
            "peer" => test(&self.operation.peer),
            "status" => test(if self.numbers.failed > 0 { "error" } else { "ok" }),
            _ => false,
        }
    }

    fn took_ns(&self) -> Option<u64> {
        self.numbers.p95_ns
    }

    fn has(&self, word: &str) -> bool {
        let Operation { service, name, peer, .. } = &self.operation;
        [&**service, name, peer].iter().any(|text| text.to_lowercase().contains(word))
    }
}

/// An edge of the map.
#[derive(Clone, Debug, PartialEq)]
pub struct CallRow {
    /// Who calls whom.
    pub call: Call,
    /// What is counted of it.
    pub numbers: Numbers,
    /// What its connections cost, since the beginning.
    pub opened: Opened,
}

/// A trace as a row.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceRow {
    /// Its id.
    pub id: TraceId,
    /// Why it is kept.
    pub class: Class,
    /// Whose its first span is.
    pub service: Arc<str>,
    /// That span's name, and what makes it another than its neighbours.
    pub name: String,
    /// Begin, ns since the Unix epoch.
    pub start_unix_ns: u64,
    /// How long it took, ns.
    pub duration_ns: u64,
    /// Spans in it.
    pub spans: usize,
    /// How many of them failed.
    pub failed: usize,
    /// Services in it.
    pub services: usize,
    /// How long connections were set up for its requests, ns.
    pub set_up_ns: u64,
}

impl TraceRow {
    /// That of a trace; `None` if it has no span.
    #[must_use]
    pub fn of(trace: &Trace) -> Option<Self> {
        let root = trace.root()?;
        let (start, end) = trace.interval();
        let mut services: Vec<&str> = trace.spans.iter().map(|span| &*span.resource.service_name).collect();
        services.sort_unstable();
        services.dedup();
        let paid =
            trace.spans.iter().filter_map(|span| match span.attribute(semconv::WIRESPAN_CONNECTION_SETUP_DURATION) {
                Some(Value::Double(seconds)) => Some((seconds * 1e9) as u64),
                _ => None,
            });
        Some(Self {
            id: trace.id,
            class: trace.class,
            service: Arc::clone(&root.resource.service_name),
            name: super::said::operation(root),
            start_unix_ns: start,
            duration_ns: end.saturating_sub(start),
            spans: trace.spans.len(),
            failed: trace.spans.iter().filter(|span| is_failed(span)).count(),
            services: services.len(),
            set_up_ns: paid.sum(),
        })
    }

    /// Its id as text.
    #[must_use]
    pub fn hex(&self) -> String {
        hex(&self.id)
    }
}

/// How traces are put in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TraceOrder {
    /// The latest first.
    #[default]
    Latest,
    /// The slowest first.
    Slowest,
    /// Those with failures first, the latest of them first.
    Failed,
}

impl Facts for Connection {
    fn any(&self, key: &str, test: &mut dyn FnMut(&str) -> bool) -> bool {
        match key {
            "service" | semconv::SERVICE_NAME => test(&self.service),
            "peer" => test(&self.peer) || test(&self.remote.address),
            "protocol" => test(self.protocol),
            "pid" => test(&self.pid.to_string()),
            "port" => [self.local.port, self.remote.port].iter().flatten().any(|port| test(&port.to_string())),
            "status" => test(if self.failed > 0 || self.error.is_some() { "error" } else { "ok" }),
            _ => false,
        }
    }

    fn took_ns(&self) -> Option<u64> {
        self.set_up_ns
    }

    fn has(&self, word: &str) -> bool {
        [&*self.service, &*self.peer, &*self.local.address, &*self.remote.address, self.protocol, &*self.last]
            .iter()
            .any(|text| text.to_lowercase().contains(word))
    }
}

impl Store {
    /// Operations of which something is to be told, the busiest first.
    #[must_use]
    pub fn operation_rows(&self, over: Over, filter: &Filter) -> Vec<OperationRow> {
        let rows = self.operations.table.iter().map(|(operation, recent)| OperationRow {
            operation: operation.clone(),
            numbers: Numbers::of(recent, self, over),
        });
        let mut rows: Vec<_> = rows.filter(|row| row.numbers.count > 0 && filter.matches(row)).collect();
        rows.sort_by(|one, other| (other.numbers.sum_ns, &one.operation).cmp(&(one.numbers.sum_ns, &other.operation)));
        rows
    }

    /// Edges of which something is to be told, in the order of their names.
    #[must_use]
    pub fn call_rows(&self, over: Over) -> Vec<CallRow> {
        let rows = self.calls.table.iter().map(|(call, recent)| CallRow {
            call: call.clone(),
            numbers: Numbers::of(recent, self, over),
            opened: self.calls.opened(call),
        });
        let mut rows: Vec<_> = rows.filter(|row| row.numbers.count > 0).collect();
        rows.sort_by(|one, other| one.call.cmp(&other.call));
        rows
    }

    /// Traces that are looked for, at most `limit`. `of`: those with a span of this operation.
    #[must_use]
    pub fn trace_rows(
        &self,
        filter: &Filter,
        of: Option<&Operation>,
        order: TraceOrder,
        limit: usize,
    ) -> Vec<TraceRow> {
        let is_of = |trace: &Trace| {
            of.is_none_or(|wanted| {
                trace.spans.iter().any(|span| {
                    Side::of(span.kind) == Some(wanted.side)
                        && *span.resource.service_name == *wanted.service
                        && *span.name == *wanted.name
                })
            })
        };
        let all = self.traces.iter().chain(self.traces.pending());
        // The set-up of a connection is shown with the request that it was for.
        let is_alone = |trace: &Trace| trace.spans.iter().all(|span| span.name != setup::NAME || is_failed(span));
        let found = all.filter(|trace| is_of(trace) && (filter.is_empty() || filter.matches(*trace)));
        let mut rows: Vec<_> =
            found.filter(|trace| trace.spans.len() > 1 || is_alone(trace)).filter_map(TraceRow::of).collect();
        match order {
            TraceOrder::Latest => rows.sort_by_key(|row| Reverse(row.start_unix_ns)),
            TraceOrder::Slowest => rows.sort_by_key(|row| Reverse((row.duration_ns, row.start_unix_ns))),
            TraceOrder::Failed => rows.sort_by_key(|row| Reverse((row.failed > 0, row.start_unix_ns))),
        }
        rows.truncate(limit);
        rows
    }

    /// Connections that are looked for, open ones or those that ended lately; at most `limit`.
    #[must_use]
    pub fn connection_rows(&self, filter: &Filter, ended: bool, limit: usize) -> Vec<Connection> {
        if ended {
            return self.connections.ended().filter(|one| filter.matches(*one)).take(limit).cloned().collect();
        }
        let mut rows: Vec<&Connection> = self.connections.open().filter(|one| filter.matches(*one)).collect();
        rows.sort_by(|one, other| {
            (&one.service, &one.peer, one.opened_ns, one.id).cmp(&(
                &other.service,
                &other.peer,
                other.opened_ns,
                other.id,
            ))
        });
        rows.into_iter().take(limit).cloned().collect()
    }
}
