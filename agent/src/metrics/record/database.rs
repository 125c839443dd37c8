//! Rate, errors and duration of database operations: as clients see them, and as database processes do.

use wirespan_protocols::describe::family::{Database, Namespace};

use super::Measured;
use super::labels::Labels;
use crate::event::Role;
use crate::metrics::catalog::Metric;
use crate::metrics::store::{Near, Store};

pub(super) fn record(store: &mut Store, near: &mut Near, measured: &Measured<'_>, database: &Database<'_>) {
    let view = &measured.view;
    let index;
    let mut labels = Labels::default();
    labels.known("db.system.name", database.system);
    match database.namespace {
        None => {}
        Some(Namespace::Name(name)) => labels.shared("db.namespace", name),
        Some(number @ Namespace::Index(_)) => {
            index = number.text();
            labels.text("db.namespace", &index);
        }
    }
    match database.summary.filter(|summary| !summary.is_empty()) {
        Some(summary) => labels.shared("db.query.summary", summary),
        None => {
            if let Some(operation) = database.operation_label() {
                labels.text("db.operation.name", operation);
            }
        }
    }
    if let Some(status) = database.status {
        labels.text("db.response.status_code", status);
    }
    labels.error(measured.error);
    let port = view.server.port.filter(|port| *port != database.usual_port);
    let metric = if measured.role == Role::Client {
        if !view.server.address.is_empty() {
            labels.shared("server.address", &view.server.address);
        }
        labels.port("server.port", port);
        labels.peer(view.peer);
        Metric::DbOperationDuration
    } else {
        labels.port("server.port", port);
        Metric::DbServerOperationDuration
    };
    let mut key = store.key_near(near, measured.seen.resource, labels.as_slice());
    measured.duration(store, metric, &mut key);
    if measured.role == Role::Client {
        measured.amount(store, Metric::DbReturnedRows, &mut key, database.returned_rows);
    }
}
