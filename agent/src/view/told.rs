//! Answers as JSON, for programs: the page, reports, assistants. Durations end in `_ns`, times in `_unix_ns`, shares (0 to 1) in
//! `_share`; `offset_ns` counts from the beginning of a trace. What is unknown is `null`.
//!
//! Foreign text stays as it was seen: whoever shows it makes it harmless. [`text`] serialises all of it so that not even that text can
//! touch a terminal.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde_json::{Map, Value, json};

use super::ask::Account;
use super::connections::Connection;
use super::phases::{Segment, segments};
use super::rows::{CallRow, Numbers, OperationRow, TraceRow};
use super::said::{self, hex, is_failed};
use super::traces::{Class, Counts, Trace};
use super::tree;
use crate::advise::report::{Finding, Peer, Report};
use crate::event::{Role, Stats};
use crate::shown;
use crate::trace::clock::Clock;
use crate::trace::setup::PHASES;
use crate::trace::span::{self, Kind, Resource, Span, Status};

/// What was told, serialised: harmless wherever it is shown.
#[must_use]
pub fn text(told: &Value) -> String {
    shown::json(&told.to_string()).into_owned()
}

/// Rate, errors and durations of something.
#[must_use]
pub fn numbers(numbers: &Numbers) -> Value {
    let histogram = numbers.histogram.iter().map(|(from, to, count)| json!([from, to, count]));
    json!({
        "rate_per_second": numbers.rate,
        "count": numbers.count,
        "failed": numbers.failed,
        "failed_share": numbers.failed_share(),
        "p50_ns": numbers.p50_ns,
        "p95_ns": numbers.p95_ns,
        "max_ns": numbers.max_ns,
        "sum_ns": numbers.sum_ns,
        "set_up_share": numbers.set_up_share,
        // How many in each of the last 60 seconds, and how many of them failed; the oldest first.
        "seconds": numbers.seconds,
        // From (ns), up to (ns), how many.
        "histogram_ns": histogram.collect::<Vec<_>>(),
    })
}

/// A row of the table of operations.
#[must_use]
pub fn operation(row: &OperationRow) -> Value {
    let mut told = numbers(&row.numbers);
    told["service"] = row.operation.service.as_ref().into();
    told["side"] = row.operation.side.name().into();
    told["name"] = row.operation.name.as_ref().into();
    told["peer"] = row.operation.peer.as_ref().into();
    told
}

/// An edge of the map.
#[must_use]
pub fn call(row: &CallRow) -> Value {
    let mut told = numbers(&row.numbers);
    told["client"] = row.call.client.as_ref().into();
    told["server"] = row.call.server.as_ref().into();
    told["protocol"] = row.call.protocol.into();
    told["encrypted"] = row.opened.encrypted.into();
    told["set_ups"] = row.opened.count.into();
    told["set_ups_failed"] = row.opened.failed.into();
    told["set_up_sum_ns"] = row.opened.took_ns.into();
    told
}

/// The map: who is there, and who calls whom. `watched`: services of which processes are traced; all others are only heard of.
#[must_use]
pub fn map(rows: &[CallRow], watched: &BTreeSet<Arc<str>>) -> Value {
    let ends = rows.iter().flat_map(|row| [&row.call.client, &row.call.server]);
    let nodes: BTreeSet<&Arc<str>> = ends.chain(watched).filter(|name| !name.is_empty()).collect();
    let node = |name: &Arc<str>| json!({ "name": &**name, "watched": watched.contains(name) });
    json!({
        "nodes": nodes.into_iter().map(node).collect::<Vec<_>>(),
        "calls": rows.iter().map(call).collect::<Vec<_>>(),
    })
}

/// A trace as a row.
#[must_use]
pub fn trace_row(row: &TraceRow) -> Value {
    json!({
        "trace_id": row.hex(),
        "kept_as": class(row.class),
        "service": &*row.service,
        "name": row.name,
        "start_unix_ns": row.start_unix_ns,
        "duration_ns": row.duration_ns,
        "spans": row.spans,
        "failed": row.failed,
        "services": row.services,
        "set_up_ns": row.set_up_ns,
    })
}

