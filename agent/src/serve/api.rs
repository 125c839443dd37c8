//! What the page asks, as JSON. Everything is read, nothing is changed. A question is put to the main thread, which takes out what is asked
//! for; the JSON is made here.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::events::events;
use super::routes::Looked;
use crate::view::filter::Filter;
use crate::view::operations::{Operation, Side};
use crate::view::rows::{Over, TraceOrder};
use crate::view::said;
use crate::view::told;

/// Most rows of an answer.
const MAX_ROWS: usize = 1000;

/// Its routes.
pub(super) fn router() -> Router<Looked> {
    Router::new()
        .route("/api/agent", get(agent))
        .route("/api/operations", get(operations))
        .route("/api/map", get(map))
        .route("/api/traces", get(traces))
        .route("/api/traces/{id}", get(trace))
        .route("/api/advice", get(advice))
        .route("/api/connections", get(connections))
        .route("/api/targets", get(targets))
        .route("/api/events", get(events))
        .route("/api/{*rest}", get(|| async { (StatusCode::NOT_FOUND, "there is no such answer\n") }))
}

/// What follows the `?`.
struct Asked(HashMap<String, String>);

impl Asked {
    fn new(RawQuery(query): RawQuery) -> Self {
        Self(form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    fn text(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }

    fn over(&self) -> Over {
        if self.text("over") == "all" { Over::All } else { Over::Minute }
    }

    fn filter(&self) -> Filter {
        Filter::new(self.text("q"))
    }

    fn limit(&self, usual: usize) -> usize {
        self.text("limit").parse().unwrap_or(usual).min(MAX_ROWS)
    }

    /// The operation whose traces are asked for.
    fn operation(&self) -> Option<Operation> {
        let side = match self.text("side") {
            "server" => Side::Server,
            "client" => Side::Client,
            _ => return None,
        };
        let text = |key| self.text(key).into();
        Some(Operation { service: text("service"), side, name: self.text("name").into(), peer: text("peer") })
    }
}

/// An answer; `None` if the main thread gave none.
fn answered(told: Option<Value>) -> Response {
    match told {
        Some(value) => json(told::text(&value)),
        None => (StatusCode::SERVICE_UNAVAILABLE, "the agent does not answer\n").into_response(),
    }
}

fn json(text: String) -> Response {
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}

async fn agent(State(looked): State<Looked>) -> Response {
    let asked = looked.asker.asked(|source| {
        let store = source.store;
        let seen_ns = store.now_ns.saturating_sub(store.began_ns);
        let left_out = [
            ("operations: limit", store.operations.table.left_out),
            ("calls: limit", store.calls.table.left_out),
            ("connections: limit", store.connections.left_out),
        ];
        (source.host.account(), store.traces.counts(), store.traces.bytes(), store.unread, seen_ns, left_out)
    });
    let told = asked.await.map(|(account, counts, bytes, unread, seen_ns, left_out)| {
        let mut told = told::account(&account);
        told["kept"] = told::kept(&counts);
        told["kept_bytes"] = bytes.into();
        told["kept_limit_bytes"] = looked.memory.into();
        told["unread"] = unread.into();
        told["seen_ns"] = seen_ns.into();
        let left_out = left_out.iter().filter(|(_, count)| *count > 0);
        told["left_out"] = left_out.map(|(name, count)| json!({ "name": name, "count": count })).collect();
        told
    });
    answered(told)
}

async fn operations(State(looked): State<Looked>, query: RawQuery) -> Response {
    let asked = Asked::new(query);
    let (over, filter, limit) = (asked.over(), asked.filter(), asked.limit(500));
    let rows = looked.asker.asked(move |source| source.store.operation_rows(over, &filter)).await;
    answered(rows.map(|rows| {
        json!({ "all": rows.len(), "operations": rows.iter().take(limit).map(told::operation).collect::<Vec<_>>() })
    }))
}

async fn map(State(looked): State<Looked>, query: RawQuery) -> Response {
    let over = Asked::new(query).over();
    let rows = looked.asker.asked(move |source| {
        let store = source.store;
        let asking = store.operations.table.iter().map(|(operation, _)| Arc::clone(&operation.service));
        let connected = store.connections.open().map(|one| Arc::clone(&one.service));
        (store.call_rows(over), asking.chain(connected).collect::<BTreeSet<_>>())
    });
    answered(rows.await.map(|(rows, watched)| told::map(&rows, &watched)))
}

async fn traces(State(looked): State<Looked>, query: RawQuery) -> Response {
    let asked = Asked::new(query);
    let order = match asked.text("order") {
        "slowest" => TraceOrder::Slowest,
        "failed" => TraceOrder::Failed,
        _ => TraceOrder::Latest,
    };
    let (filter, of, limit) = (asked.filter(), asked.operation(), asked.limit(200));
    let rows = looked.asker.asked(move |source| {
        (source.store.trace_rows(&filter, of.as_ref(), order, limit), source.store.traces.counts())
    });
    answered(rows.await.map(|(rows, counts)| {
        json!({ "traces": rows.iter().map(told::trace_row).collect::<Vec<_>>(), "kept": told::kept(&counts) })
    }))
}

async fn trace(State(looked): State<Looked>, Path(id): Path<String>) -> Response {
    let Some(id) = said::trace_id(&id) else {
        return (StatusCode::BAD_REQUEST, "a trace id is 32 hexadecimal digits\n").into_response();
    };
    match looked.asker.asked(move |source| source.store.traces.get(&id).cloned()).await {
        Some(None) => (StatusCode::NOT_FOUND, "this trace is not kept\n").into_response(),
        Some(Some(trace)) => answered(Some(told::trace(&trace))),
        None => answered(None),
    }
}

async fn advice(State(looked): State<Looked>) -> Response {
    answered(looked.asker.asked(|source| source.host.advice()).await.map(|report| told::advice(&report)))
}

async fn connections(State(looked): State<Looked>, query: RawQuery) -> Response {
    let asked = Asked::new(query);
    let (filter, ended, limit) = (asked.filter(), asked.text("ended") == "true", asked.limit(500));
    let rows = looked.asker.asked(move |source| {
        let store = source.store;
        let all = (store.connections.open().count(), store.connections.ended().count());
        (store.connection_rows(&filter, ended, limit), all, source.clock, source.clock.unix(store.now_ns))
    });
    answered(rows.await.map(|(rows, (open, ended), clock, now)| {
        let rows = rows.iter().map(|row| told::connection(row, clock));
        json!({ "connections": rows.collect::<Vec<_>>(), "open": open, "ended": ended, "now_unix_ns": now })
    }))
}

async fn targets(State(looked): State<Looked>) -> Response {
    match looked.asker.asked(|source| source.host.targets()).await {
        Some(text) => json(text),
        None => answered(None),
    }
}
