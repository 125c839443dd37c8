//! Rate, errors and duration of remote procedure calls: as clients see them, and as servers do.

use wirespan_protocols::describe::family::Rpc;
use wirespan_protocols::rpc;
use wirespan_semconv as semconv;

use super::Measured;
use super::labels::Labels;
use crate::event::Role;
use crate::metrics::catalog::Metric;
use crate::metrics::store::{Near, Store};

pub(super) fn record(store: &mut Store, near: &mut Near, measured: &Measured<'_>, call: &Rpc<'_>) {
    let mut labels = Labels::default();
    labels.known(semconv::RPC_SYSTEM_NAME, call.system);
    if let Some(method) = call.method_label(measured.view.kind) {
        labels.text(semconv::RPC_METHOD, method);
    }
    if let Some(status) = call.status {
        labels.known(semconv::RPC_RESPONSE_STATUS_CODE, status);
    }
    labels.error(measured.error);
    let metric = if measured.role == Role::Client {
        let (address, port) = rpc::called(call, &measured.view);
        if !address.is_empty() {
            labels.text(semconv::SERVER_ADDRESS, address);
        }
        labels.port(semconv::SERVER_PORT, port);
        Metric::RpcClientDuration
    } else {
        Metric::RpcServerDuration
    };
    let mut key = store.key_near(near, measured.seen.resource, labels.as_slice()).times(measured.times);
    measured.duration(store, metric, &mut key);
}