/// What became of traces and spans.
#[must_use]
pub fn kept(counts: &Counts) -> Value {
    json!({ "spans": counts.spans, "kept": counts.kept, "let_go": counts.let_go, "late": counts.late })
}

fn class(class: Class) -> &'static str {
    match class {
        Class::Sampled => "sample",
        Class::Slow => "slow",
        Class::Failed => "failed",
    }
}

/// A whole trace as rows of a waterfall: parents before their children, each with its depth, its phases and whether the end of the
/// trace waited for it. `resources`: what spans belong to, by the number that they tell.
#[must_use]
pub fn trace(trace: &Trace) -> Value {
    let (start, end) = trace.interval();
    let mut resources: Vec<Value> = Vec::new();
    let mut numbers: FxHashMap<*const Resource, usize> = FxHashMap::default();
    let spans: Vec<Value> = tree::rows(trace)
        .into_iter()
        .map(|row| {
            let span = &trace.spans[row.span];
            let number = *numbers.entry(Arc::as_ptr(&span.resource)).or_insert_with(|| {
                resources.push(resource(&span.resource));
                resources.len() - 1
            });
            let mut told = self::span(span, start);
            told["resource"] = number.into();
            told["depth"] = row.depth.into();
            told["is_critical"] = row.is_critical.into();
            told
        })
        .collect();
    json!({
        "trace_id": hex(&trace.id),
        "kept_as": class(trace.class),
        "start_unix_ns": start,
        "duration_ns": end.saturating_sub(start),
        "cut": trace.cut,
        "failed": trace.spans.iter().filter(|span| is_failed(span)).count(),
        "spans": spans,
        "resources": resources,
    })
}

/// One span. `begin_unix_ns`: where its trace begins.
#[must_use]
pub fn span(span: &Span, begin_unix_ns: u64) -> Value {
    let (status, message) = match &span.status {
        Status::Unset => ("unset", None),
        Status::Error(message) => ("error", Some(&**message)),
    };
    let link = |link: &span::Link| json!({ "trace_id": hex(&link.trace_id), "span_id": hex(&link.span_id) });
    json!({
        "trace_id": hex(&span.trace_id),
        "span_id": hex(&span.span_id),
        "parent_span_id": span.parent.map(|parent| hex(&parent)),
        "service": &*span.resource.service_name,
        "kind": match span.kind {
            Kind::Server => "server",
            Kind::Client => "client",
            Kind::Internal => "internal",
        },
        "name": &*span.name,
        "detail": said::detail(span),
        "peer": said::peer(span),
        "code": said::code(span),
        "status": status,
        "status_message": message,
        "failed": is_failed(span),
        "trouble": said::trouble(span, said::code(span).as_deref()),
        "offset_ns": offset(span.start_unix_ns, begin_unix_ns),
        "duration_ns": span.duration_ns(),
        "phases": segments(span).iter().map(|one| phase(one, begin_unix_ns)).collect::<Vec<_>>(),
        "attributes": span.attributes.iter().map(|(key, one)| ((*key).to_owned(), value(one))).collect::<Map<_, _>>(),
        "links": span.links.iter().map(link).collect::<Vec<_>>(),
    })
}

fn phase(segment: &Segment, begin_unix_ns: u64) -> Value {
    json!({
        "phase": segment.phase.title(),
        "offset_ns": offset(segment.start_ns, begin_unix_ns),
        "duration_ns": segment.end_ns.saturating_sub(segment.start_ns),
    })
}

/// What waits before a trace begins has a negative one.
fn offset(at_unix_ns: u64, begin_unix_ns: u64) -> i64 {
    at_unix_ns.wrapping_sub(begin_unix_ns).cast_signed()
}

fn resource(resource: &Resource) -> Value {
    resource.attributes.iter().map(|(key, one)| (key.clone().into_owned(), value(one))).collect::<Map<_, _>>().into()
}

