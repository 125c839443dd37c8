//! Rate, errors and duration of database operations: as clients see them, and as database processes do.

use wirespan_protocols::describe::family::{Database, Namespace};
use wirespan_semconv as semconv;

use super::Measured;
use super::labels::Labels;
use crate::event::Role;
use crate::metrics::catalog::Metric;
use crate::metrics::store::{Near, Store};

pub(super) fn record(store: &mut Store, near: &mut Near, measured: &Measured<'_>, database: &Database<'_>) {
    let view = &measured.view;
    let index;
    let mut labels = Labels::default();
    labels.known(semconv::DB_SYSTEM_NAME, database.system);
    match database.namespace {
        None => {}
        Some(Namespace::Name(name)) => labels.shared(semconv::DB_NAMESPACE, name),
        Some(number @ Namespace::Index(_)) => {
            index = number.text();
            labels.text(semconv::DB_NAMESPACE, &index);
        }
    }
    match database.summary.filter(|summary| !summary.is_empty()) {
        Some(summary) => labels.shared(semconv::DB_QUERY_SUMMARY, summary),
        None => {
            if let Some(operation) = database.operation_label() {
                labels.text(semconv::DB_OPERATION_NAME, operation);
            }
        }
    }
    if let Some(status) = database.status {
        labels.text(semconv::DB_RESPONSE_STATUS_CODE, status);
    }
    labels.error(measured.error);
    let port = view.server.port.filter(|port| *port != database.usual_port);
    let metric = if measured.role == Role::Client {
        if !view.server.address.is_empty() {
            labels.shared(semconv::SERVER_ADDRESS, &view.server.address);
        }
        labels.port(semconv::SERVER_PORT, port);
        labels.peer(view.peer);
        Metric::DbOperationDuration
    } else {
        labels.port(semconv::SERVER_PORT, port);
        Metric::DbServerOperationDuration
    };
    let mut key = store.key_near(near, measured.seen.resource, labels.as_slice()).times(measured.times);
    measured.duration(store, metric, &mut key);
    if measured.role == Role::Client {
        measured.amount(store, Metric::DbReturnedRows, &mut key, database.returned_rows);
    }
}
