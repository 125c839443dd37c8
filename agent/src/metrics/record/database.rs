//! Rate, errors and duration of database operations: as clients see them, and as database processes do.

use wirespan_protocols::postgres::PostgresExchange;
use wirespan_protocols::redis::RedisExchange;

use super::labels::Labels;
use super::{Measured, known};
use crate::event::Role;
use crate::metrics::catalog::Metric;
use crate::metrics::store::{Near, Store};
use crate::trace::connection::View;
use crate::trace::{postgres as spans, redis as redis_spans};

pub(super) fn postgres(store: &mut Store, near: &mut Near, measured: &Measured<'_>, exchange: &PostgresExchange) {
    let mut labels = Labels::default();
    labels.known("db.system.name", "postgresql");
    if let Some(database) = &exchange.database {
        labels.shared("db.namespace", database);
    }
    match (&exchange.summary, &exchange.command) {
        (Some(summary), _) if !summary.is_empty() => labels.shared("db.query.summary", summary),
        (_, Some(command)) if !command.is_empty() => labels.text("db.operation.name", known::postgres(command)),
        _ => {}
    }
    if let Some(state) = &exchange.sqlstate {
        labels.text("db.response.status_code", state);
    }
    let rows = spans::returned_rows(exchange);
    record(store, near, measured, labels, spans::USUAL_PORT, rows);
}

pub(super) fn redis(store: &mut Store, near: &mut Near, measured: &Measured<'_>, exchange: &RedisExchange) {
    let mut labels = Labels::default();
    labels.known("db.system.name", "redis");
    let command = known::redis(&exchange.command);
    let index;
    match exchange.database {
        None => {}
        Some(0) => labels.known("db.namespace", "0"),
        Some(number) => {
            index = number.to_string();
            labels.text("db.namespace", &index);
            labels.text("db.operation.name", command);
            status(&mut labels, exchange);
            return record(store, near, measured, labels, redis_spans::USUAL_PORT, None);
        }
    }
    labels.text("db.operation.name", command);
    status(&mut labels, exchange);
    record(store, near, measured, labels, redis_spans::USUAL_PORT, None);
}

fn status<'a>(labels: &mut Labels<'a>, exchange: &'a RedisExchange) {
    if let Some(prefix) = &exchange.error {
        labels.text("db.response.status_code", prefix);
    }
}

fn record<'a>(
    store: &mut Store,
    near: &mut Near,
    measured: &Measured<'a>,
    mut labels: Labels<'a>,
    usual_port: u16,
    rows: Option<u64>,
) {
    let view = View::of_database(measured.seen.connection);
    labels.error(measured.error);
    let metric = if measured.role == Role::Client {
        if !view.server.address.is_empty() {
            labels.shared("server.address", &view.server.address);
        }
        labels.port("server.port", view.server.port.filter(|port| *port != usual_port));
        labels.peer(view.peer);
        Metric::DbOperationDuration
    } else {
        labels.port("server.port", view.server.port.filter(|port| *port != usual_port));
        Metric::DbServerOperationDuration
    };
    let mut key = store.key_near(near, measured.seen.resource, labels.as_slice());
    measured.duration(store, metric, &mut key);
    if measured.role == Role::Client {
        measured.amount(store, Metric::DbReturnedRows, &mut key, rows);
    }
}