/// A value of an attribute.
#[must_use]
pub fn value(value: &span::Value) -> Value {
    match value {
        span::Value::Int(number) => (*number).into(),
        span::Value::Double(number) => (*number).into(),
        span::Value::Bool(truth) => (*truth).into(),
        span::Value::List(items) => items.iter().map(|item| Value::from(&**item)).collect(),
        text => text.as_str().unwrap_or_default().into(),
    }
}

/// A connection, open or ended.
#[must_use]
pub fn connection(one: &Connection, clock: Clock) -> Value {
    let parts = PHASES.iter().zip(one.parts).filter(|(_, ns)| *ns > 0);
    let parts = parts.map(|((_, name), ns)| json!({ "part": name, "duration_ns": ns }));
    json!({
        "id": one.id,
        "service": &*one.service,
        "pid": one.pid,
        "side": one.role.map(|role| match role {
            Role::Client => "client",
            Role::Server => "server",
        }),
        "local": *one.local.text(),
        "remote": *one.remote.text(),
        "peer": &*one.peer,
        "protocol": one.protocol,
        "encrypted": one.encrypted,
        "opened_unix_ns": clock.unix(one.opened_ns),
        "heard_unix_ns": clock.unix(one.heard_ns),
        "from_start": one.from_start,
        "ended_unix_ns": one.ended.map(|(at_ns, _)| clock.unix(at_ns)),
        "ended_how": one.ended.map(|(_, how)| how),
        "set_up_ns": one.set_up_ns,
        "set_up_parts": parts.collect::<Vec<_>>(),
        "set_up_error": one.error.as_deref(),
        "requests": one.exchanges,
        "failed": one.failed,
        "last_request": &*one.last,
        "kernel": one.stats.as_ref().map(stats),
    })
}

fn stats(stats: &Stats) -> Value {
    json!({
        "rtt_ns": stats.rtt_us.map(|us| u64::from(us) * 1000),
        "rtt_deviation_ns": stats.rtt_deviation_us.map(|us| u64::from(us) * 1000),
        "bytes_sent": stats.bytes_sent,
        "bytes_received": stats.bytes_received,
        "segments_sent": stats.segments_sent,
        "segments_received": stats.segments_received,
        "retransmits": stats.retransmits,
        "zero_window": stats.zero_window,
    })
}

/// The agent's account of itself.
#[must_use]
pub fn account(account: &Account) -> Value {
    let counted = |all: &[(String, u64)]| {
        all.iter().map(|(name, count)| json!({ "name": name, "count": count })).collect::<Vec<_>>()
    };
    let hook = |(name, granted): &(String, bool)| json!({ "name": name, "granted": granted });
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "targets": account.targets,
        "calls": account.calls,
        "requests": account.requests,
        "spans": account.spans,
        "exported": account.exported,
        "dropped": account.dropped,
        "filtered": account.filtered,
        "ring_fill_share": account.ring_fill,
        "cpu_seconds": account.cpu_seconds,
        "memory_bytes": account.memory,
        "connections": account.connections,
        "backend": account.backend,
        "kernel": account.kernel,
        "missing": account.missing,
        "losses": counted(&account.losses),
        "counters": counted(&account.counters),
        "hooks": account.hooks.iter().map(hook).collect::<Vec<_>>(),
    })
}

/// What the advisor says: its own form ([`Report`]), and of each finding how it is called and whether it is a warning.
#[must_use]
pub fn advice(report: &Report) -> Value {
    let mut told = serde_json::to_value(report).unwrap_or_default();
    told["findings"] = report.findings.iter().map(finding).collect();
    told
}

fn finding(finding: &Finding) -> Value {
    let mut told = serde_json::to_value(finding).unwrap_or_default();
    told["title"] = finding.kind.title().into();
    told["is_warning"] = finding.kind.is_warning().into();
    told["peer_label"] = finding.peer.as_ref().map(Peer::label).into();
    told
}

#[cfg(test)]
#[path = "told_tests.rs"]
mod tests;
