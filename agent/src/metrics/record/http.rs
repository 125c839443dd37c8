//! Rate, errors and duration of HTTP, and the sizes of bodies.

use wirespan_protocols::describe::family::{Http, OTHER};
use wirespan_protocols::describe::options::Options;
use wirespan_protocols::http::{self, url};
use wirespan_semconv as semconv;

use super::Measured;
use super::labels::Labels;
use crate::event::Role;
use crate::metrics::catalog::Metric;
use crate::metrics::store::{Near, Store};

/// A scheme as a label: a peer can invent any number of them.
fn scheme_label(scheme: &str) -> &str {
    if matches!(scheme, "http" | "https" | "ws" | "wss") { scheme } else { OTHER }
}

pub(super) fn record(
    store: &mut Store,
    near: &mut Near,
    options: &Options,
    measured: &Measured<'_>,
    exchange: &Http<'_>,
) {
    let target = http::target(exchange);
    let mut labels = Labels::default();
    labels.text(semconv::HTTP_REQUEST_METHOD, http::method_name(exchange, options));
    let scheme;
    let metrics = if measured.role == Role::Server {
        scheme = url::scheme(target.scheme);
        labels.text(semconv::URL_SCHEME, scheme_label(&scheme));
        if let Some(route) = measured.seen.route {
            labels.shared(semconv::HTTP_ROUTE, &route.pattern);
            if route.is_guess {
                labels.known(semconv::WIRESPAN_ROUTE_SOURCE, "heuristic");
            }
        }
        [Metric::HttpServerDuration, Metric::HttpServerRequestBody, Metric::HttpServerResponseBody]
    } else {
        let (address, port) = http::called(exchange, &target, &measured.view);
        if !address.is_empty() {
            labels.text(semconv::SERVER_ADDRESS, address);
        }
        labels.port(semconv::SERVER_PORT, port);
        [Metric::HttpClientDuration, Metric::HttpClientRequestBody, Metric::HttpClientResponseBody]
    };
    if let Some(status) = exchange.status {
        labels.number(semconv::HTTP_RESPONSE_STATUS_CODE, status.into());
    }
    labels.error(measured.error);
    labels.known(semconv::NETWORK_PROTOCOL_VERSION, exchange.version);
    let mut key = store.key_near(near, measured.seen.resource, labels.as_slice()).times(measured.times);
    let [duration, request_body, response_body] = metrics;
    measured.duration(store, duration, &mut key);
    measured.amount(store, request_body, &mut key, exchange.request_body);
    measured.amount(store, response_body, &mut key, exchange.response_body);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_that_nobody_defined_are_one() {
        assert_eq!(["http", "wss", "x17"].map(scheme_label), ["http", "wss", OTHER]);
    }
}
