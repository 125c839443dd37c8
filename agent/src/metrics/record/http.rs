//! Rate, errors and duration of HTTP, and the sizes of bodies.

use wirespan_protocols::describe::family::{Http, OTHER};
use wirespan_protocols::describe::options::Options;
use wirespan_protocols::http::{self, url};

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
    labels.text("http.request.method", http::method_name(exchange, options));
    let scheme;
    let metrics = if measured.role == Role::Server {
        scheme = url::scheme(target.scheme);
        labels.text("url.scheme", scheme_label(&scheme));
        if let Some(route) = measured.seen.route {
            labels.shared("http.route", &route.pattern);
            if route.is_guess {
                labels.known("wirespan.route.source", "heuristic");
            }
        }
        [Metric::HttpServerDuration, Metric::HttpServerRequestBody, Metric::HttpServerResponseBody]
    } else {
        let (address, port) = http::called(exchange, &target, &measured.view);
        if !address.is_empty() {
            labels.text("server.address", address);
        }
        labels.port("server.port", port);
        [Metric::HttpClientDuration, Metric::HttpClientRequestBody, Metric::HttpClientResponseBody]
    };
    if let Some(status) = exchange.status {
        labels.number("http.response.status_code", status.into());
    }
    labels.error(measured.error);
    labels.known("network.protocol.version", exchange.version);
    let mut key = store.key_near(near, measured.seen.resource, labels.as_slice());
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
